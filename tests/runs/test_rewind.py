"""The time machine: what a run kept on its way is found again, and goes when its run does."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_training import ended, wait_for
from run_material import checkpoint, damage_a_page, epoch_end, finished, progress, started

from core.config import RunConfig, run_config
from core.data.dataset import Dataset
from core.engine.evaluate import Predictor
from core.engine.events import Snapshot
from core.errors import DataError, RunError
from core.runs import artefacts, backup, rescue, snapshots
from core.runs import store as store_module
from core.runs.store import Store
from core.runs.worker import Worker

EARLY = {"epochs": 2, "dataset": "digits", "snapshots": "early", "batch_size": 128}


def kept_weights(step: int, value: float | None = None) -> Snapshot:
    value = step if value is None else value
    return Snapshot(step / 10, step, {"weight": np.full((3, 2), value, np.float16), "count": np.array(step)})


def files(root: Path) -> set[str]:
    return {path.stem for path in (root / "artefacts").glob("*/*")}


def test_what_was_kept_is_found_again(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    assert snapshots.kept(store, run_id) == ()
    store.commit(run_id, [started(), epoch_end(0), kept_weights(0), progress(0.5), kept_weights(5), epoch_end(1)])
    assert [(kept.step, kept.epoch) for kept in snapshots.kept(store, run_id[:8])] == [(0, 0), (5, 0.5)]
    about, weights = snapshots.load(store, run_id, 5)
    assert about == {
        "format": 1, "architecture": "softmax", "config": config.model_dump(mode="json"), "mean": 0.25, "std": 0.5,
        "epoch": 0.5, "step": 5,
    }  # fmt: skip
    assert (weights["weight"].dtype, weights["weight"].tolist()) == (np.float32, [[5.0, 5.0]] * 3)
    assert weights["count"] == 5
    assert [event["event"] for _, event in store.history(run_id)] == ["started", "epoch", "progress", "epoch"]
    with pytest.raises(RunError, match="kept no weights of step 7"):
        snapshots.load(store, run_id, 7)
    (sha,) = (row["sha256"] for row in store.database.read("SELECT sha256 FROM snapshots WHERE step = 5"))
    path = artefacts.place(store.root, sha)
    assert snapshots.kept(store, run_id)[1].bytes == path.stat().st_size
    path.write_bytes(b"other")
    with pytest.raises(RunError, match="damaged"):
        snapshots.load(store, run_id, 5)


def test_the_weights_that_the_run_answers_with_are_always_among_them(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    events = [started(), epoch_end(0), epoch_end(1), checkpoint(1), epoch_end(2), checkpoint(2, best=1)]
    store.commit(run_id, events)
    assert snapshots.kept(store, run_id) == (), "a run that keeps nothing has nothing to go back to"
    store.commit(run_id, [kept_weights(0), kept_weights(20)])
    assert [kept.step for kept in snapshots.kept(store, run_id)] == [0, 10, 20]
    np.testing.assert_array_equal(snapshots.load(store, run_id, 10)[1]["weight"], store.snapshot(run_id)[1]["weight"])


def test_a_resumed_run_has_none_from_the_future_and_none_twice(store: Store, root: Path, config: RunConfig) -> None:
    run_id = store.create(config)
    store.commit(run_id, [started(), kept_weights(0), kept_weights(10), epoch_end(1), checkpoint(1), kept_weights(20)])
    before = files(root)
    store.commit(run_id, [started(1)])
    assert [kept.step for kept in snapshots.kept(store, run_id)] == [0, 10]
    assert len(before - files(root)) == 1, "the file of the future is gone"
    store.commit(run_id, [kept_weights(10, 0.5), kept_weights(20)])
    assert [kept.step for kept in snapshots.kept(store, run_id)] == [0, 10, 20]
    assert (snapshots.load(store, run_id, 10)[1]["weight"] == 0.5).all()
    store.commit(run_id, [started(1), kept_weights(20)])
    named = {
        row["sha256"] for row in store.database.read("SELECT sha256 FROM snapshots UNION SELECT sha256 FROM artefacts")
    }
    assert files(root) == named
    other = store.create(config)
    store.commit(other, [started(), kept_weights(0)])
    store.commit(other, [started(0)])
    assert snapshots.kept(store, other) == (), "without a checkpoint it begins anew"
    assert snapshots.load(store, run_id, 0), "a file that another run names stays"


def test_they_go_with_their_run(store: Store, root: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [store.create(config) for _ in range(2)]
    for run_id in runs:
        own = [kept_weights(5)] if run_id == runs[0] else []
        store.commit(run_id, [started(), kept_weights(0), *own])
    store.purge()
    assert len(files(root)) == 2, "of the same content there is one file"
    monkeypatch.setattr(store_module, "_now", lambda: datetime.now(UTC) - timedelta(days=2))
    store.delete(runs[0])
    monkeypatch.undo()
    store.purge()
    assert [kept.step for kept in snapshots.kept(store, runs[1])] == [0]
    assert len(files(root)) == 1
    assert len(store.database.read("SELECT 1 FROM snapshots")) == 1


def test_a_damaged_database_gives_them_back(store: Store, root: Path, config: RunConfig) -> None:
    run_id = store.create(config)
    store.commit(run_id, [started(), kept_weights(0), kept_weights(5)])
    store.finish(run_id, [finished()], {})
    damage_a_page(store, config, spare=run_id)
    rescued = Store(root)
    assert "could be rescued" in rescued.notice
    assert [kept.step for kept in snapshots.kept(rescued, run_id)] == [0, 5]
    assert (snapshots.load(rescued, run_id, 5)[1]["weight"] == 5).all()


def test_a_damaged_store_of_an_older_version_is_rescued_without_them(root: Path, tmp_path: Path) -> None:
    sha = artefacts.put(tmp_path / "aside", b"weights")
    with contextlib.closing(sqlite3.connect(":memory:")) as fresh:
        fresh.execute("CREATE TABLE artefacts(run_id, sha256, bytes)")
        fresh.execute("INSERT INTO artefacts VALUES ('run', ?, 7)", (sha,))
        rescue.move_files(fresh, tmp_path / "aside", root)
    assert artefacts.get(root, sha) == b"weights"


def test_a_backup_brings_them_along(store: Store, root: Path, tmp_path: Path, config: RunConfig) -> None:
    run_id = store.create(config)
    store.commit(run_id, [started(), kept_weights(0), kept_weights(5)])
    backup.back_up(root, tmp_path / "all.zip")
    assert backup.restore(tmp_path / "all.zip", tmp_path / "elsewhere").n_missing == 0
    elsewhere = Store(tmp_path / "elsewhere")
    assert snapshots.kept(elsewhere, run_id) == snapshots.kept(store, run_id)
    assert (snapshots.load(elsewhere, run_id, 5)[1]["weight"] == 5).all()


def test_a_damaged_row_is_left_out_and_costs_no_file(store: Store, root: Path, config: RunConfig) -> None:
    run_id = store.create(config)
    store.commit(run_id, [started(), kept_weights(0), kept_weights(5)])
    with store.database.write() as db:
        db.execute("UPDATE snapshots SET step = 6 WHERE step = 5")
    assert [kept.step for kept in snapshots.kept(store, run_id)] == [0]
    store.purge()
    assert len(files(root)) == 2, "which file a damaged row named is not known"


def test_going_back_ends_where_the_run_does(store: Store, dataset: Dataset, work: Callable[..., Worker]) -> None:
    run_id = store.create(run_config("softmax", EARLY))
    work()
    wait_for(ended(store, run_id))
    run = store.run(run_id)
    assert run.status == "finished", run.reason
    kept = snapshots.kept(store, run_id)
    per_epoch = run.started["steps_per_epoch"]
    assert [one.step for one in kept] == [
        0,
        *(step for step in (1, 2, 4, 8) if step < per_epoch),
        per_epoch,
        2 * per_epoch,
    ]
    assert run.summary["best_epoch"] == kept[-1].epoch == 2
    about, weights = store.snapshot(run_id)
    answers = Predictor(run.run_config(), weights, about["mean"], about["std"]).logits(dataset.test_images)
    then = snapshots.at(store, run_id, kept[-1].step)
    at_the_end = then.logits(dataset.test_images)
    np.testing.assert_allclose(at_the_end, answers, atol=0.01)
    assert (at_the_end.argmax(1) == answers.argmax(1)).all()
    assert (snapshots.at(store, run_id, 0).logits(dataset.test_images).argmax(1) != answers.argmax(1)).any()

    n_right: Any = np.trace(snapshots.validation_confusion(run, then, dataset))
    assert n_right / run.started["n_val"] == pytest.approx(run.summary["val_acc"], abs=0.01)
    with pytest.raises(DataError, match="not those"):
        snapshots.validation_confusion(run, then, replace(dataset, hashes={"images": "others"}))
