"""The store when the disk, the database or the process gives up: at every single step, once and for good."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from run_material import checkpoint, epoch_end, finished, made_evaluation, progress, started

from bench.reliability.faults import Faults, full_disk, sudden_death
from core.config import RunConfig, run_config
from core.runs.lease import Lease, is_alive
from core.runs.schema import StorageError
from core.runs.store import Store


def tell_a_run(root: Path, acknowledge: Callable[[str], None], tries: int = 1) -> None:
    """Everything that is ever written about a run, each call tried again when it fails."""

    def persistently(call: Callable[[], Any]) -> Any:
        for left in reversed(range(tries)):
            try:
                return call()
            except StorageError:
                if not left:
                    raise
        return None

    store = persistently(lambda: Store(root))
    run_id = persistently(lambda: store.create(run_config("softmax", {}), token="one"))
    acknowledge("created")
    for epoch in range(3):
        first = [started()] if epoch == 0 else [progress(epoch - 0.5)]
        events = [*first, epoch_end(epoch), checkpoint(epoch)]
        persistently(partial(store.commit, run_id, events))
        acknowledge(f"epoch {epoch}")
    persistently(lambda: store.finish(run_id, [finished(2)], {"test": made_evaluation()}))
    acknowledge("finished")
    store.close()


def check_whole(root: Path, acknowledged: list[str]) -> None:
    """Opened afresh: what was acknowledged is there, nothing is torn, and no file is left that nobody names."""
    store = Store(root)
    assert store.notice == ""
    with sqlite3.connect(root / "runs.sqlite3") as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    runs = store.runs()
    assert len(runs) == 1 or (not acknowledged and not runs)
    if runs:
        run_id = runs[0].run_id
        epochs = [event["epoch"] for _, event in store.history(run_id) if event["event"] == "epoch"]
        assert epochs == list(range(len(epochs)))
        assert len(epochs) >= sum(word.startswith("epoch") for word in acknowledged)
        kept = store.checkpoint(run_id)
        assert (kept is None) == (not epochs)
        if kept is not None:
            assert kept.epoch == epochs[-1]
            assert (kept.weights["weight"] == kept.epoch).all()
            assert (store.snapshot(run_id)[1]["weight"] == kept.best_epoch).all()
        assert (store.run(run_id).status == "finished") >= ("finished" in acknowledged)
        assert (store.evaluation(run_id, "test") is not None) == store.run(run_id).has_ended
    store.purge()
    with sqlite3.connect(root / "runs.sqlite3") as db:
        named = {f"{row[0]}.safetensors" for row in db.execute("SELECT sha256 FROM artefacts")}
    assert {path.name for path in (root / "artefacts").glob("*/*")} == named
    store.close()


def count_steps(root: Path) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        faults = Faults(patch.setattr, 0, full_disk)
        tell_a_run(root, lambda word: None)
    return faults.names


def forked(work: Callable[[], None]) -> int:
    """The process id of a child that does some work and ends with 0, or with 1 if that raised something."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "for good"])
def test_a_write_that_fails_at_any_step_tears_nothing(tmp_path: Path, lasting: bool) -> None:
    steps = count_steps(tmp_path / "whole")
    assert {"write", "fsync", "rename", "commit"} == set(steps)
    for at in range(1, len(steps) + 1):
        root, acknowledged = tmp_path / str(at), list[str]()
        with pytest.MonkeyPatch.context() as patch:
            Faults(patch.setattr, at, full_disk, lasting)
            if lasting:
                with contextlib.suppress(StorageError):  # the very last steps only clear up, and may fail
                    tell_a_run(root, acknowledged.append)
            else:
                tell_a_run(root, acknowledged.append, tries=2)
                assert acknowledged[-1] == "finished"
        check_whole(root, acknowledged)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
def test_a_kill_at_any_step_tears_nothing(tmp_path: Path) -> None:
    steps = count_steps(tmp_path / "whole")
    for at in range(1, len(steps) + 1):
        root = tmp_path / str(at)
        hear, say = os.pipe()

        def doomed(root: Path = root, at: int = at, say: int = say) -> None:
            with os.fdopen(say, "w", buffering=1) as pipe, pytest.MonkeyPatch.context() as patch:
                Faults(patch.setattr, at, sudden_death)
                tell_a_run(root, partial(print, file=pipe))

        child = forked(doomed)
        os.close(say)
        with os.fdopen(hear) as heard:
            acknowledged = heard.read().splitlines()
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
        check_whole(root, acknowledged)


def test_artefacts_are_durable_before_the_row_that_names_them(root: Path) -> None:
    order = count_steps(root)
    opening, *per_commit = " ".join(order).split("commit")
    assert opening.strip() == ""
    wrote = [part.split() for part in per_commit if part.strip()]
    # Per file: content, its sync, its name, then the sync of the two folders that hold the name.
    assert all(part[:5] == ["write", "fsync", "rename", "fsync", "fsync"] for part in wrote)
    assert wrote


def test_a_database_that_reached_its_limit_loses_nothing(root: Path, config: RunConfig) -> None:
    store = Store(root)
    run_id = store.create(config)
    store.commit(run_id, [started(), epoch_end(0)])
    pages = store.database._writer.execute("PRAGMA page_count").fetchone()[0]
    store.database._writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="the disk is full"):
        store.commit(run_id, [progress(n / 1000) for n in range(1000)])
    assert len(store.history(run_id)) == 2
    store.database._writer.execute("PRAGMA max_page_count = 1000000")
    store.commit(run_id, [progress(0.5)])
    assert len(store.history(run_id)) == 3
    assert Store(root).notice == ""


def test_a_lease_ends_with_its_holder_and_only_then(root: Path) -> None:
    first, second = Lease(root), Lease(root)
    assert is_alive(root, first.id)
    assert is_alive(root, second.id, tries=3)
    first.release()
    assert not is_alive(root, first.id)
    assert is_alive(root, second.id)
    second.release()
    second.release()
    assert not is_alive(root, second.id)
    assert not is_alive(root, "../../etc/passwd")
    assert list((root / "workers").iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
def test_processes_that_claim_at_once_each_get_runs_of_their_own(store: Store, root: Path, config: RunConfig) -> None:
    runs = [store.create(config) for _ in range(40)]
    store.close()
    (hear, say), (gate, opened) = os.pipe(), os.pipe()

    def claim_all() -> None:
        mine, lease = Store(root), Lease(root)
        os.write(say, b"ready\n")
        os.read(gate, 1)
        while (run_id := mine.claim(lease.id)) is not None:
            os.write(say, f"{run_id} {lease.id}\n".encode())
            time.sleep(0.002)

    children = [forked(claim_all) for _ in range(4)]
    with os.fdopen(hear) as heard:
        assert [heard.readline() for _ in children] == ["ready\n"] * 4
        os.write(opened, b"go!!")
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
        os.close(say)
        claimed = [line.split() for line in heard]
    assert sorted(run_id for run_id, _ in claimed) == sorted(runs)
    assert len({worker for _, worker in claimed}) > 1
    assert {run.status for run in Store(root).runs()} == {"interrupted"}
