"""Measurements that take longer than anybody waits, in the background: one at a time on a server, a short queue, and with
each how far it is, how long still, and what has come out so far."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Generic, Literal, NamedTuple, TypeVar

from core.errors import InputError
from core.machine.faults import faults_as_input_errors

T = TypeVar("T")
ShouldStop = Callable[[], bool]
Work = Callable[[ShouldStop], Generator[T, None, None]]  # a generator of results; it ends early once it is told to stop
State = Literal["none", "waiting", "running", "ended", "stopped", "failed"]

MAX_WAITING = 4
MAX_KEPT = 32  # jobs whose results are still at hand
ABANDONED_SECONDS = 15.0  # since anybody's page asked how far it is
PACE_SECONDS = 2.0  # before that, most of the time went into the start, and says little about the rest


class Progress(NamedTuple, Generic[T]):
    """How far a job is.

    place: among those that wait, from 1 · done, of: results so far, and of all · seconds_left: None before a pace is known
    results: so far · reason: why it failed, a sentence
    """

    state: State = "none"
    place: int = 0
    done: int = 0
    of: int = 0
    seconds_left: float | None = None
    results: tuple[T, ...] = ()
    reason: str = ""

    @property
    def goes_on(self) -> bool:
        """Whether it changes without anybody asking."""
        return self.state in ("waiting", "running")


@dataclass(eq=False, slots=True)
class _Job(Generic[T]):
    """asked_at, began: of the monotonic clock"""

    work: Work[T]
    of: int
    asked_at: float
    began: float = 0.0
    state: State = "waiting"
    results: list[T] = field(default_factory=list)
    reason: str = ""
    wants_stop: bool = False

    def should_stop(self) -> bool:
        return self.wants_stop or time.monotonic() - self.asked_at > ABANDONED_SECONDS

    def seconds_left(self) -> float | None:
        done, elapsed = len(self.results), time.monotonic() - self.began
        if not done or elapsed < PACE_SECONDS or self.state != "running":
            return None
        return elapsed / done * max(0, self.of - done)


class BackgroundJobs(Generic[T]):
    """The queue, and the latest results; its thread lives as long as there is something to do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: OrderedDict[Hashable, _Job[T]] = OrderedDict()
        self._waiting: list[_Job[T]] = []
        self._thread: threading.Thread | None = None

    def start(self, key: Hashable, work: Work[T], n_results: int) -> None:
        """Do this work, unless it waits or runs already. n_results: how many will come.

        Raises InputError when too many wait.
        """
        with self._lock:
            job = self._jobs.get(key)
            if job and job.state in ("waiting", "running") and not job.wants_stop:
                return
            if len(self._waiting) >= MAX_WAITING:
                raise InputError(f"{MAX_WAITING} other measurements wait already")
            job = self._jobs[key] = _Job(work, n_results, time.monotonic())
            self._jobs.move_to_end(key)
            self._waiting.append(job)
            self._forget_oldest()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="measuring", daemon=True)
                self._thread.start()

    def stop(self, key: Hashable) -> None:
        """What has come out so far stays."""
        with self._lock:
            job = self._jobs.get(key)
            if job and job in self._waiting:
                self._waiting.remove(job)
                job.state = "stopped"
            elif job:
                job.wants_stop = True

    def progress(self, key: Hashable) -> Progress[T]:
        """How far the job is; asking keeps it going."""
        with self._lock:
            job = self._jobs.get(key)
            if job is None:
                return Progress()
            self._jobs.move_to_end(key)
            job.asked_at = time.monotonic()
            place = self._waiting.index(job) + 1 if job in self._waiting else 0
            results = tuple(job.results)
            return Progress(job.state, place, len(results), job.of, job.seconds_left(), results, job.reason)

    def _forget_oldest(self) -> None:
        for key in [key for key, job in self._jobs.items() if job.state not in ("waiting", "running")]:
            if len(self._jobs) <= MAX_KEPT:
                return
            del self._jobs[key]

    def _work(self) -> None:
        from core.machine.threads import use_one_thread

        use_one_thread()
        while job := self._next():
            state, reason = _done(job)
            with self._lock:
                job.state, job.reason = state, reason

    def _next(self) -> _Job[T] | None:
        with self._lock:
            while self._waiting:
                job = self._waiting.pop(0)
                if not job.should_stop():
                    job.state, job.began = "running", time.monotonic()
                    return job
                job.state = "stopped"
            self._thread = None
            return None


def _done(job: _Job[T]) -> tuple[State, str]:
    """Do the work; how it came to its end, and why."""
    try:
        with faults_as_input_errors(), closing(job.work(job.should_stop)) as results:
            for result in results:
                job.results.append(result)
                if job.should_stop():
                    break
    except InputError as error:
        return "failed", str(error)
    return ("ended" if len(job.results) >= job.of else "stopped"), ""
