"""Trainings to be interrupted, what came of them, and whether a store is whole."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from bench.reliability.card import Tally
from bench.reliability.children import Child, command
from core.engine.events import Arrays
from core.errors import RunError
from core.runs.agents import SPLITS
from core.runs.rows import Run
from core.runs.schema import DATABASE
from core.runs.store import Store

# Dropout, momentum, schedules and augmentation: everything that a resume could get wrong.
_DEMANDING = {
    "dataset": "digits", "n_train": 300, "batch_size": 16, "epochs": 6, "dropout": 0.3, "shift": 2.0,
    "schedule": "one-cycle", "seed": 3,
}  # fmt: skip
CASES: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "mlp": {**_DEMANDING, "widths": "32", "optimizer": "momentum", "lr": 0.05, "epochs": 16},
    "cnn": {**_DEMANDING, "schedule": "cosine", "epochs": 4},
    "gru": {**_DEMANDING, "optimizer": "adamw", "epochs": 5, "dropout": 0.0},
})  # fmt: skip
SHORT: Mapping[str, Any] = MappingProxyType({"epochs": 2, "n_train": 60})  # for what is done at every single step


@dataclass(frozen=True)
class Ending:
    """What a finished run left: arrays by name (last weights, best weights, answers), and by epoch its validation loss."""

    arrays: Arrays
    losses: Mapping[float, float | None]

    def equals(self, other: Ending) -> bool:
        """To the last bit."""
        return (
            self.losses == other.losses
            and self.arrays.keys() == other.arrays.keys()
            and all(np.array_equal(self.arrays[name], other.arrays[name]) for name in self.arrays)
        )


def words(architecture: str, **values: Any) -> list[str]:
    """The command that trains a case, with other values for some settings."""
    settings = {**CASES[architecture], **values}
    flags = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    return ["train", "--architecture", architecture, *flags]


def ending(store: Store, run_id: str) -> Ending:
    """Of a run that has ended. Raises RunError for a damaged one."""
    last, best = store.checkpoint(run_id), store.snapshot(run_id)[1]
    arrays: dict[str, Any] = {f"best {name}": array for name, array in best.items()}
    for split in SPLITS:
        evaluation = store.evaluation(run_id, split)
        arrays |= {} if evaluation is None else {f"answers on {split}": evaluation.logits}
    if last is not None:
        arrays |= {f"last {name}": array for name, array in {**last.weights, **last.optimizer}.items()}
    return Ending(arrays, {event["epoch"]: event["val_loss"] for event in epochs(store, run_id)})


def epochs(store: Store, run_id: str) -> list[dict[str, Any]]:
    """The ends of its epochs, in the order in which they are stored."""
    return [event for _, event in store.history(run_id) if event["event"] == "epoch"]


def uninterrupted(architecture: str, root: Path, before: Callable[[], object] = lambda: None, **values: Any) -> Ending:
    """What comes of a case that nobody disturbs. before: called in its process first. Raises RuntimeError."""
    child = command(root, *words(architecture, **values), before=before)
    if child.wait():
        raise RuntimeError(f"{architecture} alone: exit code {child.code}, {child.complaint()}")
    with opened(root) as store:
        return ending(store, store.runs()[0].run_id)


@cache
def alone(architecture: str, place: Path) -> Ending:
    """The same of a case as it stands, made once and kept for all rows. place: of the card"""
    return uninterrupted(architecture, place / "alone" / architecture / "runs")


@contextlib.contextmanager
def opened(root: Path) -> Any:
    """A store that is closed afterwards."""
    store = Store(root)
    try:
        yield store
    finally:
        store.close()


def printed_epochs(children: Iterable[Child]) -> set[float]:
    """Epochs that a command line said were done."""
    return {said["epoch"] for child in children for said in child.lines() if said.get("event") == "epoch"}


def check_whole(tally: Tally, root: Path, said: set[float], where: str) -> str | None:
    """Note whatever is lost, torn or left over in a store of at most one run whose process died; returns the run's id.

    said: epochs that the process has printed since it began · where: what was done, for the sentence
    """
    with contextlib.closing(sqlite3.connect(root / DATABASE)) as db:
        findings = db.execute("PRAGMA integrity_check").fetchone()[0]
    if not tally.check(findings == "ok", f"{where}: integrity_check says {findings}"):
        tally.count("not_whole")
    with opened(root) as store:
        tally.check(store.notice == "", f"{where}: {store.notice}")
        runs = store.runs()
        if not runs:
            tally.check(not said, f"{where}: the run is gone after it printed epochs {sorted(said)}")
            return None
        run: Run = runs[0]
        stored = [event["epoch"] for event in epochs(store, run.run_id)]
        lost = said - set(stored)
        tally.count("lost_epochs", len(lost))
        tally.check(not lost, f"{where}: epochs {sorted(lost)} were printed and are not stored")
        torn = stored != list(range(len(stored)))
        tally.count("torn_epochs", int(torn))
        tally.check(not torn, f"{where}: epochs are stored as {stored}")
        tally.check(run.status in ("interrupted", "paused", "finished"), f"{where}: the run is {run.status}")
        try:
            store.checkpoint(run.run_id)
            if run.checkpoint_epoch is not None:
                store.snapshot(run.run_id)
        except RunError as error:
            tally.faults.append(f"{where}: {error}")
        store.purge()
        named = {f"{row['sha256']}.safetensors" for row in store.database.read("SELECT sha256 FROM artefacts")}
        left = {path.name for path in (root / "artefacts").glob("*/*")} ^ named
        tally.check(not left, f"{where}: files without a row, or rows without a file: {sorted(left)}")
        return run.run_id


def check_end(tally: Tally, root: Path, run_id: str, whole: Ending, where: str) -> None:
    """Let an interrupted run come to its end, and note how it differs from one that was never cut."""
    with opened(root) as store:
        has_ended = store.run(run_id).has_ended
    if not has_ended:
        child = command(root, "resume", run_id)
        code = child.wait()
        if not tally.check(code == 0, f"{where}: resume ends with {code}: {child.complaint()}"):
            return
    with opened(root) as store:
        tally.count("resumed")
        try:
            equal = ending(store, run_id).equals(whole)
        except RunError as error:
            tally.faults.append(f"{where}: {error}")
            return
    tally.count("equal", int(equal))
    tally.check(equal, f"{where}: not the weights, losses and answers of a run that was never cut")
