"""What the tests of this room and their child processes are made of: small digits, hand-made events, made answers."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from core.config import RunConfig
from core.data.dataset import Dataset
from core.engine.events import Arrays, Checkpoint, EpochEnd, Finished, Progress, Started
from core.runs import btree
from core.runs.store import Store

TO_BE_LOST = "this one will be lost"


def small_digits(n: int = 1000) -> Dataset:
    """Noise with a bar whose place tells the class; four fifths for training."""
    random = np.random.default_rng(0)
    labels = np.arange(n) % 10
    images = random.integers(0, 160, (n, 28, 28)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 4, 5:20] |= 96
    cut = n * 4 // 5
    return Dataset(
        "digits", "Small digits", "Made for tests.",
        images[:cut], labels[:cut], images[cut:], labels[cut:], {"images": "made", "labels": "made"},
    )  # fmt: skip


def started(epoch: int = 0, **changes: Any) -> Started:
    values: dict[str, Any] = {
        "n_params": 10, "device": "cpu", "threads": 2, "n_train": 100, "n_val": 20, "steps_per_epoch": 10, "epochs": 3,
        "epoch": epoch, "split_hash": "s", "mean": 0.25, "std": 0.5,
    }  # fmt: skip
    return Started(**values | changes)


def progress(epoch: float) -> Progress:
    return Progress(epoch, round(epoch * 10), 1.0, 0.5, 0.01, float("nan"), 1000.0, epoch)


def epoch_end(epoch: float) -> EpochEnd:
    return EpochEnd(epoch, round(epoch * 10), 1.0, 0.5, 1.0, 0.5, 0.01, 1000.0, epoch, 1.0, True)


def weights(epoch: float) -> Arrays:
    return {"weight": np.full((10, 4), epoch, np.float32).T, "count": np.array(7), "bias": np.arange(3.0)}


def checkpoint(epoch: float, best: float | None = None) -> Checkpoint:
    best = epoch if best is None else best
    return Checkpoint(
        epoch,
        round(epoch * 10),
        epoch,
        best,
        0.5,
        0,
        weights(epoch),
        weights(best),
        {"0.exp_avg": np.ones((2, 3)) * epoch},
    )


def finished(epoch: int = 3) -> Finished:
    return Finished(epoch, epoch * 10, float(epoch), epoch, "completed")


@dataclass
class Score:
    loss: float
    accuracy: float
    n: int


@dataclass
class MadeEvaluation:
    """The shape of an Evaluation, without torch."""

    logits: np.ndarray
    labels: np.ndarray

    @property
    def score(self) -> Score:
        return Score(0.5, 0.75, len(self.labels))


def made_evaluation(n: int = 4) -> Any:
    return MadeEvaluation(np.eye(n, 10, dtype=np.float32) * 5, np.arange(n))


def damage_a_page(store: Store, config: RunConfig, *, spare: str) -> None:
    """Add 60 runs that wait, close the store, and overwrite the pages that hold the row of one in their middle, ``TO_BE_LOST``;
    a name of its own, for "run 4" and a checksum that begins with "0" would be taken for "run 40".

    spare: id of a run whose page stays, should it hold what is left of rows that moved to another
    """
    for place in range(60):
        store.create(config, name=TO_BE_LOST if place == 40 else f"run {place}", request="pause")
    store.close()
    path = store.root / "runs.sqlite3"
    content = bytearray(path.read_bytes())
    size = btree.USUAL_PAGE_BYTES
    for start in range(0, len(content), size):
        page = content[start : start + size]
        if page[0] == btree.TABLE_LEAF and TO_BE_LOST.encode() in page and spare.encode() not in page:
            content[start : start + size] = Random(0).randbytes(size)
    path.write_bytes(content)
