"""The worker with a training loop made of sleeps: who is advanced when, and what becomes of faults."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import pytest
from made_training import BATCH, MadeTraining, asked, ended, kinds, wait_for
from run_material import made_evaluation

from core import data
from core.config import RunConfig, run_config
from core.data.dataset import Dataset
from core.engine.events import Diverged, Event, Failed, Finished
from core.errors import RunError
from core.runs import job
from core.runs.agents import computing
from core.runs.lease import Lease
from core.runs.store import Store
from core.runs.worker import Worker, drive


def test_a_queued_run_is_trained_in_the_background_and_judged_once(
    store: Store, work: Any, training: MadeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def evaluate(config: RunConfig, weights: Any, dataset: Dataset, split: str, logits: Any) -> Any:
        opened.append(split)
        return made_evaluation()

    monkeypatch.setattr(computing, "evaluate", evaluate)
    worker = work()
    run_id = store.create(asked())
    worker.wake()
    wait_for(ended(store, run_id))
    run = store.run(run_id)
    assert (run.status, run.epoch, run.summary["n_test"], run.summary["n_val"]) == ("finished", 2, 4, 4)
    assert opened == ["val", "test"]
    assert training.threads == {"digit-lab-trainer"}
    assert run.manifest["threads"] == 2
    assert kinds(store, run_id)[:2] == ["started", "epoch"]
    assert kinds(store, run_id)[-1] == "finished"


def test_the_first_signs_of_life_are_there_at_once(store: Store, work: Any, training: MadeTraining) -> None:
    training.misbehave[0] = lambda number: time.sleep(0.5)
    run_id = store.create(asked())
    work()
    wait_for(lambda: kinds(store, run_id) == ["started", "epoch"])
    assert store.run(run_id).status == "running"


def test_commits_are_a_few_a_second_not_one_per_event(
    store: Store, work: Any, training: MadeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[int] = []
    commit = store.commit

    def counted(run_id: str, events: Any, **more: Any) -> None:
        commits.append(len(events))
        commit(run_id, events, **more)

    monkeypatch.setattr(store, "commit", counted)
    run_id = store.create(asked(epochs=5))
    work()
    wait_for(ended(store, run_id))
    assert len(commits) < 20
    assert kinds(store, run_id).count("progress") == 50


def test_two_runs_race_and_the_third_waits_for_a_place(store: Store, work: Any, training: MadeTraining) -> None:
    runs = [store.create(asked(seed=seed, epochs=4)) for seed in range(3)]
    work(active_limit=2)
    wait_for(lambda: training.batches.get(0, 0) >= 20)
    assert abs(training.batches[0] - training.batches[1]) <= 2
    assert 2 not in training.batches
    assert store.run(runs[2]).queue_position == 1
    wait_for(ended(store, *runs))


def test_a_stop_takes_effect_within_a_few_batches(store: Store, work: Any, training: MadeTraining) -> None:
    run_id = store.create(asked(epochs=100))
    work()
    wait_for(lambda: training.batches.get(0, 0) >= 10)
    store.request(run_id, "stop")
    batches = training.batches[0]
    wait_for(ended(store, run_id))
    # One batch under way, and the request is looked for every 10 ms.
    assert training.stop_asked_at[0] - batches <= 1 + job.ASK_SECONDS / BATCH
    run = store.run(run_id)
    assert (run.status, run.summary["n_test"]) == ("stopped", 4)
    assert kinds(store, run_id)[-1] == "stopped"


def test_a_pause_frees_the_place_and_going_on_needs_no_new_start(
    store: Store, work: Any, training: MadeTraining
) -> None:
    paused, other = store.create(asked(epochs=10)), store.create(asked(seed=1))
    worker = work(active_limit=1)
    wait_for(lambda: training.batches.get(0, 0) >= 5)
    store.request(paused, "pause")
    wait_for(ended(store, other))
    held = training.batches[0]
    assert store.run(paused).status == "paused"
    assert store.run(paused).latest["epoch"] == pytest.approx(held / 10)
    store.request(paused, "run")
    worker.wake()
    wait_for(ended(store, paused))
    assert kinds(store, paused).count("started") == 1
    assert training.batches[0] == 100


def test_paused_runs_that_go_on_keep_to_the_limit(store: Store, work: Any, training: MadeTraining) -> None:
    runs = [store.create(asked(seed=seed, epochs=40)) for seed in range(3)]
    worker = work(active_limit=1)
    for seed, run_id in enumerate(runs):
        wait_for(lambda seed=seed: training.batches.get(seed, 0) >= 5)
        store.request(run_id, "pause")
    wait_for(lambda: [store.run(run_id).status for run_id in runs] == ["paused"] * 3)
    for run_id in runs:
        store.request(run_id, "run")
    worker.wake()
    wait_for(lambda: sum(store.run(run_id).status == "running" for run_id in runs) == 1)
    before = dict(training.batches)
    wait_for(lambda: sum(training.batches.values()) >= sum(before.values()) + 30)
    assert sum(training.batches[seed] > before[seed] for seed in range(3)) == 1, "one place, so one of them advances"
    waiting = {store.run(run_id).status for run_id in runs} - {"running"}
    assert waiting <= {"paused", "queued"}


def test_a_diverged_or_failed_run_is_never_judged(store: Store, work: Any, training: MadeTraining) -> None:
    training.misbehave[0] = lambda number: Diverged(1.0, 12, 1.0, 0, 10.0, None) if number == 12 else None
    training.misbehave[1] = lambda number: Failed("no memory", "trace", 1.0) if number == 12 else None
    runs = [store.create(asked(seed=seed)) for seed in range(2)]
    work()
    wait_for(ended(store, *runs))
    assert [store.run(run_id).status for run_id in runs] == ["diverged", "failed"]
    for run_id in runs:
        assert "test_acc" not in store.run(run_id).summary
        assert store.evaluation(run_id, "test") is None
    assert store.run(runs[1]).reason == "no memory"


def test_shutdown_is_quick_saves_what_is_known_and_another_worker_goes_on(
    store: Store, training: MadeTraining, dataset: Dataset, work: Any
) -> None:
    run_id, waiting = store.create(asked(epochs=6)), store.create(asked(seed=1, epochs=6))
    first = Worker(store, lambda name: dataset, active_limit=1)
    first.start()
    wait_for(lambda: training.batches.get(0, 0) >= 25)
    began = time.monotonic()
    assert first.shutdown()
    assert first.shutdown()
    assert time.monotonic() - began < 1
    done = training.batches[0]
    run = store.run(run_id)
    assert (run.status, store.run(waiting).status) == ("interrupted", "queued")
    assert run.epoch == pytest.approx(done / 10, abs=0.01)
    store.request(run_id, "run")
    assert store.run(run_id).status == "queued"
    work()
    wait_for(ended(store, run_id, waiting))
    epochs = [event["epoch"] for _, event in store.history(run_id) if event["event"] == "epoch"]
    assert epochs == list(range(7))


def test_a_stop_that_is_cut_short_keeps_its_weights_and_is_wrapped_up(
    store: Store, training: MadeTraining, dataset: Dataset
) -> None:
    """The checkpoint of a stop is kept before the network is judged, which may take seconds."""
    run_id = store.create(asked(epochs=3))

    class Cut(BaseException):
        pass

    def cut(event: Event) -> None:
        if event.kind == "progress" and event.epoch == 1.5:  # type: ignore[attr-defined]
            store.request(run_id, "stop")
        if event.kind == "checkpoint" and event.epoch % 1:  # type: ignore[attr-defined]
            raise Cut

    with pytest.raises(Cut):
        drive(store, run_id, lambda name: dataset, cut)
    kept = store.checkpoint(run_id)
    assert kept is not None
    assert 1.5 <= kept.epoch < 2  # a request is looked at every hundredth of a second, two or three batches
    assert not store.run(run_id).is_validating  # nobody is at it now
    assert drive(store, run_id, lambda name: dataset).status == "stopped"
    assert store.run(run_id).epoch == kept.epoch


def test_drive_hands_on_every_event_and_refuses_what_it_can_not_train(
    store: Store, root: Path, training: MadeTraining, dataset: Dataset
) -> None:
    run_id = store.create(asked(), request="pause")
    heard: list[Event] = []
    run = drive(store, run_id[:12], lambda name: dataset, heard.append)
    assert (run.run_id, run.status) == (run_id, "finished")
    assert [event.kind for event in heard if event.kind != "checkpoint"] == kinds(store, run_id)
    assert isinstance(heard[-1], Finished)
    with pytest.raises(RunError, match="already ended"):
        drive(store, run_id, lambda name: dataset)
    taken = store.create(asked())
    with Lease(root) as lease:
        store.claim(lease.id)
        with pytest.raises(RunError, match="Another process"):
            drive(store, taken, lambda name: dataset)


def test_deleting_a_run_in_training_ends_it_and_frees_its_place(
    store: Store, work: Any, training: MadeTraining
) -> None:
    deleted, waiting = store.create(asked(epochs=500)), store.create(asked(seed=1))
    work(active_limit=1)
    wait_for(lambda: training.batches.get(0, 0) >= 5)
    store.delete(deleted)
    wait_for(ended(store, waiting))
    store.restore(deleted)
    assert store.run(deleted).status == "stopped"


def test_deleting_and_looking_at_once_never_breaks_anything(store: Store, work: Any, training: MadeTraining) -> None:
    work()
    for seed in range(15):
        run_id = store.create(asked(seed=seed, epochs=1))
        deleter = threading.Thread(target=store.delete, args=(run_id,))
        deleter.start()
        while deleter.is_alive():
            for look in (store.run, store.history, store.checkpoint, store.snapshot):
                try:
                    look(run_id)
                except RunError:
                    continue
        deleter.join()
        assert store.runs() == []


def test_a_run_that_has_ended_lets_go_of_its_network_at_once(store: Store) -> None:
    """A collector may come by only after dozens of runs, and a network with its optimizer has megabytes."""
    run_id = store.create(run_config("mlp", {"epochs": 1, "widths": "8", "dataset": "digits"}))
    with Lease(store.root) as lease:
        assert store.claim(lease.id, run_id) == run_id
        active = job.Job(store, run_id, lambda name: data.load("digits"))
        gc.disable()
        try:
            while not active.done:
                active.step()
            gone = weakref.ref(active)
            del active
            assert gone() is None
        finally:
            gc.enable()
    assert store.run(run_id).status == "finished"
