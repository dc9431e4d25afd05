"""The thread that asks computes the run itself, an event at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from core.engine.events import Event
from core.engine.seeds import WithOwnRng
from core.machine.processor import n_cores
from core.machine.threads import use_threads
from core.runs.agents import Assignment, Ended, ShouldStop
from core.runs.agents.computing import computed


class InThisThread:
    """Any number of runs, which are advanced in turn as they are taken from; each under random numbers of its own."""

    @property
    def n_cores(self) -> int:
        """See ``Agent``."""
        return n_cores()

    def begin(self, assignment: Assignment, should_stop: ShouldStop) -> _Computation:
        return _Computation(WithOwnRng(computed(assignment, should_stop)), assignment.threads)


class _Computation:
    machine: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, events: Iterator[Event | Ended], threads: int) -> None:
        self._events, self._threads = events, threads

    def take(self) -> Event | Ended | None:
        use_threads(self._threads)
        return next(self._events)

    def pause(self) -> list[Event | Ended]:
        return []  # nothing is computed but when it is taken

    def close(self) -> None:
        self._events = iter(())
