"""Faults while a run is in a worker's hands: each ends (or pauses) its own run, and says why."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_training import MadeTraining, asked, ended, kinds, wait_for
from run_material import epoch_end, started

from core.data.dataset import Dataset
from core.engine.events import Event, Failed
from core.errors import DataError
from core.runs import job
from core.runs.schema import StorageError
from core.runs.store import Store
from core.runs.worker import Worker, drive


def broken_at(number: int, error: Exception) -> Callable[[int], None]:
    def misbehave(batch: int) -> None:
        if batch == number:
            raise error

    return misbehave


@pytest.mark.parametrize("where", ["dataset", "start", "middle", "no end", "evaluate", "manifest", "commit", "finish"])
def test_a_fault_anywhere_ends_its_own_run_with_a_reason_and_no_other(
    store: Store, training: MadeTraining, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    bad, good = store.create(asked(seed=0)), store.create(asked(seed=1, epochs=4))
    fault = RuntimeError("broke here")

    def load(name: str) -> Dataset:
        if where == "dataset" and not training.batches and not loads:
            loads.append(name)
            raise DataError("broke here")
        return dataset

    loads: list[str] = []

    def raise_for_bad(original: Callable[..., Any], is_bad: Callable[..., bool]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if is_bad(*arguments, **named):
                raise fault
            return original(*arguments, **named)

        return call

    def for_bad(run_id: str, events: list[Event], *rest: Any, **more: Any) -> bool:
        return run_id == bad and not isinstance(events[-1], Failed)

    if where == "start":
        monkeypatch.setattr(job, "train", raise_for_bad(training, lambda config, *a, **k: config.training.seed == 0))
    elif where == "middle":
        training.misbehave[0] = broken_at(15, fault)
    elif where == "no end":
        short = iter([started(), epoch_end(0)])
        monkeypatch.setattr(job, "train", lambda c, d, **k: short if c.training.seed == 0 else training(c, d, **k))
    elif where in ("evaluate", "manifest"):
        name = {"evaluate": "evaluate", "manifest": "describe"}[where]
        is_bad = raise_for_bad(getattr(job, name), lambda config, *rest, **how: config.training.seed == 0)
        monkeypatch.setattr(job, name, is_bad)
    elif where != "dataset":
        monkeypatch.setattr(store, where, raise_for_bad(getattr(store, where), for_bad))

    worker = Worker(store, load)
    worker.start()
    wait_for(ended(store, bad, good))
    assert worker.shutdown()
    run = store.run(bad)
    assert run.status == "failed"
    assert ("without a result" if where == "no end" else "broke here") in run.reason
    assert len(run.summary["detail"]) < 4000
    assert kinds(store, bad)[-1] == "failed"
    assert kinds(store, bad).count("failed") == 1
    assert store.run(good).status == "finished"


def test_a_full_disk_pauses_the_run_and_resume_loses_nothing(
    store: Store, work: Any, training: MadeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = threading.Event()

    def guarded(original: Callable[..., None]) -> Callable[..., None]:
        def save(*arguments: Any, **more: Any) -> None:
            if full.is_set():
                raise StorageError("storage problem: the disk is full.")
            original(*arguments, **more)

        return save

    for name in ("commit", "finish"):
        monkeypatch.setattr(store, name, guarded(getattr(store, name)))
    run_id = store.create(asked(epochs=3))
    worker = work()
    wait_for(lambda: training.batches.get(0, 0) >= 3)
    full.set()
    wait_for(lambda: store.run(run_id).status == "paused")
    held = store.run(run_id)
    assert held.reason == "storage problem: the disk is full."
    batches = training.batches[0]
    store.request(run_id, "run")  # too early: the disk is still full
    worker.wake()
    wait_for(lambda: store.run(run_id).status == "paused")
    assert training.batches[0] == batches
    full.clear()
    store.request(run_id, "run")
    worker.wake()
    wait_for(ended(store, run_id))
    assert store.run(run_id).status == "finished"
    epochs = [event["epoch"] for _, event in store.history(run_id) if event["event"] == "progress"]
    assert epochs == pytest.approx([step / 10 for step in range(1, 31)])


def test_a_storage_problem_that_passes_needs_nobody(
    store: Store, work: Any, training: MadeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "RETRY_SECONDS", 0.1)
    finish, failures = store.finish, [1, 2, 3]

    def failing(*arguments: Any) -> None:
        if failures:
            failures.pop()
            raise StorageError("storage problem: busy.")
        finish(*arguments)

    monkeypatch.setattr(store, "finish", failing)
    run_id = store.create(asked())
    work()
    wait_for(ended(store, run_id))
    assert kinds(store, run_id).count("finished") == 1
    assert store.save_errors == {}


def test_a_worker_where_nothing_can_be_written_says_so_and_tries_again(
    store: Store, root: Path, training: MadeTraining, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.runs.worker.RETRY_SECONDS", 0.05)
    shutil.rmtree(root / "workers", ignore_errors=True)
    (root / "workers").write_text("in the way")
    worker = Worker(store, lambda name: dataset)
    worker.start()
    wait_for(lambda: store.notice)
    assert store.notice.startswith("Training is not possible here at the moment: storage problem")
    run_id = store.create(asked())
    (root / "workers").unlink()
    wait_for(lambda: store.run(run_id).has_ended)
    assert store.run(run_id).status == "finished"
    assert store.notice == ""
    assert worker.shutdown()


def test_drive_says_when_it_can_not_save_and_leaves_a_resumable_run(
    store: Store, training: MadeTraining, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = store.create(asked())

    def failing(*arguments: Any, **more: Any) -> None:
        raise StorageError("storage problem: the disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(store, "commit", failing)
        with pytest.raises(StorageError, match="disk is full"):
            drive(store, run_id, lambda name: dataset)
    assert store.run(run_id).status == "interrupted"
    assert drive(store, run_id, lambda name: dataset).status == "finished"
