"""Real training, cut by a sudden death: what comes out after a resume is what would have come out anyway, to the bit."""

from __future__ import annotations

import multiprocessing
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from child import drive_one

from core.config import RunConfig, run_config
from core.data.dataset import Dataset
from core.engine import train as engine
from core.engine.events import Arrays, Checkpoint, EpochEnd, Event, Progress
from core.runs import artefacts, job, writing
from core.runs.agents import computing
from core.runs.rows import next_of_old_checkpoint
from core.runs.schema import StorageError
from core.runs.store import Store
from core.runs.worker import Worker, drive

CHILD = Path(__file__).parent / "child.py"
FORKSERVER = multiprocessing.get_context("forkserver")
DEADLINE = 60.0


def demanding(**values: Any) -> RunConfig:
    """Dropout, momentum, a schedule and augmentation: everything that a resume could get wrong."""
    settings = {"widths": (32,), "dropout": 0.3, "optimizer": "momentum", "schedule": "one-cycle", "lr": 0.05}
    return run_config("mlp", {**settings, "epochs": 6, "batch_size": 16, "shift": 2.0, "seed": 3, **values})


@contextmanager
def killable(store: Store, run_id: str) -> Iterator[ForkServerProcess]:
    """A process that trains this run, forked from one that has imported torch already."""
    FORKSERVER.set_forkserver_preload(["torch", "core.runs.worker"])
    process = FORKSERVER.Process(target=drive_one, args=(str(store.root), run_id))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def wait_for(condition: Any) -> None:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < DEADLINE, "waited too long"
        time.sleep(0.002)


def same(first: Arrays, other: Arrays) -> bool:
    return first.keys() == other.keys() and all(np.array_equal(first[name], other[name]) for name in first)


def outcome(store: Store, run_id: str) -> tuple[Arrays, Arrays, dict[int, float]]:
    """Last weights, best weights and validation loss by epoch; every epoch exactly once."""
    kept = store.checkpoint(run_id)
    assert kept is not None
    epochs = [event for _, event in store.history(run_id) if event["event"] == "epoch"]
    assert [event["epoch"] for event in epochs] == list(range(store.run(run_id).epochs + 1))
    return kept.weights, store.snapshot(run_id)[1], {event["epoch"]: event["val_loss"] for event in epochs}


def alone(root: Path, config: RunConfig, dataset: Dataset) -> tuple[Arrays, Arrays, dict[int, float]]:
    store = Store(root)
    run = drive(store, store.create(config), lambda name: dataset)
    assert (run.status, run.reason) == ("finished", "")
    return outcome(store, run.run_id)


def check_equal(first: tuple[Arrays, Arrays, dict[int, float]], other: tuple[Arrays, Arrays, dict[int, float]]) -> None:
    assert first[2] == other[2]
    assert same(first[0], other[0])
    assert same(first[1], other[1])


def kill_and_resume(store: Store, config: RunConfig, dataset: Dataset, at_epochs: list[float]) -> str:
    """Kill the training process as soon as the store shows each of these epochs; then let it end here."""
    run_id = store.create(config, request="pause")
    for at in at_epochs:
        with killable(store, run_id):
            wait_for(lambda at=at: (store.run(run_id).epoch or 0) >= at)
        assert store.run(run_id).status == "interrupted"
    drive(store, run_id, lambda name: dataset)
    return run_id


def test_a_killed_run_ends_as_if_it_had_never_been_cut(store: Store, tmp_path: Path, dataset: Dataset) -> None:
    config = demanding(epochs=20)
    run_id = kill_and_resume(store, config, dataset, [8])
    assert store.run(run_id).status == "finished"
    assert "changed_on_resume" not in store.run(run_id).manifest
    assert max(event["epoch"] for _, event in store.history(run_id) if event["event"] == "started") >= 7
    check_equal(outcome(store, run_id), alone(tmp_path / "whole", config, dataset))


def without_next(store: Store, run_id: str) -> None:
    """Rewrite a run's checkpoint as versions did that did not say in it what is left to do."""
    with store.database.write() as db:
        row = db.execute("SELECT * FROM artefacts WHERE run_id = ? AND role = 'last'", (run_id,)).fetchone()
        scalars, arrays = artefacts.unpack(artefacts.get(store.root, row["sha256"]))
        del scalars["next"]
        writing.keep(db, store.root, run_id, "last", row["epoch"], artefacts.pack(scalars, arrays))


def die(*_: Any, **__: Any) -> None:
    raise SystemExit


@pytest.mark.parametrize("old", [False, True], ids=["new checkpoint", "old checkpoint"])
@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"epochs": 2}, ""),
        ({"epochs": 2, "max_steps": 15}, "it was to end after 15 steps"),
        ({"epochs": 20, "patience": 1, "min_delta": 0.5, "lr": 1e-5}, "stopped early: 1 epoch without a better one"),
    ],
    ids=["whole", "step budget", "early stopping"],
)
def test_a_process_that_dies_while_it_evaluates_costs_no_result(
    settings: dict[str, Any],
    reason: str,
    old: bool,
    store: Store,
    dataset: Dataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_id = store.create(demanding(**settings))
    with monkeypatch.context() as patch:
        patch.setattr(computing, "evaluate", die)
        with pytest.raises(SystemExit):
            drive(store, run_id, lambda name: dataset)
    assert store.run(run_id).status == "interrupted"
    if old:
        without_next(store, run_id)
    before = store.checkpoint(run_id)
    assert before is not None
    assert before.next == "finish"
    heard: list[str] = []
    run = drive(store, run_id, lambda name: dataset, lambda event: heard.append(event.kind))
    assert heard == ["started", "finished"]
    assert (run.status, run.reason) == ("finished", reason)
    assert run.summary["test_acc"] is not None


@pytest.mark.parametrize("old", [False, True], ids=["new checkpoint", "old checkpoint"])
@pytest.mark.parametrize("cut_at", ["validation", "evaluation"])
def test_a_process_that_dies_after_a_stop_ends_as_stopped(
    cut_at: str, old: bool, store: Store, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_then_die(event: Event) -> None:
        if isinstance(event, Progress) and event.step == 60:
            store.request(run_id, "stop")
        if cut_at == "validation" and isinstance(event, Checkpoint) and event.next == "validate":
            raise SystemExit

    run_id = store.create(demanding(epochs=1000))
    with monkeypatch.context() as patch:
        patch.setattr(job, "ASK_SECONDS", 0.0)
        patch.setattr(engine, "PROGRESS_SECONDS", 0.0)
        patch.setattr(computing, "evaluate", die)
        with pytest.raises(SystemExit):
            drive(store, run_id, lambda name: dataset, stop_then_die)
    if old:
        without_next(store, run_id)
    before = store.checkpoint(run_id)
    assert before is not None
    assert (before.step, before.next) == (60, "stop" if cut_at == "evaluation" and not old else "validate")
    heard: list[str] = []
    run = drive(store, run_id, lambda name: dataset, lambda event: heard.append(event.kind))
    assert heard == (["started", "stopped"] if before.next == "stop" else ["started", "checkpoint", "stopped"])
    assert (run.status, run.summary["step"], run.summary["epoch"]) == ("stopped", 60, before.epoch)
    assert run.summary["test_acc"] is not None


@pytest.mark.parametrize(
    ("epoch", "step", "since_best", "left"),
    [
        (0, 0, 0, "train"), (2.0, 20, 2, "train"), (2.5, 25, 0, "validate"), (2.5, 25, 3, "validate"), (2.0, 20, 3, "finish"),
        (4.5, 45, 0, "finish"), (4.3, 43, 0, "validate"), (5.0, 50, 0, "finish"),
    ],
)  # fmt: skip
def test_what_is_left_to_do_after_an_old_checkpoint(epoch: float, step: int, since_best: int, left: str) -> None:
    training = {"epochs": 5, "max_steps": 45, "patience": 3}
    scalars = {"epoch": epoch, "step": step, "epochs_since_best": since_best}
    assert next_of_old_checkpoint(scalars, training) == left
    if left == "finish" and epoch == 5:  # before there were these two settings
        assert next_of_old_checkpoint(scalars, {"epochs": 5}) == left


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("config", [
    demanding(epochs=80), demanding(epochs=80, schedule="cosine", optimizer="adam", lr=0.01),
    run_config("cnn", {"epochs": 15, "dropout": 0.2, "schedule": "one-cycle", "n_train": 300}),
    run_config("gru", {"epochs": 15, "n_train": 300}),
    demanding(epochs=80, optimizer="nesterov", batch_norm=True),
], ids=["sgd", "adam", "cnn", "gru", "batch norm"])  # fmt: skip
def test_ten_kills_lose_nothing(tmp_path: Path, store: Store, dataset: Dataset, config: RunConfig) -> None:
    chance = random.Random(0)
    points = sorted(chance.uniform(0, config.training.epochs * 0.9) for _ in range(10))
    run_id = kill_and_resume(store, config, dataset, points)
    assert store.run(run_id).status == "finished"
    check_equal(outcome(store, run_id), alone(tmp_path / "whole", config, dataset))


@pytest.mark.parametrize("at", [0, 1, 5])
def test_a_run_cut_between_two_events_resumes_to_the_same_bits(
    store: Store, tmp_path: Path, dataset: Dataset, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cut(BaseException):
        pass

    def cut(event: Event) -> None:
        if isinstance(event, EpochEnd) and event.epoch == at:
            raise Cut

    monkeypatch.setattr(job, "CHECKPOINT_SECONDS", 0.0)
    config = demanding()
    run_id = store.create(config)
    with pytest.raises(Cut):
        drive(store, run_id, lambda name: dataset, cut)
    assert store.run(run_id).status == "interrupted"
    assert drive(store, run_id, lambda name: dataset).status == "finished"
    # Cut right after an epoch, before its checkpoint: the epoch before it is where the run goes on.
    starts = [event["epoch"] for _, event in store.history(run_id) if event["event"] == "started"]
    assert starts == ([0, at - 1] if at > 1 else [0])
    check_equal(outcome(store, run_id), alone(tmp_path / "whole", config, dataset))


def test_runs_that_race_end_as_each_does_alone(
    store: Store, tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PROGRESS_SECONDS", 0.0)  # take turns after every batch, in the middle of epochs
    configs = [demanding(), demanding(seed=4), run_config("cnn", {"epochs": 2, "dropout": 0.5, "n_train": 200})]
    runs = [store.create(config, group="race") for config in configs]
    worker = Worker(store, lambda name: dataset, active_limit=2)
    worker.start()
    wait_for(lambda: all(run.has_ended for run in store.runs()))
    assert worker.shutdown()
    for number, (run_id, config) in enumerate(zip(runs, configs, strict=True)):
        check_equal(outcome(store, run_id), alone(tmp_path / str(number), config, dataset))
        assert store.run(run_id).summary["n_test"] == 200


def test_a_paused_run_goes_on_to_the_same_bits(store: Store, tmp_path: Path, dataset: Dataset) -> None:
    config = demanding(epochs=30)
    run_id = store.create(config)
    worker = Worker(store, lambda name: dataset)
    worker.start()
    for at in (1, 10):
        wait_for(lambda at=at: (store.run(run_id).epoch or 0) >= at)
        store.request(run_id, "pause")
        worker.wake()
        time.sleep(0.4)
        held = store.run(run_id)
        assert held.status == "paused"
        time.sleep(0.3)
        assert store.run(run_id).version == held.version
        store.request(run_id, "run")
        worker.wake()
    wait_for(lambda: store.run(run_id).has_ended)
    assert worker.shutdown()
    check_equal(outcome(store, run_id), alone(tmp_path / "whole", config, dataset))


def test_stopping_a_real_run_keeps_and_judges_its_best_weights(store: Store, dataset: Dataset) -> None:
    run_id = store.create(demanding(epochs=1000))
    worker = Worker(store, lambda name: dataset)
    worker.start()
    wait_for(lambda: (store.run(run_id).epoch or 0) >= 2)
    began = time.monotonic()
    store.request(run_id, "stop")
    wait_for(lambda: store.run(run_id).has_ended)
    assert time.monotonic() - began < 2
    assert worker.shutdown()
    run = store.run(run_id)
    assert run.status == "stopped"
    assert run.summary["test_acc"] > 0.3
    assert store.snapshot(run_id)[0]["best_epoch"] == run.summary["best_epoch"]
    evaluation = store.evaluation(run_id, "test")
    assert evaluation is not None
    assert evaluation.score.accuracy == run.summary["test_acc"]


def test_a_process_told_to_end_leaves_resumable_runs_and_exit_code_0(store: Store) -> None:
    runs = [store.create(demanding(epochs=1000)) for _ in range(3)]
    process = subprocess.Popen([sys.executable, str(CHILD), str(store.root)])
    try:
        wait_for(lambda: all((store.run(run_id).epoch or 0) >= 2 for run_id in runs[:2]))
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
    assert [store.run(run_id).status for run_id in runs] == ["interrupted", "interrupted", "queued"]
    assert all(store.checkpoint(run_id) is not None for run_id in runs[:2])


def test_a_run_does_not_go_on_with_other_images(store: Store, dataset: Dataset) -> None:
    """They could have what it was trained on among their test images."""
    run_id = store.create(demanding(epochs=300), request="pause")
    with killable(store, run_id):
        wait_for(lambda: (store.run(run_id).epoch or 0) >= 2)
    with pytest.raises(StorageError, match="not those that this run began with"):
        drive(store, run_id, lambda name: replace(dataset, hashes={"images": "others", "labels": "made"}))
    assert store.run(run_id).status == "interrupted", "with its own images back, it goes on"
