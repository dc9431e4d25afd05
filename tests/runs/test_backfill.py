"""A store of format 2 learns which contestant each of its runs was launched for."""

from __future__ import annotations

import json
import sqlite3
import tarfile
from pathlib import Path
from typing import Any

import pytest

from core.runs import schema
from core.runs.groups import damaged_groups, groups
from core.runs.reading import damaged_events_sentence
from core.runs.store import Store

FIXTURES = Path(__file__).parents[1] / "fixtures"
BEFORE: dict[str, Any] = json.loads((FIXTURES / "store_format_2.json").read_text("utf-8"))


@pytest.fixture
def old_root(tmp_path: Path) -> Path:
    root = tmp_path / "old"
    with tarfile.open(FIXTURES / "store_format_2.tar.xz") as archive:
        archive.extractall(root, filter="data")
    return root


def contestants(root: Path) -> dict[str, int | None]:
    """run id -> its contestant, also of deleted runs, once the store has been brought up to date."""
    store = Store(root)
    rows = store.database.read("SELECT run_id, contestant FROM runs")
    store.close()
    return {row["run_id"]: row["contestant"] for row in rows}


def expected() -> dict[str, int]:
    """What version 0.1.0 worked out for each run of a comparison."""
    return {
        run_id: number
        for conditions in BEFORE["conditions"].values()
        for number, (_, run_ids, _) in enumerate(conditions)
        for run_id in run_ids
    }


def test_every_run_of_a_comparison_knows_its_contestant_and_no_other_has_one(old_root: Path) -> None:
    numbers = contestants(old_root)
    assert {run_id: number for run_id, number in numbers.items() if number is not None} == expected()
    assert set(BEFORE["loose"]) <= {run_id for run_id, number in numbers.items() if number is None}


def test_a_deleted_run_is_filled_in_too_and_a_stranger_stays_without(old_root: Path) -> None:
    deleted, stranger, other_seed = list(expected())[:3]
    with sqlite3.connect(old_root / "runs.sqlite3") as db:
        db.execute("UPDATE runs SET deleted_utc = '2026-11-28' WHERE run_id = ?", (deleted,))
        for run_id, path, value in (
            (stranger, "$.training.batch_size", 7),
            (other_seed, "$.training.seed", 77),
            (BEFORE["loose"][0], "$.training.seed", 0),
        ):
            db.execute("UPDATE runs SET config = json_set(config, ?, ?) WHERE run_id = ?", (path, value, run_id))
    db.close()
    numbers = contestants(old_root)
    assert numbers[deleted] == expected()[deleted]
    assert numbers[stranger] is numbers[other_seed] is numbers[BEFORE["loose"][0]] is None
    assert sum(number is not None for number in numbers.values()) == len(expected()) - 2


def test_a_group_without_contestants_leaves_its_runs_without_one(old_root: Path) -> None:
    with sqlite3.connect(old_root / "runs.sqlite3") as db:
        db.execute("UPDATE groups SET plan = '{}' WHERE group_id = ?", (BEFORE["groups"]["race"],))
    db.close()
    numbers = contestants(old_root)
    race = {run_id for _, run_ids, _ in BEFORE["conditions"]["race"] for run_id in run_ids}
    assert {numbers[run_id] for run_id in race} == {None}


def test_every_run_takes_its_place_among_those_of_its_architecture(old_root: Path) -> None:
    store = Store(old_root)
    rows = store.database.read(
        "SELECT number, architecture_place AS place, json_extract(config, '$.architecture') AS architecture FROM runs"
    )
    store.close()
    for architecture in {row["architecture"] for row in rows}:
        own = sorted((row for row in rows if row["architecture"] == architecture), key=lambda row: row["place"])
        assert [row["place"] for row in own] == list(range(len(own)))
        assert [row["number"] for row in own] == sorted(
            (row["number"] for row in own), key=lambda number: (number > 0, abs(number))
        ), "those that came with the program first"


def test_broken_json_of_an_older_store_is_a_damaged_row_and_no_more(old_root: Path) -> None:
    broken, *_ = expected()
    race = BEFORE["groups"]["race"]
    with sqlite3.connect(old_root / "runs.sqlite3") as db:
        n_runs = db.execute("SELECT COUNT(*) FROM runs WHERE deleted_utc IS NULL").fetchone()[0]
        db.execute("UPDATE runs SET config = '{' WHERE run_id = ?", (broken,))
        db.execute("UPDATE groups SET plan = '{' WHERE group_id = ?", (race,))
        first = "SELECT MIN(seq) FROM events WHERE run_id = ?"
        db.execute(f"UPDATE events SET payload = '{{' WHERE seq = ({first})", (BEFORE["loose"][0],))
    db.close()
    store = Store(old_root)
    assert [run.run_id for run in store.damaged_runs()] == [broken]
    assert len(store.runs()) == n_runs - 1
    assert race not in [group.group_id for group in groups(store)]
    assert len(damaged_groups(store)) == 1
    assert damaged_events_sentence(store, BEFORE["loose"][0]).startswith("1 of the ")
    store.delete(broken)
    with store.database.write() as db:
        db.execute("DELETE FROM runs WHERE run_id = ?", (broken,))
    assert [path.name for path in old_root.glob("before-*")] == [f"before-format-{len(schema.MIGRATIONS)}.sqlite3"]
