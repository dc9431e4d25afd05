"""Rows about trainings that die, or whose disk gives up: at random moments, and at every step that touches the disk."""

from __future__ import annotations

import contextlib
import itertools
import random
import resource
import signal
import sqlite3
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from bench.reliability.card import Row, Tally
from bench.reliability.children import Child, can_fork, command, ended, wait_for
from bench.reliability.faults import Faults, full_disk, sudden_death
from bench.reliability.trainings import (
    CASES,
    SHORT,
    Ending,
    alone,
    check_end,
    check_whole,
    opened,
    printed_epochs,
    uninterrupted,
    words,
)
from core.cli.app import BAD_INPUT
from core.engine import train as engine
from core.runs import job
from core.runs.schema import DATABASE

MOST_KILLS = 3  # of one run
MOMENT_SECONDS = 0.08  # about as long as an epoch with its checkpoint
LEVELS = (0.2, 0.4, 0.6, 0.8)  # of what an undisturbed run needs


def kills(tally: Tally, folder: Path) -> None:
    """SIGKILL at random moments of a training command line and of the commands that go on with it."""
    chance = random.Random(tally.seed)
    architectures = list(CASES)[: min(len(CASES), tally.asked)]
    for number, architecture in enumerate(architectures):
        whole = alone(architecture, folder.parent)
        until, turn = tally.asked * (number + 1) // len(architectures), 0
        while tally.tried < until:
            root, turn = folder / architecture / str(turn), turn + 1
            run_id = _kill_one_run(tally, root, architecture, until, chance)
            if run_id is not None:
                check_end(tally, root, run_id, whole, f"{architecture}, killed run {turn}")


def _kill_one_run(tally: Tally, root: Path, architecture: str, until: int, chance: random.Random) -> str | None:
    """Up to three times, each a moment after a random line was printed, or after the start; returns the run's id."""
    run_id = None
    for _ in range(MOST_KILLS):
        if tally.tried >= until:
            break
        child = command(root, *(["resume", run_id] if run_id else words(architecture)))
        with ended(child):
            lines = chance.randint(0, CASES[architecture]["epochs"])
            wait_for(partial(_has_said, child, lines), "a line")
            time.sleep(chance.uniform(0, MOMENT_SECONDS))
            if child.poll() is not None:
                tally.check(child.code == 0, f"{architecture}: exit code {child.code}, {child.complaint()}")
                break
            child.kill()
        tally.tried += 1
        tally.count("within_a_commit", int((root / f"{DATABASE}-journal").exists()))
        if (root / DATABASE).exists():
            run_id = check_whole(tally, root, printed_epochs([child]), f"{architecture}, kill {tally.tried}")
        if run_id is not None and _has_ended(root, run_id):
            break
    return run_id


def _has_ended(root: Path, run_id: str) -> bool:
    with opened(root) as store:
        return bool(store.run(run_id).has_ended)


def _has_said(child: Child, lines: int) -> bool:
    return child.poll() is not None or child.out.read_bytes().count(b"\n") >= lines


def _every_step(tally: Tally, folder: Path, act: Callable[[], None], lasting: bool) -> None:
    """A training for each step that a training makes on the disk, in which that step goes wrong; some of them, evenly spread,
    where fewer are asked for."""
    wholes: dict[str, Ending] = {}
    points: list[tuple[str, int]] = []
    for name in CASES:
        n, wholes[name] = _undisturbed(folder.parent / "undisturbed" / name / "whole", name)
        points += [(name, at) for at in range(1, n + 1)]
    tally.figures["steps"] = len(points)
    tally.asked = min(tally.asked, len(points))
    for number in range(tally.asked):
        name, at = points[number * len(points) // tally.asked]
        root = folder / name / str(at)
        faults = partial(Faults, setattr, at, act, lasting)
        child = command(root, *words(name, **SHORT), before=partial(_by_steps, faults))
        with ended(child):
            child.wait()
        where = f"{name}, step {at}"
        tally.tried += 1
        if act is sudden_death:
            tally.check(child.code == -signal.SIGKILL, f"{where}: exit code {child.code}, {child.complaint()}")
        else:
            _check_refusal(tally, child, where)
        _check_afterwards(tally, root, child, wholes[name], where)


@cache
def _undisturbed(root: Path, architecture: str) -> tuple[int, Ending]:
    """How many steps a short training makes, and what comes of it."""
    path, number = root.parent / "steps", itertools.count(1)
    path.parent.mkdir(parents=True)
    note = partial(Faults, setattr, 1, lambda: path.write_text(str(next(number))), lasting=True)
    whole = uninterrupted(architecture, root, before=partial(_by_steps, note), **SHORT)
    return int(path.read_text()), whole


def _by_steps(faults: Callable[[], Faults]) -> None:
    """A transaction for every event, and only events that come at their own step: the clock decides nothing."""
    job.COMMIT_SECONDS, job.CHECKPOINT_SECONDS, engine.PROGRESS_SECONDS = 0.0, 0.0, 1e9
    faults()


def _check_refusal(tally: Tally, child: Child, where: str) -> None:
    """A command that can not go on ends with one sentence and exit code 2."""
    complaint = child.complaint()
    tally.count("told", int(child.code == BAD_INPUT))
    holds = child.code == 0 or (child.code == BAD_INPUT and len(complaint.splitlines()) == 1)
    tally.check(holds, f"{where}: exit code {child.code}, {complaint}")


def _check_afterwards(tally: Tally, root: Path, child: Child, whole: Ending, where: str) -> None:
    if (root / DATABASE).exists():
        run_id = check_whole(tally, root, printed_epochs([child]), where)
        if run_id is not None:
            check_end(tally, root, run_id, whole, where)
    else:
        tally.check(not printed_epochs([child]), f"{where}: the database is gone")


def disk_full(tally: Tally, folder: Path) -> None:
    """A training whose files, or whose database, may grow to a part of what they need, and no further."""
    root = folder / "whole"
    whole = uninterrupted("mlp", root, **SHORT)
    longest = max(path.stat().st_size for path in (root / "artefacts").glob("*/*"))
    with contextlib.closing(sqlite3.connect(root / DATABASE)) as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
    for number, level in enumerate(LEVELS * -(-tally.asked // (2 * len(LEVELS)))):
        for kind, limit in (("file", longest * level), ("database", pages * level)):
            if tally.tried == tally.asked:
                return
            where = f"{kind} limited to {level:.0%}"
            place = folder / f"{number} {kind}"
            full = partial(_limit_files if kind == "file" else _limit_pages, int(limit))
            child = command(place, *words("mlp", **SHORT), before=full)
            with ended(child):
                child.wait()
            tally.tried += 1
            _check_refusal(tally, child, where)
            tally.check(child.code == BAD_INPUT, f"{where}: exit code {child.code}, the disk was not full")
            _check_afterwards(tally, place, child, whole, where)


def _limit_files(limit_bytes: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails instead
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, resource.RLIM_INFINITY))


def _limit_pages(limit_pages: int) -> None:
    connect = sqlite3.connect

    def limited(*arguments: Any, **named: Any) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*arguments, **named)
        db.execute(f"PRAGMA max_page_count = {limit_pages}")
        return db

    setattr(sqlite3, "connect", limited)  # noqa: B010 - mypy does not let it be assigned


ROWS = (
    Row("kills", "kill -9 of a training, at random", kills, 200, 3, can_fork),
    Row("kill-steps", "kill -9 at each step on the disk",
        partial(_every_step, act=sudden_death, lasting=False), 10_000, 6, can_fork),
    Row("error-once", "a step on the disk fails once",
        partial(_every_step, act=full_disk, lasting=False), 10_000, 6, can_fork),
    Row("error-lasting", "a step on the disk fails, and all after it",
        partial(_every_step, act=full_disk, lasting=True), 10_000, 6, can_fork),
    Row("disk-full", "disk full at four levels", disk_full, 16, 8, can_fork),
)  # fmt: skip
