"""A backup of a store in use comes back equal, and what is no backup is refused without leaving anything behind."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import sqlite3
import stat
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from run_material import checkpoint, epoch_end, finished, made_evaluation, started

from core.cli.app import main
from core.config import RunConfig, run_config
from core.data.dataset import Dataset
from core.engine.events import Event
from core.errors import RunError
from core.runs import backup, groups, schema
from core.runs.schema import StorageError
from core.runs.store import Store
from core.runs.worker import drive


@pytest.fixture
def filled(store: Store, config: RunConfig) -> Store:
    _, (first, second) = groups.create_group(
        store, [groups.PlannedRun(config, 0), groups.PlannedRun(config, 1)], name="Mine", kind="race",
        plan={"contestants": []}, request="pause",
    )  # fmt: skip
    for run_id in (first, second):
        store.commit(run_id, [started(), epoch_end(0), epoch_end(1), checkpoint(1)], manifest={"seed": 0})
    store.finish(first, [finished(2)], {"test": made_evaluation()})
    store.annotate(first, name="one", tags=["a"], notes="b")
    return store


@pytest.fixture
def saved(filled: Store, tmp_path: Path) -> Path:
    backup.back_up(filled.root, tmp_path / "all.zip")
    return tmp_path / "all.zip"


def test_what_comes_back_is_equal(filled: Store, saved: Path, tmp_path: Path) -> None:
    written = backup.restore(saved, tmp_path / "elsewhere")
    assert (written.n_runs, written.n_files, written.n_missing) == (2, 3, 0)  # two runs with equal weights
    restored = Store(tmp_path / "elsewhere")
    assert (restored.notice, restored.runs()) == ("", filled.runs())
    assert groups.groups(restored) == groups.groups(filled)
    for run in filled.runs():
        assert restored.history(run.run_id) == filled.history(run.run_id)
        first, other = (store.checkpoint(run.run_id) for store in (restored, filled))
        assert first is not None
        assert other is not None
        assert (first.weights["weight"] == other.weights["weight"]).all()
        evaluations = [store.evaluation(run.run_id, "test") for store in (restored, filled)]
        assert evaluations[0] is evaluations[1] is None or (evaluations[0].logits == evaluations[1].logits).all()  # type: ignore[union-attr]
    assert not list(filled.root.glob("backup-*/"))


def test_a_run_goes_on_from_a_backup_to_the_same_bits(store: Store, tmp_path: Path, dataset: Dataset) -> None:
    config = run_config("mlp", {"widths": (16,), "dropout": 0.3, "optimizer": "momentum", "epochs": 4, "shift": 2.0})
    run_id = store.create(config, request="pause")

    def cut(event: Event) -> None:
        if getattr(event, "epoch", 0) >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive(store, run_id, lambda name: dataset, cut)
    backup.back_up(store.root, tmp_path / "all.zip")
    backup.restore(tmp_path / "all.zip", tmp_path / "elsewhere")
    restored = Store(tmp_path / "elsewhere")
    assert restored.run(run_id).status == "interrupted"
    for resumed in (store, restored):
        assert drive(resumed, run_id, lambda name: dataset).status == "finished"
    first, other = (resumed.snapshot(run_id)[1] for resumed in (store, restored))
    assert all(np.array_equal(first[name], array) for name, array in other.items())


def test_it_is_of_one_moment_while_something_trains(store: Store, config: RunConfig, tmp_path: Path) -> None:
    run_id = store.create(config, request="pause")
    store.commit(run_id, [started(), checkpoint(0)])
    leaving = threading.Event()

    def train() -> None:
        epoch = 0
        while not leaving.is_set():
            epoch += 1
            store.commit(run_id, [epoch_end(epoch), checkpoint(epoch)])  # the files before go with every commit
            time.sleep(0.005)  # the lock is not taken in turns

    thread = threading.Thread(target=train)
    thread.start()
    try:
        for place in range(4):
            saved = tmp_path / f"{place}.zip"
            assert backup.back_up(store.root, saved).n_missing == 0
            backup.restore(saved, tmp_path / str(place))
            with Store(tmp_path / str(place)).database.write() as db:
                epochs = db.execute("SELECT MAX(epoch) FROM events").fetchone()[0]
            kept = Store(tmp_path / str(place)).checkpoint(run_id)
            assert kept is not None
            assert kept.epoch == (epochs or 0)
    finally:
        leaving.set()
        thread.join()


def test_it_replaces_nothing_unless_it_is_told_to(filled: Store, saved: Path, tmp_path: Path) -> None:
    content = saved.read_bytes()
    with pytest.raises(RunError, match="--force replaces it"):
        backup.back_up(filled.root, saved)
    assert saved.read_bytes() == content
    filled.delete(filled.runs()[0].run_id)
    backup.back_up(filled.root, saved, force=True)
    assert saved.read_bytes() != content
    assert [path for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


def test_a_disk_that_is_full_leaves_nothing_half_written(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = tmp_path / "all.zip"
    backup.back_up(filled.root, saved)
    content, sync = saved.read_bytes(), os.fsync

    def steps(at: int) -> Callable[[int], None]:
        left = iter(range(at))

        def full(handle: int) -> None:
            if next(left, None) is None:
                raise OSError(errno.ENOSPC, "No space left on device")
            sync(handle)

        return full

    for at in range(2):  # the copy of the database, the file
        monkeypatch.setattr(os, "fsync", steps(at))
        with pytest.raises(StorageError, match="the disk is full"):
            backup.back_up(filled.root, saved, force=True)
        assert saved.read_bytes() == content
    for at in range(4):
        monkeypatch.setattr(os, "fsync", steps(at))
        with pytest.raises(StorageError, match="the disk is full"):
            backup.restore(saved, tmp_path / "elsewhere")
        assert list((tmp_path / "elsewhere").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"all.zip", "elsewhere", "runs"}
    assert not list(filled.root.glob("backup-*/"))


def test_a_missing_or_damaged_file_is_counted(filled: Store, tmp_path: Path) -> None:
    first, second, *_ = sorted((filled.root / "artefacts").glob("*/*"))
    first.unlink()
    second.write_bytes(b"changed")
    saved = backup.back_up(filled.root, tmp_path / "all.zip")
    assert (saved.n_files, saved.n_missing) == (1, 2)
    assert backup.restore(tmp_path / "all.zip", tmp_path / "elsewhere").n_missing == 2


def test_runs_come_back_into_an_empty_folder_only(filled: Store, saved: Path) -> None:
    with pytest.raises(RunError, match="is not empty"):
        backup.restore(saved, filled.root)
    assert len(filled.runs()) == 2


def repacked(saved: Path, change: Callable[[dict[str, tuple[zipfile.ZipInfo, bytes]]], None]) -> Path:
    """The same backup with something else in it."""
    with zipfile.ZipFile(saved) as archive:
        entries = {entry.filename: (entry, archive.read(entry)) for entry in archive.infolist()}
    change(entries)
    hostile = saved.with_name("hostile.zip")
    with zipfile.ZipFile(hostile, "w") as archive:
        for entry, content in entries.values():
            archive.writestr(entry, content, compress_type=entry.compress_type)
    return hostile


def named(name: str, content: bytes = b"x", mode: int = 0, compress_type: int = 0) -> tuple[zipfile.ZipInfo, bytes]:
    entry = zipfile.ZipInfo(name)
    entry.external_attr, entry.compress_type = mode << 16, compress_type
    return entry, content


SHA = "ab" + "0" * 62


@pytest.mark.parametrize(
    "entry",
    [
        named("../outside"),
        named("/etc/outside"),
        named("artefacts/ab/../../../outside"),
        named(f"artefacts/cd/{SHA}.safetensors"),
        named("artefacts\\ab\\outside"),
        named("C:\\outside"),
        named("runs.sqlite3-journal"),
        named(f"artefacts/ab/{SHA}.safetensors"),
        named(f"artefacts/ab/{SHA}.safetensors", b"/etc/passwd", stat.S_IFLNK | 0o777),
        named("artefacts/ab/", b""),
        named("runs.sqlite3", b"SQLite format 3\0" + bytes(1000)),
        named("runs.sqlite3", b"\0" * 50_000_000, compress_type=zipfile.ZIP_DEFLATED),
        named("backup.json", b"[" * 100_000),
        named("backup.json", b'{"format": 2}'),
    ],
    ids=lambda entry: f"{entry[0].filename[:20]} {len(entry[1])}",
)
def test_a_hostile_file_is_refused_and_leaves_nothing_behind(
    saved: Path, tmp_path: Path, entry: tuple[zipfile.ZipInfo, bytes]
) -> None:
    before = set(tmp_path.rglob("*"))
    hostile = repacked(saved, lambda entries: entries.update({entry[0].filename: entry}))
    with pytest.raises(RunError, match="is no backup of Digit Lab, or it is damaged"):
        backup.restore(hostile, tmp_path / "elsewhere")
    assert set(tmp_path.rglob("*")) - before == {hostile, tmp_path / "elsewhere"}


def test_a_database_with_code_of_its_own_or_of_a_newer_version_is_refused(saved: Path, tmp_path: Path) -> None:
    def changed(statement: str) -> Path:
        def change(entries: dict[str, tuple[zipfile.ZipInfo, bytes]]) -> None:
            path = tmp_path / "changed.sqlite3"
            path.write_bytes(entries["runs.sqlite3"][1])
            with sqlite3.connect(path) as db:
                db.execute(statement)
            db.close()
            entries["runs.sqlite3"] = (entries["runs.sqlite3"][0], path.read_bytes())
            record = {
                **json.loads(entries["backup.json"][1]),
                "database": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            entries["backup.json"] = (entries["backup.json"][0], json.dumps(record).encode())

        return repacked(saved, change)

    for statement, words in (
        ("CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM runs; END", "is no store"),
        ("CREATE VIEW v AS SELECT 1", "is no store"),
        ("PRAGMA user_version = 99", "newer Digit Lab"),
        ("PRAGMA user_version = 0", "is no store"),
        ("UPDATE artefacts SET sha256 = replace(sha256, '1', '2')", "files that its runs name are not in it"),
    ):
        with pytest.raises(RunError, match=words):
            backup.restore(changed(statement), tmp_path / "elsewhere")
        assert list((tmp_path / "elsewhere").iterdir()) == []
    assert backup.restore(changed("UPDATE runs SET worker = NULL"), tmp_path / "elsewhere").n_runs == 2


def test_a_backup_with_changed_bytes_is_refused_or_comes_back_equal(filled: Store, saved: Path, tmp_path: Path) -> None:
    content, random_ = saved.read_bytes(), random.Random(0)
    damaged = tmp_path / "damaged.zip"
    for place in range(30):
        changed = bytearray(content)
        if place % 3:
            changed[random_.randrange(len(content))] ^= 1 << random_.randrange(8)
            del changed[len(changed) - random_.randrange(2) :]
        else:
            del changed[random_.randrange(len(content)) :]
        damaged.write_bytes(changed)
        folder = tmp_path / f"restored {place}"
        try:
            backup.restore(damaged, folder)
        except RunError:
            assert list(folder.iterdir()) == []
        else:  # a date or an attribute
            assert Store(folder).runs() == filled.runs()


def test_a_copy_is_kept_before_the_format_changes(filled: Store, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [run.run_id for run in filled.runs()]
    filled.close()
    earlier = len(schema.MIGRATIONS)
    (root / "before-format-3.sqlite3").write_bytes(b"of an earlier change")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE extra(x)",)))
    with monkeypatch.context() as full:

        def fail(handle: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        full.setattr(os, "fsync", fail)
        with pytest.raises(StorageError, match=rf"of format {earlier} .* no copy of them .* the disk is full"):
            Store(root)
    assert {path.name for path in root.glob("before-*")} == {"before-format-3.sqlite3"}
    with sqlite3.connect(root / "runs.sqlite3") as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == earlier
    assert [run.run_id for run in Store(root).runs()] == before
    (kept,) = root.glob("before-*")
    assert kept.name == f"before-format-{earlier + 1}.sqlite3"
    with sqlite3.connect(kept) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == earlier
        assert {row[0] for row in db.execute("SELECT run_id FROM runs")} == set(before)


def test_no_copy_is_kept_of_nothing(store: Store, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE extra(x)",)))
    Store(root)
    assert not list(root.glob("before-*"))


def test_the_command_line_saves_and_restores(
    filled: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGIT_LAB_RUNS", str(filled.root))
    saved = str(tmp_path / "all.zip")
    assert main(["backup", saved]) == 0
    assert "Saved 2 runs and 3 files" in capsys.readouterr().out
    assert main(["backup", saved]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["restore", saved]) == 2
    assert main(["restore", saved, "--runs", str(tmp_path / "elsewhere"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_runs"] == 2
    monkeypatch.setenv("DIGIT_LAB_RUNS", str(tmp_path / "nothing"))
    assert main(["backup", str(tmp_path / "other.zip")]) == 2
    assert not (tmp_path / "nothing").exists()
