"""Work that takes longer than anybody waits, in the background: one job at a time, a short queue, and of each how far it is,
how long still, and what has come out so far."""

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
State = Literal["none", "waiting", "running", "ended", "stopped", "failed"]

MAX_WAITING = 4
MAX_KEPT = 32  # jobs whose results are still at hand
ABANDONED_SECONDS = 15.0  # since anybody's page asked how far it is
PACE_SECONDS = 2.0  # before that, most of the time went into the start, and says little about the rest


class Progress(NamedTuple, Generic[T]):
    """How far a job is.

    place: among those that wait, from 1 · done, of: results so far, and of all, or what the work has reported
    words: what is done now, "" where the work has not said · seconds: since it began
    seconds_left: None before a pace is known · results: so far · reason: why it failed, a sentence
    """

    state: State = "none"
    place: int = 0
    done: float = 0
    of: float = 0
    words: str = ""
    seconds: float = 0.0
    seconds_left: float | None = None
    results: tuple[T, ...] = ()
    reason: str = ""

    @property
    def goes_on(self) -> bool:
        """Whether it changes without anybody asking."""
        return self.state in ("waiting", "running")

    @property
    def share(self) -> float:
        """Of the work that is done, in [0, 1]."""
        return self.done / self.of if self.of else 0.0


@dataclass(eq=False, slots=True)
class Job(Generic[T]):
    """What a work is handed: it asks whether to stop, and may report how far it is.

    asked_at, began: of the monotonic clock · first: when the first part was done, and how much: the pace is counted from there,
    for to begin takes longer
    """

    work: Work[T] | None  # None once it is done, so that what it holds is let go
    of: float
    asked_at: float
    abandoned_seconds: float
    began: float = 0.0
    done: float = 0
    words: str = ""
    first: tuple[float, float] = (0.0, 0.0)
    state: State = "waiting"
    results: list[T] = field(default_factory=list)
    reason: str = ""
    wants_stop: bool = False

    def should_stop(self) -> bool:
        return self.wants_stop or time.monotonic() - self.asked_at > self.abandoned_seconds

    def report(self, done: float, of: float, words: str = "") -> None:
        """How far the work is; for one that does not give a result for each part."""
        if not self.done:
            self.first = time.monotonic(), done
        self.done, self.of, self.words = done, of, words

    def seconds_left(self) -> float | None:
        now, (since, first) = time.monotonic(), self.first
        if self.done <= first or now - self.began < PACE_SECONDS or self.state != "running":
            return None
        return (now - since) / (self.done - first) * max(0.0, self.of - self.done)


Work = Callable[[Job[T]], Generator[T, None, None]]  # ends early once the job says that it should stop


class BackgroundJobs(Generic[T]):
    """The queue, and the latest results; its thread lives as long as there is something to do.

    what: waits in it, in the plural · max_kept: jobs whose results are still at hand
    abandoned_seconds: since anybody asked how far a job is, after which it stops; infinite for what nobody watches
    """

    def __init__(
        self,
        what: str = "measurements",
        *,
        max_kept: int = MAX_KEPT,
        abandoned_seconds: float = ABANDONED_SECONDS,
    ) -> None:
        self._what, self._max_kept, self._abandoned_seconds = what, max_kept, abandoned_seconds
        self._lock = threading.Lock()
        self._jobs: OrderedDict[Hashable, Job[T]] = OrderedDict()
        self._waiting: list[Job[T]] = []
        self._thread: threading.Thread | None = None

    def start(self, key: Hashable, work: Work[T], n_results: int = 0) -> None:
        """Do this work, unless it waits or runs already.

        n_results: how many will come; 0 for work that reports how far it is
        Raises InputError when too many wait.
        """
        with self._lock:
            job = self._jobs.get(key)
            if job and job.state in ("waiting", "running") and not job.wants_stop:
                return
            if len(self._waiting) >= MAX_WAITING:
                raise InputError(f"{MAX_WAITING} other {self._what} wait already")
            job = self._jobs[key] = Job(work, n_results, time.monotonic(), self._abandoned_seconds)
            self._jobs.move_to_end(key)
            self._waiting.append(job)
            self._forget_oldest()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._what, daemon=True)
                self._thread.start()

    def stop(self, key: Hashable) -> None:
        """What has come out so far stays."""
        with self._lock:
            job = self._jobs.get(key)
            if job and job in self._waiting:
                self._waiting.remove(job)
                job.state, job.work = "stopped", None
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
            seconds = job.asked_at - job.began if job.began else 0.0
            left, results = job.seconds_left(), tuple(job.results)
            return Progress(job.state, place, job.done, job.of, job.words, seconds, left, results, job.reason)

    def _forget_oldest(self) -> None:
        for key in [key for key, job in self._jobs.items() if job.state not in ("waiting", "running")]:
            if len(self._jobs) <= self._max_kept:
                return
            del self._jobs[key]

    def _work(self) -> None:
        from core.machine.threads import use_one_thread

        use_one_thread()
        while job := self._next():
            state, reason = _done(job)
            with self._lock:
                job.state, job.reason, job.work = state, reason, None

    def _next(self) -> Job[T] | None:
        with self._lock:
            while self._waiting:
                job = self._waiting.pop(0)
                if not job.should_stop():
                    job.state, job.began = "running", time.monotonic()
                    return job
                job.state, job.work = "stopped", None
            self._thread = None
            return None


def _done(job: Job[T]) -> tuple[State, str]:
    """Do the work; how it came to its end, and why."""
    assert job.work is not None
    n_results = job.of
    try:
        with faults_as_input_errors(), closing(job.work(job)) as results:
            for result in results:
                job.results.append(result)
                if n_results:
                    job.report(len(job.results), n_results)
                if job.should_stop():
                    break
    except InputError as error:
        return ("stopped", "") if job.wants_stop else ("failed", str(error))
    return ("ended" if job.done >= job.of else "stopped"), ""
