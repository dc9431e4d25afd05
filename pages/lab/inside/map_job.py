"""t-SNE in the background: one map at a time for all visitors, a short queue, and every map kept for whoever looks next."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import streamlit as st

from core.errors import InputError
from core.machine.faults import faults_as_input_errors

if TYPE_CHECKING:
    from core.inspect.activations import Floats

MAX_WAITING = 4
MAX_KEPT = 64  # maps; one of 2,000 images takes 16 kB
ABANDONED_SECONDS = 15.0  # since anybody's page asked how far it is

State = Literal["none", "waiting", "running", "ended", "stopped", "failed"]


class Progress(NamedTuple):
    """How far a map is.

    place: among those that wait, from 1 · step, n_steps: done, and of all; n_steps is 0 before the first one
    seconds_left: None before a pace is known · points (N, 2): of a map that has ended, or as far as it came
    reason: why it failed, a sentence
    """

    state: State = "none"
    place: int = 0
    step: int = 0
    n_steps: int = 0
    seconds_left: float | None = None
    points: Floats | None = None
    reason: str = ""

    @property
    def goes_on(self) -> bool:
        """Whether it changes without anybody asking."""
        return self.state in ("waiting", "running")


@dataclass(eq=False, slots=True)
class _Job:
    """vectors (N, D), None when they are not needed any more · asked_at: of the monotonic clock · first: time and number of the
    first steps, which the pace is counted from, for to find the neighbours takes longer"""

    vectors: Floats | None
    asked_at: float
    state: State = "waiting"
    first: tuple[float, int] = (0.0, 0)
    step: int = 0
    n_steps: int = 0
    points: Floats | None = None
    reason: str = ""
    wants_stop: bool = False

    def should_stop(self) -> bool:
        return self.wants_stop or time.monotonic() - self.asked_at > ABANDONED_SECONDS

    def report(self, step: int, n_steps: int) -> None:
        if not self.step:
            self.first = time.monotonic(), step
        self.step, self.n_steps = step, n_steps

    def seconds_left(self) -> float | None:
        began, first_step = self.first
        if self.step == first_step:
            return None
        return (time.monotonic() - began) / (self.step - first_step) * (self.n_steps - self.step)


class MapJobs:
    """The queue, and the maps that were made; its thread lives as long as there is something to do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: OrderedDict[Hashable, _Job] = OrderedDict()
        self._waiting: list[_Job] = []
        self._thread: threading.Thread | None = None

    def start(self, key: Hashable, vectors: Floats) -> None:
        """Make a map of these vectors (N, D), unless it is there or on its way. Raises InputError when too many wait."""
        with self._lock:
            job = self._jobs.get(key)
            if job and job.state in ("waiting", "running", "ended"):
                return
            if len(self._waiting) >= MAX_WAITING:
                raise InputError(f"{MAX_WAITING} other maps wait already; each takes some seconds")
            job = self._jobs[key] = _Job(vectors, time.monotonic())
            self._jobs.move_to_end(key)
            self._waiting.append(job)
            self._forget_oldest()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="map", daemon=True)
                self._thread.start()

    def stop(self, key: Hashable) -> None:
        """The map stays as far as it came."""
        with self._lock:
            job = self._jobs.get(key)
            if job and job in self._waiting:
                self._waiting.remove(job)
                job.state, job.vectors = "stopped", None
            elif job:
                job.wants_stop = True

    def progress(self, key: Hashable) -> Progress:
        """How far the map is; asking keeps it going."""
        with self._lock:
            job = self._jobs.get(key)
            if job is None:
                return Progress()
            self._jobs.move_to_end(key)
            job.asked_at = time.monotonic()
            left = job.seconds_left()
            place = self._waiting.index(job) + 1 if job in self._waiting else 0
            return Progress(job.state, place, job.step, job.n_steps, left, job.points, job.reason)

    def _forget_oldest(self) -> None:
        for key in [key for key, job in self._jobs.items() if job.state not in ("waiting", "running")]:
            if len(self._jobs) <= MAX_KEPT:
                return
            del self._jobs[key]

    def _work(self) -> None:
        while job := self._next():
            state, reason, points = _made(job)
            with self._lock:
                job.state, job.reason, job.points, job.vectors = state, reason, points, None

    def _next(self) -> _Job | None:
        with self._lock:
            while self._waiting:
                job = self._waiting.pop(0)
                if not job.should_stop():
                    job.state = "running"
                    return job
                job.state, job.vectors = "stopped", None
            self._thread = None
            return None


def _made(job: _Job) -> tuple[State, str, Floats | None]:
    """How a map came to its end, why, and its points."""
    try:
        with faults_as_input_errors():
            from core.inspect.tsne_process import tsne_apart

            assert job.vectors is not None
            points = tsne_apart(job.vectors, job.report, job.should_stop)
    except InputError as error:
        return "failed", str(error), None
    return ("ended" if job.step == job.n_steps else "stopped"), "", points


@st.cache_resource(show_spinner=False)
def map_jobs() -> MapJobs:
    """One for all visitors."""
    return MapJobs()
