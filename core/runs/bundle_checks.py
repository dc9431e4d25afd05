"""What may stand in a bundle: the values of a run as this program writes them, and nothing else.

A bundle is made by a program that nobody here knows. Its checksums say that it came whole, not that it is true; so every
value is checked for kind, range and agreement with the others before any of it is stored. Raised is ValueError, or ConfigError
for settings that are not allowed here.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np

from core.config import RunConfig, parse, with_present_values
from core.engine.events import KINDS, TERMINAL, Checkpoint, Snapshot
from core.errors import RunError
from core.fields import SplitName
from core.runs import artefacts, writing
from core.runs.rows import Role, check_name, check_notes, check_tags
from core.runs.shipped import SHIPPED_ID_PREFIX

MAX_EVENTS = 500_000
MAX_TEXT = 20_000  # letters of one text: the hits of 100,000 validation images, or a traceback
MAX_NUMBER = 2**53  # up to here every whole number is exact in JSON
MAX_FIGURE = 3.4028234663852886e38  # of what is measured: the largest float32
MAX_SECONDS = 1e9  # of computing: 30 years
MAX_IMAGES = 100_000  # of one split
MAX_LOSS_DIFFERENCE = 1e-3  # of a stored loss from that of the answers: another processor sums in another order
YEARS = (2020, 2100)
_RUN_ID = re.compile(r"[0-9a-f]{32}")
_WITH_FILES = frozenset({Checkpoint.kind, Snapshot.kind})  # events that are no rows of their own
# Of an event what a network that diverges leaves without a number; and what can not be 0.
_NOT_A_NUMBER = frozenset({"train_loss", "train_acc", "grad_norm"})
_AT_LEAST_1 = frozenset({"n_params", "threads", "n_train", "steps_per_epoch", "epochs"})
_ENDS = frozenset(record.kind for record in TERMINAL)
# What others read of an environment, and what each is. Whatever else stands there is only kept.
_ENVIRONMENT: Mapping[str, tuple[type, ...]] = {
    "architecture": (str,), "seed": (int,), "precision": (str,), "dataset": (str,), "split_hash": (str,), "device": (str,),
    "threads": (int,), "cpu": (str, type(None)), "dataset_hashes": (dict,), "versions": (dict,), "changed_on_resume": (list,),
    "class_set": (dict,), "start_from": (dict,),
}  # fmt: skip
_SUMMARY_FIGURES = ("epoch", "step", "seconds", "best_epoch", "n_params", "images_per_s")
_SPLITS: tuple[SplitName, ...] = ("val", "test")


@dataclass(frozen=True, eq=False)
class Bundle:
    """A run as a bundle says it, sound in itself.

    config: as stored · settings: the same, read · environment: what a store calls its manifest
    events: as ``to_json`` writes them, in order · artefacts: role -> the file of the store
    """

    run_id: str
    name: str
    tags: tuple[str, ...]
    notes: str
    created_utc: str
    best_epoch: float
    summary: Mapping[str, Any]
    config: Mapping[str, Any]
    settings: RunConfig
    environment: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]
    artefacts: Mapping[Role, bytes]


def checked(
    *,
    about: Mapping[str, Any],
    config: Mapping[str, Any],
    environment: Mapping[str, Any],
    events: bytes,
    artefacts: Mapping[Role, bytes],
) -> Bundle:
    """The parts of a bundle as one run. Raises ValueError or InputError with what is wrong."""
    _need(set(about) == {"run_id", "name", "tags", "notes", "created_utc", "best_epoch", "summary"}, "run.json")
    run_id = about["run_id"]
    _need(isinstance(run_id, str) and bool(_RUN_ID.fullmatch(run_id)), "the run's id")
    if run_id.startswith(SHIPPED_ID_PREFIX):
        raise RunError("This run comes with Digit Lab, and is not imported.")
    texts = (about["name"], about["notes"], *(about["tags"] if isinstance(about["tags"], list) else [None]))
    _need(all(isinstance(text, str) for text in texts), "its name, tags or notes")
    _need(_number(about["best_epoch"]), "its best epoch")
    settings = _settings(config)
    _check_environment(environment, settings)
    told = _events(events)
    _check_summary(about["summary"], told, about["best_epoch"])
    _check_weights(settings, config, artefacts["best"], about["best_epoch"])
    for split in _SPLITS:
        role = writing.EVALUATION_ROLES[split]
        if role in artefacts:
            _check_answers(artefacts[role], split, about["summary"])
    return Bundle(
        run_id=run_id, name=check_name(about["name"]), tags=check_tags(about["tags"]), notes=check_notes(about["notes"]),
        created_utc=_time(about["created_utc"]), best_epoch=about["best_epoch"], summary=about["summary"], config=config,
        settings=settings, environment=environment, events=told, artefacts=artefacts,
    )  # fmt: skip


def strict_json(content: bytes) -> Any:
    """JSON with numbers that are numbers and text that is text. Raises ValueError, RecursionError."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    values = json.loads(content.decode("utf-8"), parse_constant=refuse)
    json.dumps(
        values, ensure_ascii=False, allow_nan=False
    ).encode()  # 1e999 is read as infinity; half a character as text
    return values


def _need(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"{what}: not as this program writes it")


def _number(value: object, high: float = MAX_NUMBER) -> bool:
    """Whether it is a number from 0 to ``high``; a whole one has a limit of its own."""
    if type(value) is int:
        return 0 <= value <= min(high, MAX_NUMBER)
    return isinstance(value, float) and 0 <= value <= high


def _text(value: object) -> bool:
    """Whether it is a text that can be shown; a traceback has several lines."""
    return isinstance(value, str) and len(value) <= MAX_TEXT and value.replace("\n", "").replace("\t", "").isprintable()


def _time(text: object) -> str:
    """ISO 8601 with its zone, of a year in which this program could run."""
    _need(isinstance(text, str) and len(text) <= 40 and text.isascii(), "its time of creation")
    moment = datetime.fromisoformat(str(text))
    _need(moment.tzinfo is not None and YEARS[0] <= moment.year < YEARS[1], "its time of creation")
    return str(text)


def _settings(config: Mapping[str, Any]) -> RunConfig:
    """The settings as a value; each within its bounds and written as it is stored."""
    present = with_present_values(config)
    settings = parse(present)
    stored = settings.model_dump(mode="json")
    _need(set(present) == set(stored), "config.json")
    for section, values in present.items():
        for name, value in values.items() if isinstance(values, dict) else [(section, values)]:
            as_stored = stored[section].get(name) if isinstance(values, dict) else stored[section]
            _need(value == as_stored and isinstance(value, bool) == isinstance(as_stored, bool), f"the setting {name}")
            _need(isinstance(value, str) == isinstance(as_stored, str), f"the setting {name}")
    return settings


def _check_environment(environment: Mapping[str, Any], settings: RunConfig) -> None:
    training, images = settings.training, settings.data
    expected = {"architecture": settings.architecture, "seed": training.seed, "dataset": images.dataset}
    for name, value in expected.items():
        _need(environment.get(name, value) == value, f"environment.json, {name}")
    for name, value in environment.items():
        kinds = _ENVIRONMENT.get(name, (object,))
        _need(
            isinstance(value, kinds) and not (kinds == (int,) and isinstance(value, bool)), f"environment.json, {name}"
        )
        _need(_plain(value) and _text(name), f"environment.json, {name[:40]!a}")
    for name in ("dataset_hashes", "versions"):
        _need(all(isinstance(text, str) for text in environment.get(name, {}).values()), f"environment.json, {name}")
    _need(all(isinstance(name, str) for name in environment.get("changed_on_resume", ())), "environment.json, a name")


def _plain(value: object, depth: int = 2) -> bool:
    """Numbers, texts that can be shown, and lists and objects of such."""
    if isinstance(value, (list, dict)):
        names = list(value) if isinstance(value, dict) else []
        parts = list(value.values()) if isinstance(value, dict) else value
        return depth > 0 and all(map(_text, names)) and all(_plain(part, depth - 1) for part in parts)
    return value is None or _text(value) or (isinstance(value, (int, float)) and abs(value) <= MAX_NUMBER)


def _events(content: bytes) -> list[dict[str, Any]]:
    """Everything that the run told, from its start to its one end."""
    lines = content.decode("utf-8").removesuffix("\n").split("\n")
    _need(len(lines) <= MAX_EVENTS, f"events.jsonl has {len(lines):,} lines")
    told = [_event(strict_json(line.encode()), number) for number, line in enumerate(lines, 1)]
    _need(told[0]["event"] == "started", "events.jsonl, line 1")
    _need([event["event"] in _ENDS for event in told] == [False] * (len(told) - 1) + [True], "events.jsonl, its end")
    return told


def _event(values: Any, number: int) -> dict[str, Any]:
    where = f"events.jsonl, line {number:,}"
    _need(isinstance(values, dict) and isinstance(values.get("event"), str), where)
    _need(values["event"] in KINDS.keys() - _WITH_FILES, where)
    kinds, required = _fields(values["event"])
    names = values.keys() - {"event"}
    _need(required <= names <= kinds.keys(), where)
    for name in names:
        is_missing = values[name] is None and name in _NOT_A_NUMBER
        _need(is_missing or _fits(name, values[name], kinds[name]), f"{where}, {name}")
    if values["event"] == "judged":
        n_bytes = len(base64.b64decode(values["right"], validate=True))
        _need(0 < values["n"] <= MAX_IMAGES and n_bytes == -(-values["n"] // 8), where)
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
        return type(value) is int and _number(value) and value >= (name in _AT_LEAST_1)
    if kind is str:
        return _text(value)
    return (value is None and type(None) in get_args(kind)) or _figure(name, value)


def _figure(name: str, value: object) -> bool:
    """Whether it is a number that a measurement of this name can have."""
    if name.endswith("_acc"):
        return _number(value, 1.0)
    return _number(value, MAX_SECONDS if name.endswith(("seconds", "epoch")) else MAX_FIGURE)


def _check_summary(summary: Any, told: Sequence[Mapping[str, Any]], best_epoch: float) -> None:
    """That it says what the events say, and figures that can be."""
    _need(isinstance(summary, dict), "its summary")
    end = told[-1]
    words = {"status", "reason", "detail"}
    figures = {f"{split}_{figure}" for split in _SPLITS for figure in ("acc", "loss")} | {"n_val", "n_test"}
    _need(summary.keys() <= {*_SUMMARY_FIGURES, *words, *figures}, "its summary")
    _need(summary.keys() >= {"status", "epoch", "step", "seconds", "best_epoch", "reason"}, "its summary")
    _need(
        summary["status"] == end["event"] and all(_text(summary[word]) for word in words & summary.keys()),
        "its summary",
    )
    for name in ("epoch", "step", "seconds", "best_epoch"):
        _need(summary[name] == end.get(name, summary[name]), f"its summary, {name}")
    _need(summary["best_epoch"] in (None, best_epoch), "its summary, best_epoch")
    for name in summary.keys() - words:
        _need(summary[name] is None or _figure(name, summary[name]), f"its summary, {name}")
        _need(not name.startswith("n_") or type(summary[name]) in (int, type(None)), f"its summary, {name}")
    _need(type(summary["step"]) is int and _number(summary["seconds"]) and _number(summary["epoch"]), "its summary")
    for split in _SPLITS:
        _need(len({f"{split}_acc", f"{split}_loss", f"n_{split}"} & summary.keys()) in (0, 3), "its summary")
        if f"n_{split}" in summary:
            n_images = summary[f"n_{split}"]
            _need(
                _number(summary[f"{split}_acc"]) and _number(n_images, MAX_IMAGES) and n_images > 0,
                f"its summary, n_{split}",
            )


def _check_weights(settings: RunConfig, config: Mapping[str, Any], content: bytes, best_epoch: float) -> None:
    """That these are finite weights of this network. Loads torch; draws no random number and computes nothing."""
    from core import models
    from core.models.counting import on_meta

    about, arrays = artefacts.unpack(content)
    _need(isinstance(about, dict) and about.get("format") == writing.FORMAT, "weights.safetensors")
    _need(about.get("config") == config and about.get("architecture") == settings.architecture, "its weights")
    _need(about.get("best_epoch") == best_epoch, "its weights, best_epoch")
    _need(_number(about.get("mean"), 1.0) and _number(about.get("std"), 1.0) and about["std"] > 0, "its weights, mean")
    module = on_meta(models.get(settings.architecture).build, settings.model)
    expected = {
        name: (tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
        for name, tensor in module.state_dict().items()
    }
    actual = {name: (array.shape, str(array.dtype)) for name, array in arrays.items()}
    _need(actual == expected, f"weights of another network than {settings.architecture} with these settings")
    _need(all(bool(np.isfinite(array).all()) for array in arrays.values()), "weights that are no numbers")


def _check_answers(content: bytes, split: SplitName, summary: Mapping[str, Any]) -> None:
    """That these are answers, and the figures are theirs."""
    about, arrays = artefacts.unpack(content)
    _need(
        about == {"format": writing.FORMAT, "on": split} and arrays.keys() == {"logits", "labels"},
        f"its {split} answers",
    )
    logits, labels = arrays["logits"], arrays["labels"]
    n = len(labels) if labels.ndim == 1 else 0
    _need(logits.dtype == np.float32 and labels.dtype == np.int64 and 0 < n <= MAX_IMAGES, f"its {split} answers")
    _need(logits.shape == (n, 10) and 0 <= labels.min() <= labels.max() <= 9, f"its {split} answers")
    # Minus infinity is the logarithm of a probability that rounds to 0, for a network that looks several times.
    _need(not np.isnan(logits).any() and logits.max() < math.inf, f"its {split} answers")
    if f"n_{split}" not in summary:
        return
    accuracy = int((logits.argmax(1) == labels).sum()) / n
    _need((summary[f"n_{split}"], summary[f"{split}_acc"]) == (n, accuracy), f"the accuracy of its {split} answers")
    wide = logits.astype(np.float64)
    top = wide.max(1, keepdims=True)
    with np.errstate(invalid="ignore"):  # ten times minus infinity
        losses = np.log(np.exp(wide - top).sum(1)) + top[:, 0] - wide[np.arange(n), labels]
    loss, stored = float(losses.mean()), summary[f"{split}_loss"]
    is_equal = stored is not None and math.isclose(loss, stored, rel_tol=MAX_LOSS_DIFFERENCE, abs_tol=1e-6)
    _need(is_equal or (stored is None and not math.isfinite(loss)), f"the loss of its {split} answers")
