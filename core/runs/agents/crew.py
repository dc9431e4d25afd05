"""Who takes the next run: the thread of the worker, or one of its children.

A run that trains alone stays in the thread, where it begins at once. Where more wait, children are started; until the first is
ready, the thread has one run too, so nobody waits for their start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from core.machine.device import memory_bytes
from core.machine.processor import SideBySide, n_cores
from core.machine.side_by_side import side_by_side
from core.machine.threads import training_threads
from core.runs.agents import Agent
from core.runs.agents.listening import MAX_UNTAKEN_EVENTS
from core.runs.agents.processes import Processes
from core.runs.agents.thread import InThisThread
from core.runs.queries import N_WAITING
from core.runs.store import Store

if TYPE_CHECKING:
    from core.runs.job import Job

PLANNED_FOR = 2  # runs whose memory ``preflight`` always has room for
MEMORY_SHARE = 0.25  # of this machine's memory: what the others may need beside the two largest, and what one may need


class Place(NamedTuple):
    """Who would compute a run, and with how many threads."""

    agent: Agent
    threads: int


class Crew:
    """The agents of one worker. limit: how many runs the thread advances in turn, where there are no children
    n_processes: see ``Worker`` · on_news: called, by another thread, whenever a child has said something"""

    def __init__(
        self, store: Store, lease_id: str, limit: int, n_processes: int | None, on_news: Callable[[], None]
    ) -> None:
        self._store, self._limit, self._thread = store, limit, InThisThread()
        self._plan = _plan(n_processes)
        self._children = Processes(store.root, lease_id, on_news) if self._plan.processes > 1 else None

    @property
    def side_by_side(self) -> SideBySide:
        """How runs train here: with several processes, or in the one thread."""
        return self._plan if self._has_children else SideBySide(1, training_threads())

    @property
    def places(self) -> int:
        """How many runs train side by side."""
        return max(self._limit, self._plan.processes) if self._has_children else self._limit

    def free_place(self, jobs: Sequence[Job]) -> Place | None:
        """Who would compute one more run beside those of ``jobs``; None where no place is free. Raises StorageError."""
        active = [job for job in jobs if not job.waiting and not job.done]
        if len(active) >= self.places:
            return None
        if self._children is None or not self._has_children:
            return Place(self._thread, training_threads())
        n_waiting = self._store.database.read(N_WAITING)[0]["n"]
        if not active and n_waiting <= 1:
            return Place(self._thread, training_threads())
        n_in_thread = sum(job.agent is self._thread for job in active)
        if len(active) >= PLANNED_FOR and not (_has_memory(active) and self._has_cores(active)):
            return None
        self._children.grow(min(self._plan.processes, len(active) - n_in_thread + n_waiting))
        if (child := self._children.idle([job.agent for job in jobs])) is not None:
            return Place(child, self._plan.threads)
        return None if n_in_thread else Place(self._thread, self._plan.threads)

    def events_in_a_row(self, job: Job) -> int:
        """How many events are taken from a run before the next one has its turn: those of a child lie ready, and while the
        thread computes for another run, many come together."""
        return 1 if isinstance(job.agent, InThisThread) else MAX_UNTAKEN_EVENTS

    def tidy(self) -> None:
        """End children that had no work for long."""
        if self._children is not None:
            self._children.tidy()

    def close(self) -> None:
        """End all children."""
        if self._children is not None:
            self._children.close()

    def _has_cores(self, active: Sequence[Job]) -> bool:
        """Whether a core is free for one more. The threads of an operation wait for each other, so a run with several that had
        to share its cores would be held up many times over."""
        most = max(n_cores(), self._plan.processes * self._plan.threads)
        return sum(job.threads for job in active) + self._plan.threads <= most

    @property
    def _has_children(self) -> bool:
        return self._children is not None and self._children.can_start


def _plan(n_processes: int | None) -> SideBySide:
    """n_processes: where somebody says so. Raises ConfigError for a variable out of its range."""
    return side_by_side() if n_processes is None else SideBySide(n_processes, max(1, training_threads() // n_processes))


def _has_memory(active: Sequence[Job]) -> bool:
    """Whether one more run fits, which may need a quarter of this machine's memory. Whoever has not begun is waited for."""
    needed = [job.n_bytes for job in active]
    return all(needed) and sum(needed) <= memory_bytes() * MEMORY_SHARE
