"""Opening the store: locked, damaged, older, newer or read-only."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from run_material import TO_BE_LOST, checkpoint, damage_a_page, finished, made_evaluation, started

from core.config import RunConfig
from core.errors import RunError
from core.runs import artefacts, schema
from core.runs.schema import StorageError, storage_problems
from core.runs.store import Store


def hold_lock(root: Path, seconds: float) -> tuple[threading.Thread, threading.Event]:
    held = threading.Event()

    def hold() -> None:
        db = sqlite3.connect(root / "runs.sqlite3", isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        held.set()
        time.sleep(seconds)
        db.execute("COMMIT")
        db.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    return thread, held


def test_a_writer_waits_for_another_while_readers_go_on(store: Store, root: Path, config: RunConfig) -> None:
    run_id = store.create(config)
    thread, _ = hold_lock(root, 1.0)
    began = time.monotonic()
    assert store.run(run_id).status == "queued"
    assert time.monotonic() - began < 0.2
    store.commit(run_id, [started()])
    assert 0.5 < time.monotonic() - began < 4
    thread.join()


def test_a_lock_held_for_too_long_is_a_plain_sentence(
    root: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.2)
    store = Store(root)
    thread, _ = hold_lock(root, 0.8)
    with pytest.raises(StorageError, match="another program kept the runs locked"):
        store.create(config)
    thread.join()
    store.create(config)


@pytest.mark.parametrize(
    "content",
    [b"not a database at all" * 100, b"SQLite format 3\0" + random.Random(0).randbytes(4096), b"\0" * 100],
    ids=["text", "random bytes", "zeros"],
)
def test_a_garbage_database_is_moved_aside_and_said_so(root: Path, config: RunConfig, content: bytes) -> None:
    root.mkdir()
    (root / "runs.sqlite3").write_bytes(content)
    (root / "runs.sqlite3-journal").write_bytes(b"old")
    sha = artefacts.put(root, b"weights of a run in the damaged store")
    store = Store(root)
    assert "could not be read" in store.notice
    assert store.runs() == []
    store.create(config)
    (aside,) = root.glob("damaged-*")
    assert (aside / "runs.sqlite3").read_bytes() == content
    assert artefacts.get(aside, sha) == b"weights of a run in the damaged store"
    assert Store(root).notice == ""


def test_a_damaged_page_costs_its_own_rows_and_no_other_run(store: Store, root: Path, config: RunConfig) -> None:
    kept = store.create(config, request="pause")
    store.commit(kept, [started(), checkpoint(1)])
    store.finish(kept, [finished(2)], {"test": made_evaluation()})
    weights = store.snapshot(kept)[1]
    damage_a_page(store, config, spare=kept)
    rescued = Store(root)
    assert "could be rescued" in rescued.notice
    names = {run.name for run in rescued.runs()}
    assert 30 <= len(names) < 60
    assert TO_BE_LOST not in names
    run = rescued.run(kept)
    assert (run.status, run.summary["n_test"]) == ("finished", 4)
    assert all((rescued.snapshot(kept)[1][name] == array).all() for name, array in weights.items())
    assert len(list(root.glob("damaged-*"))) == 1
    rescued.create(config)
    assert Store(root).notice == ""


def test_a_newer_store_is_refused_and_left_alone(store: Store, root: Path, config: RunConfig) -> None:
    store.create(config)
    store.close()
    with sqlite3.connect(root / "runs.sqlite3") as db:
        db.execute("PRAGMA user_version = 99")
    before = (root / "runs.sqlite3").read_bytes()
    with pytest.raises(RunError, match="newer Digit Lab"):
        Store(root)
    assert (root / "runs.sqlite3").read_bytes() == before


def test_a_migration_happens_wholly_or_not_at_all(
    store: Store, root: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = store.create(config)
    store.close()
    migrations = schema.MIGRATIONS
    next_version = ("CREATE TABLE extra(x)", "ALTER TABLE runs ADD COLUMN extra TEXT NOT NULL DEFAULT ''")
    monkeypatch.setattr(schema, "MIGRATIONS", (*migrations, (*next_version, "CREATE NONSENSE")))
    with pytest.raises(StorageError):
        Store(root)
    monkeypatch.setattr(schema, "MIGRATIONS", (*migrations, next_version))
    assert Store(root).run(run_id).status == "queued"
    with sqlite3.connect(root / "runs.sqlite3") as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == len(migrations) + 1


def test_a_store_of_the_first_version_is_brought_up_to_date(
    root: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        old = Store(root)
        run_id = "0" * 32
        with old.database.write() as db:
            db.execute(
                "INSERT INTO runs(run_id, name, group_id, config, request, created_utc) VALUES (?, ?, ?, ?, ?, ?)",
                (run_id, "From before", "together", config.model_dump_json(), "run", "2026-01-01"),
            )
        old.close()
    run = Store(root).run(run_id)
    assert (run.name, run.group, run.tags, run.notes, run.status) == ("From before", "together", (), "", "queued")
    assert run.contestant is None


def test_an_older_store_in_a_folder_that_can_only_be_read_is_one_sentence(
    root: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:4])
        old = Store(root)
        with old.database.write() as db:
            db.execute(
                "INSERT INTO runs(run_id, name, group_id, config, request, created_utc) VALUES (?, '', '', ?, 'run', '2026')",
                ("0" * 32, config.model_dump_json()),
            )
        old.close()
    with monkeypatch.context() as read_only:
        read_only.setattr(os, "access", lambda path, mode: False)
        formats = rf"older Digit Lab \(format 4, this one reads {len(schema.MIGRATIONS)}\).*can only be read"
        with pytest.raises(RunError, match=formats):
            Store(root)
    assert [run.architecture_place for run in Store(root).runs()] == [0]


def test_a_folder_that_can_not_be_made_is_a_plain_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="storage problem"):
        Store(tmp_path / "file" / "runs")


def test_a_read_only_folder_can_still_be_browsed(
    store: Store, root: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = store.create(config)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    reopened = Store(root)
    assert "can only be read" in reopened.notice
    assert reopened.run(run_id).status == "queued"


def test_a_path_that_is_too_long_is_said_with_its_length(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a" * 100] * 5)
    with pytest.raises(StorageError, match=r"the path of the runs is \d{3} characters long"):
        Store(deep)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (sqlite3.SQLITE_READONLY_ROLLBACK, "a program died while it wrote these runs"),
        (sqlite3.SQLITE_READONLY_RECOVERY, "a program died while it wrote these runs"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "can only be read, not written"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "another program kept the runs locked"),
    ],
)
def test_what_the_database_says_becomes_a_sentence(code: int, sentence: str) -> None:
    error = sqlite3.OperationalError("attempt to write a readonly database")
    error.sqlite_errorcode = code
    with pytest.raises(StorageError, match=sentence), storage_problems():
        raise error
