"""Faults while a run is in a worker's hands: each ends (or pauses) its own run, and says why."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made_training import MadeTraining, asked, ended, kinds, wait_for
from run_material import epoch_end, started

from core.config import RunConfig
from core.data.dataset import Dataset
from core.engine.events import Event, Failed
from core.errors import DataError, RunError
from core.runs import artefacts, job
from core.runs.agents import computing, thread
from core.runs.lease import Lease
from core.runs.schema import StorageError
from core.runs.store import Store
from core.runs.worker import Worker, drive


def broken_at(number: int, error: Exception) -> Callable[[int], None]:
    def misbehave(batch: int) -> None:
        if batch == number:
            raise error

    return misbehave


@pytest.mark.parametrize("where", ["start", "middle", "no end", "evaluate", "manifest", "commit", "finish"])
def test_a_fault_anywhere_ends_its_own_run_with_a_reason_and_no_other(
    store: Store, training: MadeTraining, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    bad, good = store.create(asked(seed=0)), store.create(asked(seed=1, epochs=4))
    fault = RuntimeError("broke here")

    def raise_for_bad(original: Callable[..., Any], is_bad: Callable[..., bool]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if is_bad(*arguments, **named):
                raise fault
            return original(*arguments, **named)

        return call

    def for_bad(run_id: str, events: list[Event], *rest: Any, **more: Any) -> bool:
        return run_id == bad and not isinstance(events[-1], Failed)

    def train(config: RunConfig, *rest: Any, **more: Any) -> Iterator[Event]:
        if config.training.seed == 0:
            raise fault
        yield from training(config, *rest, **more)

    if where == "start":
        monkeypatch.setattr(computing, "train", train)
    elif where == "middle":
        training.misbehave[0] = broken_at(15, fault)
    elif where == "no end":
        short = iter([started(), epoch_end(0)])
        monkeypatch.setattr(
            computing, "train", lambda c, d, **k: short if c.training.seed == 0 else training(c, d, **k)
        )
    elif where in ("evaluate", "manifest"):
        name = {"evaluate": "evaluate", "manifest": "describe"}[where]
        module = {"evaluate": computing, "manifest": job}[where]
        is_bad = raise_for_bad(getattr(module, name), lambda config, *rest, **how: config.training.seed == 0)
        monkeypatch.setattr(module, name, is_bad)
    else:
        monkeypatch.setattr(store, where, raise_for_bad(getattr(store, where), for_bad))

    worker = Worker(store, lambda name: dataset)
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


def cut_after(store: Store, dataset: Dataset, epoch: int) -> str:
    """A run of four epochs whose training was interrupted within the one that follows; returns its id."""
    run_id = store.create(asked(epochs=4), request="pause")

    def cut(event: Event) -> None:
        if getattr(event, "epoch", 0) > epoch:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive(store, run_id, lambda name: dataset, cut)
    return run_id


@pytest.mark.parametrize("missing", ["dataset", "last", "best"])
def test_what_can_not_be_read_at_the_start_ends_no_run(
    store: Store, work: Any, training: MadeTraining, dataset: Dataset, tmp_path: Path, missing: str
) -> None:
    run_id = cut_after(store, dataset, epoch=2)
    rows = store.database.read("SELECT sha256 FROM artefacts WHERE role IN (?, ?)", missing, f"{missing}-before")
    away = {artefacts.place(store.root, row["sha256"]) for row in rows}
    for path in away:
        path.rename(tmp_path / path.name)  # elsewhere: a file that no run names is collected
    files = {"here": missing != "dataset"}

    def load(name: str) -> Dataset:
        if not files["here"]:
            raise DataError("MNIST is not on this computer")
        return dataset

    store.request(run_id, "run")
    worker = work(load_dataset=load)
    wait_for(lambda: store.run(run_id).status == "paused")
    assert ("MNIST is not" if missing == "dataset" else "their file was removed") in store.run(run_id).reason
    assert store.run(run_id).epoch, "what was learned is still there"
    for path in away:
        (tmp_path / path.name).rename(path)
    files["here"] = True
    store.request(run_id, "run")
    worker.wake()
    wait_for(ended(store, run_id))
    assert (store.run(run_id).status, store.holds) == ("finished", {})


def test_a_damaged_checkpoint_costs_one_checkpoint(store: Store, training: MadeTraining, dataset: Dataset) -> None:
    run_id = cut_after(store, dataset, epoch=3)
    assert store.run(run_id).checkpoint_epoch == 3
    (row,) = store.database.read("SELECT sha256 FROM artefacts WHERE role = 'last'")
    artefacts.place(store.root, row["sha256"]).write_bytes(b"damaged")
    resumed: list[Event] = []
    run = drive(store, run_id, lambda name: dataset, resumed.append)
    assert (getattr(resumed[0], "epoch", None), run.status) == (2, "finished")
    epochs = [event["epoch"] for _, event in store.history(run_id) if event["event"] == "epoch"]
    assert epochs == [0, 1, 2, 3, 4], "each once"
    roles = {row["role"] for row in store.database.read("SELECT role FROM artefacts")}
    assert roles == {"best", "last", "eval-val", "eval-test"}, "once it has ended, nobody needs the one before"


@pytest.mark.parametrize(
    ("cores", "wanted", "expected"), [(8, "", 2), (1, "", 5), (8, "3", 3)], ids=["as begun", "too few", "as asked"]
)
def test_a_run_goes_on_with_the_threads_it_began_with(
    store: Store, training: MadeTraining, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, cores: int, wanted: str,
    expected: int,
) -> None:  # fmt: skip
    run_id = cut_after(store, dataset, epoch=1)
    assert store.run(run_id).manifest["threads"] == 2
    monkeypatch.setenv("DIGIT_LAB_THREADS", wanted)
    monkeypatch.setattr(thread, "n_cores", lambda: cores)
    used: list[int] = []
    monkeypatch.setattr(thread, "use_threads", used.append)
    with Lease(store.root) as lease:
        store.claim(lease.id, run_id)
        job.Job(store, run_id, lambda name: dataset, lease.id, threads=5).step()
    assert used == [expected]


def test_a_run_whose_files_are_gone_can_be_stopped(store: Store, work: Any, training: MadeTraining) -> None:
    def load(name: str) -> Dataset:
        raise DataError("MNIST is not on this computer")

    run_id = store.create(asked())
    worker = work(load_dataset=load)
    wait_for(lambda: store.run(run_id).status == "paused")
    store.request(run_id, "stop")
    worker.wake()
    wait_for(ended(store, run_id))
    assert store.run(run_id).status == "stopped"


def test_what_another_worker_has_taken_is_not_written_about(
    store: Store, training: MadeTraining, dataset: Dataset
) -> None:
    """Somebody deleted the lock file of a living worker, so another one took its run."""
    run_id = store.create(asked(), request="pause")

    def take(event: Event) -> None:
        if getattr(event, "epoch", 0) == 1:
            with store.database.write() as db:
                db.execute("UPDATE runs SET worker = ?", ("f" * 32,))

    with pytest.raises(RunError, match="Another process is training this run"):
        drive(store, run_id, lambda name: dataset, take)
    assert store.run(run_id).epoch is not None
    assert (store.run(run_id).epoch or 0) <= 1
    assert not store.run(run_id).has_ended


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

    def failing(*arguments: Any, **more: Any) -> None:
        if failures:
            failures.pop()
            raise StorageError("storage problem: busy.")
        finish(*arguments, **more)

    monkeypatch.setattr(store, "finish", failing)
    run_id = store.create(asked())
    work()
    wait_for(ended(store, run_id))
    assert kinds(store, run_id).count("finished") == 1
    wait_for(lambda: store.holds == {})


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
