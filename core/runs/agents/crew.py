"""Who takes the next run: the thread of the worker, or one of its children.

A run that trains alone stays in the thread, where it begins at once. Where more wait, children are started, unless all are
over before one would be ready (``short_runs``); until the first is ready, the thread has one run too, so nobody waits for their
start. How many train at a time is a matter of the architecture: today's rule (cores and memory), or what idle children have
measured after a race (``measuring``).
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from core.config import RunConfig
from core.data.dataset import Dataset
from core.errors import InputError
from core.machine import throughput
from core.machine.device import memory_bytes
from core.machine.faults import faults_as_input_errors
from core.machine.processor import SideBySide, n_cores
from core.machine.side_by_side import planned, side_by_side
from core.machine.threads import training_threads
from core.runs.agents import Agent, AgentLost
from core.runs.agents.listening import MAX_UNTAKEN_EVENTS
from core.runs.agents.measuring import Measurement
from core.runs.agents.processes import Processes
from core.runs.agents.short_runs import ShortRuns
from core.runs.agents.thread import InThisThread
from core.runs.queries import N_WAITING, NEXT
from core.runs.schema import StorageError
from core.runs.store import Store

if TYPE_CHECKING:
    from core.runs.job import Job

PLANNED_FOR = 2  # runs whose memory ``preflight`` always has room for
IDLE_SECONDS = 5.0  # without a run before something is measured
MEMORY_SHARE = 0.25  # of this machine's memory: what the others may need beside the two largest, and what one may need


class Place(NamedTuple):
    """Who would compute a run, and with how many threads."""

    agent: Agent
    threads: int


class Waiting(NamedTuple):
    """The runs that nobody has taken yet: how many, and the settings of the next, None where it has none that can be read."""

    n: int
    config: RunConfig | None


class Crew:
    """The agents of one worker. lease_id: that it holds · load_dataset: see ``Worker``
    limit: how many runs the thread advances in turn, where there are no children · n_processes: see ``Worker``
    waiting: which runs wait · on_news: called, by another thread, whenever a child has said something
    """

    def __init__(
        self, store: Store, lease_id: str, load_dataset: Callable[[str], Dataset], limit: int, n_processes: int | None,
        waiting: Callable[[], Waiting], on_news: Callable[[], None],
    ) -> None:  # fmt: skip
        self._limit, self._thread, self._waiting = limit, InThisThread(), waiting
        self._plan, self._is_fixed = _plan(n_processes), n_processes is not None
        self._children = Processes(store.root, lease_id, on_news) if self._plan.processes > 1 else None
        self._short_runs = ShortRuns(load_dataset)
        self._measurement: Measurement | None = None
        self._unmeasured: set[str] = set()  # architectures, looked up once
        self._to_measure: list[str] = []  # of them, those of which several runs trained at a time
        self._plans: dict[str, SideBySide] = {}  # by architecture, looked up once
        self._idle_since = time.monotonic()

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
        waiting = self._waiting()
        if not active and waiting.n <= 1:
            return Place(self._thread, training_threads())
        are_short = waiting.config is not None and self._short_runs.are_short(waiting.config, waiting.n)
        plan = (
            self._plan
            if waiting.config is None
            else self._plan_for(waiting.config.architecture, to_measure=not are_short)
        )
        n_in_thread = sum(job.agent is self._thread for job in active)
        if plan.processes == 1:
            place = Place(self._thread, plan.threads)
            is_free = n_in_thread < self._limit and (
                n_in_thread == len(active) or self._has_cores(active, plan.threads)
            )
            return place if is_free else None
        if len(active) >= max(PLANNED_FOR, plan.processes):
            return None
        if len(active) >= PLANNED_FOR and not (_has_memory(active) and self._has_cores(active, plan.threads)):
            return None
        if not are_short:
            self._children.grow(min(plan.processes, len(active) - n_in_thread + waiting.n))
        if (child := self._children.idle([job.agent for job in jobs])) is not None:
            return Place(child, plan.threads)
        return None if n_in_thread else Place(self._thread, plan.threads)

    def events_in_a_row(self, job: Job) -> int:
        """How many events are taken from a run before the next one has its turn: those of a child lie ready, and while the
        thread computes for another run, many come together."""
        return 1 if isinstance(job.agent, InThisThread) else MAX_UNTAKEN_EVENTS

    def measure(self, jobs: Sequence[Job]) -> None:
        """Where nothing trains for a while after several runs did, let the children measure how many at a time is best; a
        measurement ends as soon as there is something to train. Called often; waits for nothing."""
        if jobs:
            self._idle_since = time.monotonic()
        if self._measurement is None and self._to_measure and time.monotonic() - self._idle_since >= IDLE_SECONDS:
            self._begin_measurement()
        if self._measurement is None:
            return
        if jobs:
            self._measurement.give_up()
        try:
            if self._measurement.look():
                self._measurement = None
                self._plans.clear()
        except AgentLost:
            logging.getLogger(__name__).exception("How many train at a time could not be measured")
            self._measurement = None

    def _begin_measurement(self) -> None:
        """As soon as there are as many children as ever train at a time."""
        assert self._children is not None
        self._children.grow(self._plan.processes)
        children = self._children.all_idle()
        if len(children) >= self._plan.processes:
            with contextlib.suppress(InputError), faults_as_input_errors():  # which logs it: today's rule stays
                self._measurement = Measurement(self._to_measure.pop(), children)
        elif not self._children.can_start:
            self._to_measure.clear()

    def tidy(self) -> None:
        """End children that had no work for long."""
        if self._children is not None:
            self._children.tidy()

    def close(self) -> None:
        """End all children."""
        if self._children is not None:
            self._children.close()

    def _plan_for(self, architecture: str, *, to_measure: bool) -> SideBySide:
        """How its runs train here. to_measure: where that is not known, it is to be measured later"""
        if self._is_fixed:
            return self._plan
        if architecture not in self._plans:
            self._plans[architecture] = throughput.plan_for(architecture).plan
            if not throughput.is_measured(architecture):
                self._unmeasured.add(architecture)
        if to_measure and architecture in self._unmeasured:
            self._unmeasured.remove(architecture)
            self._to_measure.append(architecture)
        return self._plans[architecture]

    def _has_cores(self, active: Sequence[Job], threads: int) -> bool:
        """Whether a core is free for one more. The threads of an operation wait for each other, so a run with several that had
        to share its cores would be held up many times over."""
        most = max(n_cores(), self._plan.processes * self._plan.threads)
        return sum(job.threads for job in active) + threads <= most

    @property
    def _has_children(self) -> bool:
        return self._children is not None and self._children.can_start


def _plan(n_processes: int | None) -> SideBySide:
    """n_processes: where somebody says so. Raises ConfigError for a variable out of its range."""
    return side_by_side() if n_processes is None else planned(n_processes)


def _has_memory(active: Sequence[Job]) -> bool:
    """Whether one more run fits, which may need a quarter of this machine's memory. Whoever has not begun is waited for."""
    needed = [job.n_bytes for job in active]
    return all(needed) and sum(needed) <= memory_bytes() * MEMORY_SHARE


def waiting_in(store: Store) -> Callable[[], Waiting]:
    """The queue of a store, looked at whenever it is asked. Raises StorageError then."""
    configs: dict[str, RunConfig | None] = {}  # of the next run alone: its settings do not change

    def look() -> Waiting:
        n = store.database.read(N_WAITING)[0]["n"]
        run_id = next((row["run_id"] for row in store.database.read(NEXT)), None) if n else None
        if run_id is None:
            return Waiting(n, None)
        if run_id not in configs:
            configs.clear()
            configs[run_id] = settings_of(store, run_id)
        return Waiting(n, configs[run_id])

    return look


def settings_of(store: Store, run_id: str) -> RunConfig | None:
    """None where they are damaged. Raises StorageError."""
    try:
        return store.run(run_id).run_config()
    except StorageError:
        raise
    except InputError:  # damaged, which is said when it is taken
        return None
