"""A damaged file costs the rows on its damaged pages and no others, and each run that lost something is named."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from run_material import checkpoint, epoch_end, finished, made_evaluation, progress, started

from core.config import RunConfig, run_config
from core.errors import RunError
from core.runs import btree, groups, schema
from core.runs.store import Store

PAGE_BYTES = 4096
N_RUNS = 12


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with some runs, of which some events were taken back and some runs removed, so that pages are free."""
    store = Store(tmp_path_factory.mktemp("whole"))

    def config(seed: int) -> RunConfig:
        return run_config("softmax", {"seed": seed})

    planned = [groups.PlannedRun(config(0), 0), groups.PlannedRun(config(1), 1)]
    groups.create_group(store, planned, name="Mine", kind="race", plan={"contestants": []}, request="pause")
    for place in range(N_RUNS):
        run_id = store.create(config(place), name=f"run {place}", request="pause")
        for _ in range(2):  # what was told before is taken back
            store.commit(run_id, [started(), *(progress(n / 20) for n in range(60)), epoch_end(3)])
        store.commit(run_id, [checkpoint(3)], manifest={"seed": place})
        store.annotate(run_id, notes="long " * 700)  # goes on to other pages
        if place % 2:
            store.finish(run_id, [finished(3)], {"test": made_evaluation()})
    with store.database.write() as db:
        db.execute("DELETE FROM runs WHERE name IN ('run 4', 'run 5')")
    store.close()
    return store.root


@pytest.fixture
def root(tmp_path: Path, whole: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "runs"))


@pytest.fixture
def content(whole: Path) -> bytes:
    return (whole / "runs.sqlite3").read_bytes()


def everything(store: Store) -> dict[str, tuple[Any, ...]]:
    """Of each run what can be read of it; of its files whether there are any, or why they can not be read."""

    def files(read: Callable[[], object]) -> object:
        try:
            return read() is not None
        except RunError as error:
            return str(error)

    return {
        run.run_id: (
            run, store.history(run.run_id), files(partial(store.evaluation, run.run_id, "test")),
            files(partial(store.checkpoint, run.run_id)),
        )
        for run in store.runs()
    }  # fmt: skip


def test_without_sqlite_every_row_is_read_as_sqlite_reads_it(content: bytes, root: Path) -> None:
    with sqlite3.connect(root / "runs.sqlite3") as db:
        events = {row[0]: row[1:] for row in db.execute("SELECT * FROM events")}
        runs = {row[0]: row[1:] for row in db.execute("SELECT * FROM runs")}
    rows = [(rowid, values[1:]) for rowid, values in btree.table_rows(content)]
    assert {rowid: values for rowid, values in rows if len(values) == len(next(iter(runs.values())))} == runs
    kinds = {"started", "progress", "epoch", "finished"}
    assert {rowid: values for rowid, values in rows if len(values) == 6 and values[1] in kinds} == events


def test_pages_that_are_damaged_cost_their_own_rows_only(content: bytes, root: Path) -> None:
    before = everything(Store(root))
    random_ = random.Random(1)
    n_whole = n_named = 0
    for place in range(12):
        folder = root.parent / f"damaged {place}"
        folder.mkdir()
        changed = bytearray(content)
        # Page 1 says what the tables are; without it rows are known by their checksums alone.
        pages = [0] if place == 0 else random_.sample(range(1, len(content) // PAGE_BYTES), 3)
        for page in pages:
            changed[page * PAGE_BYTES : page * PAGE_BYTES + 200] = random_.randbytes(200)
        (folder / "runs.sqlite3").write_bytes(changed)
        shutil.copytree(root / "artefacts", folder / "artefacts")
        rescued = Store(folder)
        after = everything(rescued)
        assert set(after) <= set(before)
        assert not set(after) & {run.run_id for run in rescued.damaged_runs()}
        lost = "".join(path.read_text("utf-8") for path in folder.glob("damaged-*/lost.txt"))
        n_named += lost.count(" lost ")
        n_whole += sum(after[run_id] == before[run_id] for run_id in after)
        for run_id, (run, history, *_) in after.items():
            assert [event for event in before[run_id][1] if event in history] == history, "nothing is made up"
            if after[run_id] != before[run_id]:
                assert run_id in lost or "not known in full" in lost, run.name
        for run_id in set(before) - set(after) - {run.run_id for run in rescued.damaged_runs()}:
            assert f"{run_id} lost all of it" in lost or "not known in full" in lost
        rescued.close()
        assert Store(folder).notice == ""
    assert n_whole > 0.7 * 12 * len(before)
    assert n_named > 12


def test_what_a_run_lost_is_said(content: bytes, root: Path) -> None:
    before = {run.name: run for run in Store(root).runs()}
    changed = bytearray(content)
    (page,) = [
        start for start in range(0, len(content), PAGE_BYTES)
        if content[start] == btree.TABLE_LEAF and content.count(before["run 7"].run_id.encode(), start, start + PAGE_BYTES) > 8
    ][:1]  # fmt: skip
    changed[page : page + PAGE_BYTES] = bytes(PAGE_BYTES)
    (root / "runs.sqlite3").write_bytes(changed)
    rescued = Store(root)
    assert f"Run {before['run 7'].run_id} (run 7) lost " in rescued.notice
    assert "of its events" in rescued.notice
    assert {run.name: run.summary for run in rescued.runs()} == {run.name: run.summary for run in before.values()}


def test_a_flipped_bit_anywhere_never_goes_unnoticed(content: bytes, root: Path) -> None:
    """Whatever byte is hit: every run is what it was, or is said to be damaged or to have lost something."""
    before = everything(Store(root))
    random_ = random.Random(1)
    for place in range(25):
        folder = root.parent / f"flipped {place}"
        folder.mkdir()
        changed = bytearray(content)
        changed[random_.randrange(100, len(content))] ^= 1 << random_.randrange(8)
        (folder / "runs.sqlite3").write_bytes(changed)
        shutil.copytree(root / "artefacts", folder / "artefacts")
        flipped = Store(folder)
        after, damaged = everything(flipped), flipped.damaged_runs()
        lost = "".join(path.read_text("utf-8") for path in folder.glob("damaged-*/lost.txt"))
        for run_id in before:
            if run_id in after:
                assert len(after[run_id][1]) <= len(before[run_id][1])
                assert all(event in before[run_id][1] for event in after[run_id][1])
                assert after[run_id][0].config == before[run_id][0].config
                assert after[run_id][0].summary in (before[run_id][0].summary, {})
            else:
                assert damaged or run_id in lost
        for run in damaged:
            flipped.delete(run.run_id)
        flipped.close()


def test_an_event_with_another_number_is_not_believed(store: Store, config: RunConfig) -> None:
    """One bit of a row's number puts an event into another place, or over another one."""
    run_id = store.create(config)
    assert store.claim("somebody") == run_id
    store.commit(run_id, [started(), epoch_end(0), progress(0.5)])
    (first, *_), last = store.history(run_id), store.history(run_id)[-1]
    with store.database.write() as db:
        db.execute("UPDATE events SET seq = ? WHERE seq = ?", (last[0] + 64, last[0]))
    assert store.history(run_id)[0] == first
    assert last[1] not in [values for _, values in store.history(run_id)]


def test_indexes_that_no_longer_fit_are_built_anew(content: bytes, root: Path) -> None:
    changed = bytearray(content)
    for start in range(0, len(content), PAGE_BYTES):
        page = content[start : start + PAGE_BYTES]
        if page[0] not in (2, 10):  # an index, which goes on to say the other
            changed[start : start + PAGE_BYTES] = page.replace(b", seed 7", b", seed 6")
    assert changed != content
    (root / "runs.sqlite3").write_bytes(changed)
    opened = Store(root)
    assert opened.notice == ""
    assert [run.name for run in opened.damaged_runs()] == ["run 7"]
    with opened.database.write() as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        db.execute("DELETE FROM runs")


def test_an_older_store_is_rescued_row_by_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "old"
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        old = Store(root)
        with old.database.write() as db:
            for place in range(60):
                db.execute(
                    "INSERT INTO runs(run_id, name, group_id, config, request, created_utc) VALUES (?, ?, '', ?, 'pause', '')",
                    (f"{place:032x}", f"run {place:02}", run_config("softmax", {}).model_dump_json()),
                )
        old.close()
    changed = bytearray((root / "runs.sqlite3").read_bytes())
    at = changed.index(b"run 30") // PAGE_BYTES * PAGE_BYTES
    changed[at : at + PAGE_BYTES] = bytes(PAGE_BYTES)
    (root / "runs.sqlite3").write_bytes(changed)
    rescued = Store(root)
    assert 30 <= len(rescued.runs()) < 60
    assert (
        f"Run {30:032x} lost all of it." in (next(root.glob("damaged-*")) / "lost.txt").read_text("utf-8").splitlines()
    )
    assert rescued.notice.count("lost all of it") == 5
