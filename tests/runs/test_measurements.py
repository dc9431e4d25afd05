"""Measurements of a run: read as they were written, never when damaged, and gone with their run."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from run_material import checkpoint, damage_a_page, epoch_end, finished, started

from core.config import RunConfig
from core.errors import RunError
from core.runs import measurements
from core.runs import store as store_module
from core.runs.store import Store


def test_what_was_measured_is_found_under_the_same_conditions_only(store: Store, config: RunConfig) -> None:
    runs = [store.create(config) for _ in range(2)]
    for run_id in runs:
        store.commit(run_id, [started(), epoch_end(1), checkpoint(1)])
    with pytest.raises(RunError, match="no weights"):
        measurements.weights_hash(store, store.create(config))
    weights = measurements.weights_hash(store, runs[0])
    assert weights == measurements.weights_hash(store, runs[1]), "the same weights"
    shifted, turned = (measurements.key("accuracy", weights=weights, what=what) for what in ("shift", "turn"))
    assert measurements.read(store, runs[0], shifted) is None
    measurements.write(store, runs[0], shifted, {"n_right": 3, "n": 4})
    measurements.write(store, runs[0], shifted, {"n_right": 2, "n": 4})
    measurements.write_all(store, {(runs[1], turned): {"n_right": 1}, ("0" * 32, turned): {"n_right": 0}})
    assert measurements.read(store, runs[0], shifted) == {"n_right": 2, "n": 4}
    assert measurements.read(store, runs[1], shifted) is None
    assert measurements.read_all(store, [*runs, "0" * 32], [shifted, turned]) == {
        (runs[0], shifted): {"n_right": 2, "n": 4},
        (runs[1], turned): {"n_right": 1},
    }, "a run that is not there has none"
    store.commit(runs[0], [epoch_end(2), checkpoint(2)])
    assert measurements.weights_hash(store, runs[0]) != weights


def test_it_goes_with_its_run_and_a_changed_one_is_none(
    store: Store, root: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [store.create(config) for _ in range(2)]
    for run_id in runs:
        measurements.write(store, run_id, "key", {"n_right": 3})
    monkeypatch.setattr(store_module, "_now", lambda: datetime.now(UTC) - timedelta(days=2))
    store.delete(runs[0])
    monkeypatch.undo()
    store.purge()
    assert [row["run_id"] for row in store.database.read("SELECT run_id FROM measurements")] == [runs[1]]
    with contextlib.closing(sqlite3.connect(root / "runs.sqlite3")) as db, db:
        db.execute("""UPDATE measurements SET content = '{"n_right": 4}'""")
    assert measurements.read(store, runs[1], "key") is None
    measurements.write(store, runs[1], "key", {"n_right": 3})
    assert measurements.read(store, runs[1], "key") == {"n_right": 3}


def test_a_damaged_database_gives_it_back_and_takes_it_for_nothing_else(
    store: Store, root: Path, config: RunConfig
) -> None:
    run_id = store.create(config)
    store.commit(run_id, [started()])
    store.finish(run_id, [finished()], {})
    measurements.write(
        store, run_id, "finished", {"n_right": 3}
    )  # of a length with a summary, and a status in its place
    damage_a_page(store, config, spare=run_id)
    rescued = Store(root)
    assert "could be rescued" in rescued.notice
    assert measurements.read(rescued, run_id, "finished") == {"n_right": 3}
    assert rescued.run(run_id).status == "finished"
    rescued.close()
