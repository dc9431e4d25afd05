"""Forms that take long, made in the background: one at a time for all visitors, and kept for whoever asks next."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import streamlit as st

from core.errors import InputError
from core.export.source import Exported, Source
from core.export.targets import export
from core.machine.faults import faults_as_input_errors
from core.runs.rows import Run
from core.runs.store import Store
from pages.shared.services import store

MAX_WAITING = 4
MAX_KEPT_BYTES = 50_000_000  # of all that was made

State = Literal["none", "waiting", "running", "ended", "stopped", "failed"]
Key = tuple[str, int, str]  # run id, its version, name of the form


class Progress(NamedTuple):
    """How far a form is.

    place: among those that wait, from 1 · words: what is done now · share: of its steps, in [0, 1] · seconds: since it began
    made: once it has ended · reason: why it failed, a sentence
    """

    state: State = "none"
    place: int = 0
    words: str = ""
    share: float = 0.0
    seconds: float = 0.0
    made: Exported | None = None
    reason: str = ""


@dataclass(eq=False, slots=True)
class _Job:
    store: Store
    run: Run
    target: str
    state: State = "waiting"
    words: str = ""
    share: float = 0.0
    began: float = field(default_factory=time.monotonic)
    made: Exported | None = None
    reason: str = ""
    wants_stop: bool = False

    def report(self, words: str, share: float) -> None:
        self.words, self.share = words, share


class ExportJobs:
    """The queue, and what was made; its thread lives as long as there is something to do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: OrderedDict[Key, _Job] = OrderedDict()
        self._waiting: list[_Job] = []
        self._thread: threading.Thread | None = None

    def start(self, run: Run, target: str) -> None:
        """Make this form of a run, unless it is there or on its way. Raises InputError when too many wait."""
        key = (run.run_id, run.version, target)
        with self._lock:
            job = self._jobs.get(key)
            if job and job.state in ("waiting", "running", "ended"):
                return
            if len(self._waiting) >= MAX_WAITING:
                raise InputError(f"{MAX_WAITING} others wait already; each takes up to two minutes")
            job = self._jobs[key] = _Job(store(), run, target)
            self._jobs.move_to_end(key)
            self._waiting.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="export", daemon=True)
                self._thread.start()

    def stop(self, run: Run, target: str) -> None:
        with self._lock:
            job = self._jobs.get((run.run_id, run.version, target))
            if job and job in self._waiting:
                self._waiting.remove(job)
                job.state = "stopped"
            elif job:
                job.wants_stop = True

    def progress(self, run: Run, target: str) -> Progress:
        with self._lock:
            job = self._jobs.get((run.run_id, run.version, target))
            if job is None:
                return Progress()
            place = self._waiting.index(job) + 1 if job in self._waiting else 0
            return Progress(job.state, place, job.words, job.share, time.monotonic() - job.began, job.made, job.reason)

    def _work(self) -> None:
        while job := self._next():
            state, reason, made = _made(job)
            with self._lock:
                job.state, job.reason, job.made = state, reason, made
                self._forget_oldest()

    def _next(self) -> _Job | None:
        with self._lock:
            if not self._waiting:
                self._thread = None
                return None
            job = self._waiting.pop(0)
            job.state, job.began = "running", time.monotonic()
            return job

    def _forget_oldest(self) -> None:
        """Until what was made fits; the newest stays, however large it is."""
        ended = [key for key, job in self._jobs.items() if job.state not in ("waiting", "running")]
        for key in ended[:-1]:
            if sum(_nbytes(job) for job in self._jobs.values()) <= MAX_KEPT_BYTES:
                return
            del self._jobs[key]


def _made(job: _Job) -> tuple[State, str, Exported | None]:
    """How it came to its end, why, and what was made."""
    try:
        with faults_as_input_errors():
            source = Source(job.store, job.run, on_step=job.report, should_stop=lambda: job.wants_stop)
            return "ended", "", export(job.target, source)
    except InputError as error:
        return ("stopped", "", None) if job.wants_stop else ("failed", str(error), None)


def _nbytes(job: _Job) -> int:
    return sum(len(file.content) for file in job.made.files) if job.made else 0


@st.cache_resource(show_spinner=False)
def export_jobs() -> ExportJobs:
    """One for all visitors."""
    return ExportJobs()
