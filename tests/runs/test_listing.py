"""The list of all runs: only what has changed is read anew, and whatever has changed is seen."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from run_material import finished, progress, started

from core.config import RunConfig
from core.runs import listing
from core.runs.lease import Lease
from core.runs.schema import DATABASE
from core.runs.store import Store


@pytest.fixture
def made(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the runs that were made of their rows since."""
    numbers: list[int] = []
    make = store._listing._make

    def note(row: sqlite3.Row) -> Any:
        numbers.append(row["number"])
        return make(row)

    monkeypatch.setattr(store._listing, "_make", note)
    return numbers


def end(store: Store, config: RunConfig) -> str:
    run_id = store.create(config, request="pause")
    store.commit(run_id, [started()])
    store.finish(run_id, [finished()], {})
    return run_id


def test_what_has_ended_is_read_once_until_it_changes(store: Store, config: RunConfig, made: list[int]) -> None:
    first, second, third = (end(store, config) for _ in range(3))
    going = store.create(config, request="pause")

    def listed() -> list[tuple[str, str]]:
        made.clear()
        return [(run.run_id, run.name) for run in store.runs()]

    names = dict(listed())
    assert list(names) == [going, third, second, first]
    assert len(made) == 4
    assert dict(listed()) == names
    assert made == [4], "only what goes on"
    store.commit(going, [started(), progress(0.5)])
    listed()
    assert made == [4], "what another run does changes nothing"
    assert store.runs()[0].epoch == 0.5
    with closing(Store(store.root)) as other:  # as another program would
        other.annotate(second, name="renamed")
        other.delete(third)
    assert listed() == [(going, names[going]), (second, "renamed"), (first, names[first])]
    assert sorted(made) == [2, 4]
    store.restore(third)
    store.finish(going, [finished()], {})
    assert [run.status for run in store.runs()] == ["finished"] * 4
    assert [run.run_id for run in store.runs()] == [going, third, second, first]
    assert store.runs() == [store.run(run_id) for run_id in (going, third, second, first)]


def test_a_worker_that_dies_is_seen_though_nothing_is_written(store: Store, config: RunConfig, made: list[int]) -> None:
    store.create(config)
    with Lease(store.root) as lease:
        store.claim(lease.id)
        assert [run.status for run in store.runs()] == ["running"]
        store.holds[store.runs()[0].run_id] = "no room"
        assert [(run.status, run.reason) for run in store.runs()] == [("paused", "no room")]
    assert [run.status for run in store.runs()] == ["interrupted"]


def test_damage_is_seen_in_what_was_read_before(store: Store, config: RunConfig, root: Path) -> None:
    run_id, whole = end(store, config), end(store, config)
    assert len(store.runs()) == 2
    with closing(sqlite3.connect(root / DATABASE)) as db, db:
        db.execute("UPDATE runs SET notes = 'by hand' WHERE run_id = ?", (run_id,))
    assert [run.run_id for run in store.runs()] == [whole]
    assert [run.run_id for run in store.damaged_runs()] == [run_id]


def test_a_list_that_is_too_long_to_be_remembered_is_whole(
    store: Store, config: RunConfig, made: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_REMEMBERED", 2)
    run_ids = [end(store, config) for _ in range(3)]
    for _ in range(2):
        assert [run.run_id for run in store.runs()] == run_ids[::-1]
    assert len(made) == 6
