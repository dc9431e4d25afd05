"""What is said to a child and by it arrives exactly as it was, and a dataset is in memory once."""

from __future__ import annotations

import io
import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_material import checkpoint, epoch_end, finished, progress, started, weights

from core.config import run_config
from core.data.dataset import Dataset
from core.engine.evaluate import Evaluation
from core.engine.events import Diverged, Event, Failed, Snapshot, ValidationHits
from core.runs.agents import Assignment, Ended, wire
from core.runs.agents.shared import Shelf, dataset_at
from core.runs.lease import Lease


def same(first: Any, other: Any) -> bool:
    if isinstance(first, np.ndarray):
        return first.dtype == other.dtype and first.shape == other.shape and first.tobytes() == other.tobytes()
    if isinstance(first, dict):
        return first.keys() == other.keys() and all(same(first[key], other[key]) for key in first)
    return type(first) is type(other) and (first == other or (first != first and other != other))


def same_event(first: Event, other: Event) -> bool:
    return type(first) is type(other) and all(
        same(getattr(first, field.name), getattr(other, field.name)) for field in fields(first)
    )


def sent(values: wire.Values, arrays: Any) -> wire.Message:
    stream = io.BytesIO()
    wire.send(stream, values, arrays)
    stream.seek(0)
    message = wire.receive(stream)
    assert message is not None
    assert wire.receive(stream) is None
    return message


@pytest.mark.parametrize(
    "event",
    [
        started(), progress(0.5), epoch_end(2), ValidationHits(1, 20, "//8="), checkpoint(1, 0.1), finished(3),
        Snapshot(1, 10, weights(1.0)), Diverged(1.0, 12, 1.0, 0, math.inf, None), Failed("no memory", "trace", 1.0),
    ],
    ids=lambda event: event.kind,
)  # fmt: skip
def test_events_arrive_as_they_were(event: Event) -> None:
    assert same_event(wire.event_of(sent(*wire.event_message(event))), event)


def test_the_end_arrives_with_its_answers() -> None:
    answers = {"test": Evaluation(np.eye(10, dtype=np.float32), np.arange(10))}
    ended = wire.ended_of(sent(*wire.ended_message(Ended(finished(2), answers))))  # type: ignore[arg-type]
    assert same_event(ended.event, finished(2))
    assert ended.evaluations.keys() == answers.keys()
    assert same(ended.evaluations["test"].logits, answers["test"].logits)
    assert same(ended.evaluations["test"].labels, answers["test"].labels)


@pytest.mark.parametrize("resume", [None, checkpoint(2)])
def test_an_assignment_arrives_as_it_was_and_its_dataset_is_mapped_once(
    dataset: Dataset, root: Path, resume: Any
) -> None:
    config = run_config("cnn", {"lr": 0.1 + 0.2, "seed": 7})
    start = None if resume else weights(3.0)
    assignment = Assignment(config, dataset, resume, start, threads=3, checkpoint_every=0.5)
    with Lease(root) as lease:
        shelf = Shelf(root, lease.id)
        place = shelf.put(dataset)
        message = sent(*wire.assignment_message(assignment, place))
        other = wire.assignment_of(message, dataset_at(message.values["dataset"]))
        assert (other.config, other.threads, other.checkpoint_every) == (config, 3, 0.5)
        assert same(other.start, start)
        assert other.resume is resume or same_event(other.resume, resume)  # type: ignore[arg-type]
        for field in fields(Dataset):
            if field.name not in ("splits", "subsets"):
                value = getattr(other.dataset, field.name)
                assert same(value, getattr(dataset, field.name)), field.name
        assert isinstance(other.dataset.train_images.base, np.memmap)
        files = set(root.glob("workers/*.shared/*"))
        assert shelf.put(dataset) == place
        assert set(root.glob("workers/*.shared/*")) == files
        shelf.clear()
        assert not list(root.glob("workers/*.shared"))


def test_half_a_message_is_the_end() -> None:
    stream = io.BytesIO()
    wire.send(stream, {"do": "stop"})
    assert wire.receive(io.BytesIO(stream.getvalue()[:-1])) is None
    assert wire.receive(io.BytesIO(stream.getvalue()[:5])) is None
