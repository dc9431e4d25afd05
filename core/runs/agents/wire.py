"""What this process and one that computes for it say to each other: plain values and arrays, each message a safetensors file,
on a pipe with its length before it. Nothing is unpickled. No torch in here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import IO, Any, NamedTuple

from numpy.typing import NDArray

from core.config import parse
from core.engine.events import KINDS, Arrays, Checkpoint, Event
from core.fields import SplitName
from core.runs import artefacts
from core.runs.agents import SPLITS, Assignment, Ended
from core.runs.writing import under

LENGTH_BYTES = 8
MAPPINGS = ("weights", "best_weights", "optimizer")  # fields of an event that are name -> array
ARRAY = "best_logits"  # a field that is an array, or None

Values = Mapping[str, Any]


class Message(NamedTuple):
    """values: with "do" (towards the child) or "message" (from it), which says what this is · arrays: name -> array"""

    values: Values
    arrays: Arrays


def send(stream: IO[bytes], values: Values, arrays: Arrays | None = None) -> None:
    """Write a message. Raises OSError when nobody reads."""
    content = packed(values, arrays)
    stream.write(len(content).to_bytes(LENGTH_BYTES, "little") + content)
    stream.flush()


def receive(stream: IO[bytes]) -> Message | None:
    """The next message; None at the end of the stream, also in the middle of a message. Waits for it."""
    length = int.from_bytes(head := stream.read(LENGTH_BYTES), "little")
    content = stream.read(length)
    return None if len(head) < LENGTH_BYTES or len(content) < length else unpacked(content)


def packed(values: Values, arrays: Arrays | None = None) -> bytes:
    """A message as the bytes of a safetensors file."""
    # As text of their own: the values may hold infinities and NaN, which JSON has no words for and Python's does.
    return artefacts.pack({"values": json.dumps(values)}, arrays or {})


def unpacked(content: bytes) -> Message:
    """What ``packed`` wrote. Raises RunError for what is none."""
    metadata, arrays = artefacts.unpack(content)
    return Message(json.loads(metadata["values"]), arrays)


def event_message(event: Event) -> Message:
    """An event, exactly as it is."""
    values: dict[str, Any] = {"message": "event", "kind": event.kind}
    arrays: dict[str, NDArray[Any]] = {}
    for field in fields(event):
        value = getattr(event, field.name)
        if field.name in MAPPINGS:
            arrays |= {f"{field.name}/{name}": array for name, array in value.items()}
        elif field.name == ARRAY:
            arrays |= {} if value is None else {ARRAY: value}
        else:
            values[field.name] = value
    return Message(values, arrays)


def event_of(message: Message) -> Event:
    """What ``event_message`` wrote."""
    kind = KINDS[message.values["kind"]]
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in MAPPINGS:
            values[field.name] = under(message.arrays, f"{field.name}/")
        elif field.name == ARRAY:
            values[ARRAY] = message.arrays.get(ARRAY)
        else:
            values[field.name] = message.values[field.name]
    return kind(**values)


def ended_message(ended: Ended) -> Message:
    """The last event, and what was answered on each split."""
    values, _ = event_message(ended.event)
    arrays = {
        f"{split}/{name}": array
        for split, evaluation in ended.evaluations.items()
        for name, array in (("logits", evaluation.logits), ("labels", evaluation.labels))
    }
    return Message({**values, "message": "ended"}, arrays)


def ended_of(message: Message) -> Ended:
    """What ``ended_message`` wrote."""
    from core.engine.evaluate import Evaluation

    by_split: dict[SplitName, Arrays] = {split: under(message.arrays, f"{split}/") for split in SPLITS}
    evaluations = {split: Evaluation(**arrays) for split, arrays in by_split.items() if arrays}
    return Ended(event_of(Message(message.values, {})), evaluations)


def assignment_message(assignment: Assignment, shared_dataset: Mapping[str, Any]) -> Message:
    """shared_dataset: where the other side finds it, as ``shared.Shelf.put`` says it"""
    resume = event_message(assignment.resume) if assignment.resume else Message({}, {})
    values = {
        "do": "compute", "config": assignment.config.model_dump(mode="json"), "dataset": shared_dataset,
        "threads": assignment.threads, "checkpoint_every": assignment.checkpoint_every, "resume": resume.values,
        "starts_from": assignment.start is not None,
    }  # fmt: skip
    start = {f"start/{name}": array for name, array in (assignment.start or {}).items()}
    return Message(values, start | {f"resume/{name}": array for name, array in resume.arrays.items()})


def assignment_of(message: Message, dataset: Any) -> Assignment:
    """What ``assignment_message`` wrote, with its dataset."""
    values, arrays = message
    resume = event_of(Message(values["resume"], under(arrays, "resume/"))) if values["resume"] else None
    assert resume is None or isinstance(resume, Checkpoint)
    return Assignment(
        parse(values["config"]), dataset, resume, under(arrays, "start/") if values["starts_from"] else None,
        values["threads"], values["checkpoint_every"],
    )  # fmt: skip
