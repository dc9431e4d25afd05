"""Rows about processes: told to end, several on one store, asked twice at once, with a clock that jumps."""

from __future__ import annotations

import datetime as calendar
import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench.reliability.card import Row, Tally
from bench.reliability.children import CHECKPOINT_SECONDS, Child, can_fork, command, ended, fork, wait_for
from bench.reliability.trainings import CASES, SHORT, Ending, alone, ending, epochs, opened, uninterrupted, words
from core import data
from core.config import RunConfig, run_config
from core.errors import RunError
from core.runs import groups, job
from core.runs import store as stores
from core.runs.groups import create_runs
from core.runs.lease import Lease
from core.runs.rows import Run
from core.runs.store import Store
from core.runs.worker import Worker

GRACE_SECONDS = 10.0  # between the signal and the end of the process
MOST_CALLERS = 8
DAY_SECONDS = 24 * 3600.0
JUMPS = (DAY_SECONDS, -DAY_SECONDS, 3600.0, -40 * 365 * DAY_SECONDS, 40 * 365 * DAY_SECONDS, -1.0)  # seconds


def config_of(architecture: str, **values: Any) -> RunConfig:
    """A case as a config."""
    return run_config(architecture, {**CASES[architecture], **values})


def have_begun(store: Store, run_ids: Sequence[str]) -> bool:
    """Whether each of these runs has ended its first epoch."""
    return all(store.run(run_id).epoch for run_id in run_ids)


def have_ended(store: Store, run_ids: Sequence[str]) -> bool:
    """Whether each of these runs has ended."""
    return all(store.run(run_id).has_ended for run_id in run_ids)


def is_claimed(store: Store, run_id: str) -> bool:
    """Whether somebody trains it."""
    return store.run(run_id).status == "running"


def any_has_begun(store: Store) -> bool:
    """Whether any run of the store has ended its first epoch."""
    return any(run.epoch for run in store.runs())


def worker_process(root: Path, before: Callable[[], object] = lambda: None) -> Child:
    """A process that trains whatever is queued, two runs at a time, until it is told to end. before: called in it first"""

    def work() -> None:
        job.CHECKPOINT_SECONDS = CHECKPOINT_SECONDS
        before()
        leaving = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: leaving.set())
        with opened(root) as store:
            worker = Worker(store, load_dataset=data.load)
            worker.start()
            leaving.wait()
            if not worker.shutdown():
                raise TimeoutError("the training thread did not end")

    return fork(work, root.parent / "said")


def told_to_end(tally: Tally, folder: Path) -> None:
    """SIGTERM at random moments to a process that trains two runs while a third waits."""
    chance, longest = random.Random(tally.seed), 0.0
    while tally.tried < tally.asked:
        root = folder / str(tally.tried)
        with opened(root) as store:
            run_ids = [store.create(config_of(name, epochs=500)) for name in ("mlp", "gru", "cnn")]
            child = worker_process(root)
            with ended(child):
                wait_for(partial(have_begun, store, run_ids[:2]), "two runs")
                time.sleep(chance.uniform(0, 0.5))
                longest = max(longest, _end(tally, child, f"signal {tally.tried}"))
            check_let_go(tally, [store.run(one) for one in run_ids], f"signal {tally.tried}")
        tally.tried += 1
    tally.figures["longest_s"] = round(longest, 2)


def _end(tally: Tally, child: Child, where: str) -> float:
    """Seconds until a process that was told to end has ended; killed after ten."""
    began = time.monotonic()
    os.kill(child.pid, signal.SIGTERM)
    try:
        code: int | str = child.wait(GRACE_SECONDS)
    except TimeoutError:
        code = "none yet"
    tally.check(code == 0, f"{where}: exit code {code} {child.complaint()}")
    return time.monotonic() - began


def check_let_go(tally: Tally, runs: list[Run], where: str) -> None:
    """Note runs that are neither resumable nor waiting."""
    left = [run.status for run in runs]
    tally.check(set(left) <= {"interrupted", "queued"}, f"{where}: the runs are {', '.join(left)}")
    tally.check(left.count("interrupted") <= 2, f"{where}: {left.count('interrupted')} runs were begun")


def side_by_side(tally: Tally, folder: Path) -> None:
    """Two workers and a command line on one store: every epoch once, and every run as it would have been alone."""
    names = list(CASES)[:2] if tally.asked < 2 * len(CASES) else list(CASES)
    wholes = {
        name: uninterrupted(name, folder.parent / "undisturbed" / f"{name} side by side", **SHORT) for name in names
    }
    root = folder / "shared"
    with opened(root) as store:
        run_ids = {
            store.create(config_of(name, **SHORT)): name for _, name in zip(range(tally.asked), itertools.cycle(names))
        }
        both = [worker_process(root), worker_process(root)]
        own = command(root, *words(names[0], **SHORT))
        with ended(*both, own):
            tally.check(own.wait() == 0, f"the command line beside them: exit code {own.code}, {own.complaint()}")
            wait_for(partial(have_ended, store, list(run_ids)), "runs of two workers")
            for child in both:
                _end(tally, child, "one of two workers")
        for run in store.runs():
            _check_once(tally, store, run.run_id, wholes[run_ids.get(run.run_id, names[0])], run.name)
            tally.tried += 1
    tally.asked += 1  # the command line's own


def _check_once(tally: Tally, store: Store, run_id: str, whole: Ending, where: str) -> None:
    stored = [event["epoch"] for event in epochs(store, run_id)]
    tally.count("duplicate_epochs", len(stored) - len(set(stored)))
    tally.check(stored == sorted(set(stored)), f"{where}: epochs {stored}")
    tally.check(ending(store, run_id).equals(whole), f"{where}: not as it would have been alone")


def lost_lock(tally: Tally, folder: Path) -> None:
    """A second process takes a run whose worker lives, but whose lock file somebody deleted: one of the two is refused."""
    whole = alone("mlp", folder.parent)
    while tally.tried < tally.asked:
        root, where = folder / str(tally.tried), f"lock file {tally.tried}"
        first = command(root, *words("mlp"))
        with ended(first), opened(root) as store:
            wait_for(partial(any_has_begun, store), "the first process")
            run_id = store.runs()[0].run_id
            for path in (root / "workers").glob("*.lock"):
                path.unlink()
            second = command(root, "resume", run_id)
            with ended(second):
                codes = sorted([first.wait(), second.wait()])
            tally.check(codes[0] == 0 and codes[1] in (0, 1, 2), f"{where}: exit codes {codes}, {second.complaint()}")
            _check_once(tally, store, run_id, whole, where)
        tally.tried += 1


def double_starts(tally: Tally, folder: Path) -> None:
    """2 to 8 callers start the same two runs with one token at the same moment, and then all want to train the first."""
    chance = random.Random(tally.seed)
    with opened(folder) as store, opened(folder) as elsewhere:
        while tally.tried < tally.asked:
            n, before = chance.randint(2, MOST_CALLERS), len(store.runs())
            race = _Race(folder, f"race {tally.tried}", n)
            threads = [threading.Thread(target=race.take_part, args=((store, elsewhere)[at % 2],)) for at in range(n)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            new, where = len(store.runs()) - before, f"{race.token} of {n} callers"
            tally.count("callers", n)
            tally.count("duplicates", new - 2)
            tally.check(not race.faults, f"{where}: {race.faults[:1]}")
            tally.check(
                new == 2 and len(set(race.answers)) == 1, f"{where}: {new} runs, {len(set(race.answers))} answers"
            )
            tally.check(len(race.workers) == 1, f"{where}: {len(race.workers)} workers got the run")
            tally.tried += 1


class _Race:
    """answers: the ids that each caller was given · workers: who was given the run to train · faults: what was raised"""

    def __init__(self, root: Path, token: str, callers: int) -> None:
        self.token, self.answers, self.workers, self.faults = token, list[str](), list[str](), list[str]()
        self._root, self._gate = root, threading.Barrier(callers)

    def take_part(self, store: Store) -> None:
        """One caller."""
        config = run_config("softmax", {"dataset": "digits"})
        try:
            self._gate.wait()
            run_ids = create_runs(store, [config, config], token=self.token)
            self.answers.append(" ".join(run_ids))
            self._gate.wait()
            with Lease(self._root) as lease:
                if store.claim(lease.id, run_ids[0]):
                    self.workers.append(lease.id)
                self._gate.wait()  # nobody lets go before all have asked
        except (RunError, OSError, threading.BrokenBarrierError) as error:
            self.faults.append(f"{type(error).__name__}: {error}")
            self._gate.abort()


def jumping_clock(tally: Tally, folder: Path) -> None:
    """Trainings while the computer's clock jumps by a second, an hour, a day and forty years, there and back."""
    wholes = {name: uninterrupted(name, folder / name / "whole", **SHORT) for name in list(CASES)[: tally.asked]}
    for number, (jump, name) in zip(range(tally.asked), itertools.cycle(itertools.product(JUMPS, wholes))):
        root, where = folder / str(number), f"{name}, clock moved by {jump / DAY_SECONDS:+g} days"
        during = command(root, *words(name, **SHORT, name="a"), before=partial(_jump, jump))
        with ended(during):
            during.wait()
        after = command(root, *words(name, **SHORT, name="b"))
        with ended(after):
            after.wait()
        codes = (during.code, after.code)
        tally.check(codes == (0, 0), f"{where}: exit codes {codes}, {during.complaint()} {after.complaint()}")
        with opened(root) as store:
            runs = store.runs()
            tally.check([run.name for run in runs] == ["b", "a"], f"{where}: order {[run.name for run in runs]}")
            for run in runs:
                seconds = [event["seconds"] for _, event in store.history(run.run_id) if "seconds" in event]
                tally.check(min(seconds) >= 0 and seconds == sorted(seconds), f"{where}: seconds {seconds}")
                tally.check(ending(store, run.run_id).equals(wholes[name]), f"{where}: other weights")
        tally.tried += 1


def _jump(seconds: float) -> None:
    """The clock of this process is right and wrong in turn, from one look to the next."""
    at, at_ns, turn = time.time, time.time_ns, itertools.cycle((0.0, seconds))

    class Jumping(calendar.datetime):
        @classmethod
        def now(cls, tz: calendar.tzinfo | None = None) -> Any:
            return calendar.datetime.fromtimestamp(at() + next(turn), tz)

    time.time = lambda: at() + next(turn)
    time.time_ns = lambda: at_ns() + int(next(turn) * 1e9)
    for module in (stores, groups):
        setattr(module, "datetime", Jumping)  # noqa: B010 - a name that the module imported


ROWS = (
    Row("sigterm", "SIGTERM of a worker with two runs", told_to_end, 50, 3, can_fork),
    Row("side-by-side", "two workers and a command line on one store", side_by_side, 15, 4, can_fork),
    Row("lost-lock", "a lock file deleted under a living worker", lost_lock, 10, 1, can_fork),
    Row("double-starts", "double starts by 2 to 8 callers", double_starts, 100, 20),
    Row("clock", "a clock that jumps while something trains", jumping_clock, 12, 2, can_fork),
)
