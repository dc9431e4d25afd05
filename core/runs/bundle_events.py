"""What may stand in the events of a bundle: every line is an event as this program writes it.

Here stand, too, the questions that other parts of a bundle are asked: whether something is a number, or a text that can be
shown. Raised is ValueError.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Set
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from core.engine.events import KINDS, TERMINAL, Checkpoint, Snapshot

MAX_EVENTS = 500_000
# Short JSON can be large in memory: "[[],[],…]" takes thirty times its bytes.
MAX_LINE_BYTES = 200_000  # of an event
MAX_TEXT = 20_000  # letters of one text: the hits of 100,000 validation images, or a traceback
MAX_NUMBER = 2**53  # up to here every whole number is exact in JSON
MAX_FIGURE = 3.4028234663852886e38  # of what is measured: the largest float32
MAX_SECONDS = 1e9  # of computing: 30 years
MAX_IMAGES = 100_000  # of one split
_WITH_FILES = frozenset({Checkpoint.kind, Snapshot.kind})  # events that are no rows of their own
# Of an event what a network that diverges leaves without a number; and what can not be 0.
_NOT_A_NUMBER = frozenset({"train_loss", "train_acc", "grad_norm"})
_AT_LEAST_1 = frozenset({"n_params", "threads", "n_train", "steps_per_epoch", "epochs"})
_ENDS = frozenset(record.kind for record in TERMINAL)


def strict_json(content: bytes) -> Any:
    """JSON with numbers that are numbers and text that is text. Raises ValueError, RecursionError."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    values = json.loads(content.decode("utf-8"), parse_constant=refuse)
    # 1e999 is read as infinity, and half a character as text; neither can be written.
    json.dumps(values, ensure_ascii=False, allow_nan=False).encode()
    return values


def need(holds: bool, what: str) -> None:
    """Raise ValueError unless something holds. what: the part of the bundle in question"""
    if not holds:
        raise ValueError(f"{what}: not as this program writes it")


def is_number(value: object, high: float = MAX_NUMBER) -> bool:
    """Whether it is a number from 0 to ``high``; a whole one has a limit of its own."""
    if type(value) is int:
        return 0 <= value <= min(high, MAX_NUMBER)
    return isinstance(value, float) and 0 <= value <= high


def is_text(value: object) -> bool:
    """Whether it is a text that can be shown; a traceback has several lines."""
    return isinstance(value, str) and len(value) <= MAX_TEXT and value.replace("\n", "").replace("\t", "").isprintable()


def read_events(content: bytes) -> list[dict[str, Any]]:
    """Everything that the run told, from its start to its one end."""
    lines = content.decode("utf-8").removesuffix("\n").split("\n")
    need(len(lines) <= MAX_EVENTS, f"events.jsonl has {len(lines):,} lines")
    need(max(map(len, lines)) <= MAX_LINE_BYTES, "events.jsonl, a line")
    history = [_event(strict_json(line.encode()), number) for number, line in enumerate(lines, 1)]
    need(history[0]["event"] == "started", "events.jsonl, line 1")
    need(
        [event["event"] in _ENDS for event in history] == [False] * (len(history) - 1) + [True], "events.jsonl, its end"
    )
    return history


def _event(values: Any, number: int) -> dict[str, Any]:
    where = f"events.jsonl, line {number:,}"
    need(isinstance(values, dict) and isinstance(values.get("event"), str), where)
    need(values["event"] in KINDS.keys() - _WITH_FILES, where)
    kinds, required = _fields(values["event"])
    names = values.keys() - {"event"}
    need(required <= names <= kinds.keys(), where)
    for name in names:
        is_missing = values[name] is None and name in _NOT_A_NUMBER
        need(is_missing or _fits(name, values[name], kinds[name]), f"{where}, {name}")
    if values["event"] == "judged":
        n_bytes = len(base64.b64decode(values["right"], validate=True))
        need(0 < values["n"] <= MAX_IMAGES and n_bytes == -(-values["n"] // 8), where)
    return values  # type: ignore[no-any-return]  # an object, as was asked above


@cache
def _fields(kind: str) -> tuple[Mapping[str, Any], Set[str]]:
    """Of an event its fields, each with its type, and those of them that every version wrote."""
    hints, declared = get_type_hints(KINDS[kind]), fields(KINDS[kind])
    return {each.name: hints[each.name] for each in declared}, {
        each.name for each in declared if each.default is MISSING
    }


def _fits(name: str, value: object, kind: Any) -> bool:
    """Whether a value is what this field of an event holds."""
    if get_origin(kind) is Literal:
        return isinstance(value, str) and value in get_args(kind)
    if kind is bool:
        return isinstance(value, bool)
    if kind is int:
        return type(value) is int and is_number(value) and value >= (name in _AT_LEAST_1)
    if kind is str:
        return is_text(value)
    return (value is None and type(None) in get_args(kind)) or is_figure(name, value)


def is_figure(name: str, value: object) -> bool:
    """Whether it is a number that a measurement of this name can have."""
    if name.endswith("_acc"):
        return is_number(value, 1.0)
    return is_number(value, MAX_SECONDS if name.endswith(("seconds", "epoch")) else MAX_FIGURE)
