"""A Ray cluster that computes runs: who takes the next run is decided by the room that there is, and where by Ray.

A run is computed by an actor, a process on some node (``ray_node.Computer``), which asks Ray for as many cores as the run has
threads, or for one GPU. Its events come back as a stream of bytes; a stop and a pause are calls to the same actor. The code of
this program travels to the nodes when the cluster is joined, a dataset once by its content, through Ray's object store. An
actor that has no run for half a minute ends. Nothing is tried twice: where an actor or its node is lost, the run is
interrupted, and goes on from its last checkpoint when somebody asks for it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from core.data.dataset import Dataset
from core.errors import InputError
from core.machine.processor import SideBySide, wanted_threads
from core.runs.agents import Assignment, ShouldStop
from core.runs.agents.crew import Place
from core.runs.agents.listening import MAX_UNTAKEN_EVENTS, Listening
from core.runs.agents.ray_actor import Actor, Demand, in_short
from core.runs.agents.ray_connection import connected
from core.runs.agents.shared import ARRAYS, content_hash, words_of
from core.runs.queries import NEXT
from core.runs.store import Store

if TYPE_CHECKING:
    from core.runs.job import Job

LOOK_SECONDS = 1.0  # between two looks at what nodes there are
IDLE_SECONDS = 30.0  # that an actor without a run keeps its place
MAX_FAILED_STARTS = 2  # in a row, after which no more are tried
MAX_OBJECTS = 24  # arrays in the object store: those of four datasets


class Room(NamedTuple):
    """What the living nodes have together; largest: the cores of the largest one."""

    cpus: int
    gpus: int
    largest: int


def room_of(nodes: Iterable[Mapping[str, Any]]) -> Room:
    """nodes: as ``ray.nodes`` describes them"""
    resources = [node["Resources"] for node in nodes if node["Alive"]]
    cpus = [int(one.get("CPU", 0)) for one in resources]
    return Room(sum(cpus), sum(int(one.get("GPU", 0)) for one in resources), max(cpus, default=0))


def demand_of(device: str, threads: int, room: Room) -> Demand:
    """A GPU for a run that may use one, where there are any; else a core for each thread, as far as one node has them."""
    if room.gpus and device in ("auto", "cuda"):
        return Demand(0, 1)
    return Demand(min(threads, room.largest or threads), 0)


class Cluster:
    """The agents of one worker. Raises InputError where ray is not installed, or no cluster answers at the address.

    address: "auto" for the cluster of this machine, or HOST:PORT
    on_news: called, by another thread, whenever a node has said something · failure: why no more runs are taken, else ""
    """

    def __init__(self, store: Store, address: str) -> None:
        self.on_news: Callable[[], None] = lambda: None
        self.failure = ""
        self._ray = connected(address)
        self._store, self._threads = store, wanted_threads() or 1
        self._objects: dict[str, Any] = {}  # content hash -> reference
        self._idle: list[Actor] = []
        self._busy: list[Actor] = []
        self._failed_starts = 0
        self._room, self._looked_at = room_of(self._ray.nodes()), time.monotonic()

    @property
    def room(self) -> Room:
        """As it was at most a second ago."""
        if time.monotonic() - self._looked_at >= LOOK_SECONDS and not self.failure:
            try:
                self._room, self._looked_at = room_of(self._ray.nodes()), time.monotonic()
            except self._ray.exceptions.RayError as error:
                self.failure = f"The cluster can not be reached any more: {in_short(error)}"
        return self._room

    @property
    def side_by_side(self) -> SideBySide:
        return SideBySide(self.places, self._threads)

    @property
    def places(self) -> int:
        """How many runs train side by side."""
        return self.room.cpus // self._threads + self.room.gpus

    def free_place(self, jobs: Sequence[Job]) -> Place | None:
        """A seat for the next run of the queue beside those of ``jobs``; None where the cluster has no room for it. What others
        compute there is not looked at: then Ray lets the run wait. Raises StorageError."""
        if self.failure or not (rows := self._store.database.read(NEXT)):
            return None
        room, demands = self.room, [job.agent.demand for job in jobs if isinstance(job.agent, Seat)]
        demand = demand_of(self._device(rows[0]["run_id"]) if room.gpus else "cpu", self._threads, room)
        if sum(one.cpus for one in demands) + demand.cpus > room.cpus:
            return None
        if sum(one.gpus for one in demands) + demand.gpus > room.gpus:
            return None
        return Place(Seat(self, demand), self._threads)

    def events_in_a_row(self, job: Job) -> int:
        """How many events are taken from a run before the next one has its turn."""
        return MAX_UNTAKEN_EVENTS

    def send(self, demand: Demand, assignment: Assignment) -> Actor:
        """Have a run computed."""
        place, references = self._put(assignment.dataset)
        actor = self._actor(demand)
        actor.compute(assignment, place, references)
        return actor

    def measure(self, jobs: Sequence[Job]) -> None:
        """Nothing: how many train at a time follows from the cores and GPUs of the nodes."""

    def tidy(self) -> None:
        """End actors that had no run for long."""
        for actor in [actor for actor in self._idle if time.monotonic() - actor.idle_since > IDLE_SECONDS]:
            actor.end()
            self._idle.remove(actor)

    def close(self) -> None:
        """End all actors, and leave the cluster; may be called twice."""
        for actor in [*self._idle, *self._busy]:
            actor.leave()
        self._idle, self._busy = [], []
        self._ray.shutdown()

    def _actor(self, demand: Demand) -> Actor:
        """One with these resources that has no run; those with other ones, and those that are gone, give theirs back."""
        actor = None
        while self._idle and actor is None:
            idle = self._idle.pop()
            if idle.demand == demand and idle.answers():
                actor = idle
            else:
                idle.end()
        self._busy.append(actor or Actor(self._ray, demand, lambda: self.on_news(), self._freed))
        return self._busy[-1]

    def _put(self, dataset: Dataset) -> tuple[dict[str, Any], list[Any]]:
        """The dataset in the object store, every array once: what an assignment says of it, and the references."""
        hashes = {name: content_hash(getattr(dataset, name)) for name in ARRAYS}
        references = [self._reference(hashes[name], getattr(dataset, name)) for name in ARRAYS]
        for old in list(self._objects)[:-MAX_OBJECTS]:
            del self._objects[old]  # stays there as long as an actor uses it
        return {**words_of(dataset), "arrays": hashes}, references

    def _freed(self, actor: Actor) -> None:
        """Its run has ended, or it was lost."""
        self._busy.remove(actor)
        if not actor.lost:
            self._idle.append(actor)
        self._failed_starts = 0 if actor.machine else self._failed_starts + bool(actor.reason)
        if self._failed_starts >= MAX_FAILED_STARTS:
            self.failure = f"No run begins on this cluster. {actor.reason}"

    def _device(self, run_id: str) -> str:
        """What a run says of its device; a run that is damaged needs none."""
        with contextlib.suppress(InputError):
            return self._store.run(run_id).run_config().training.device
        return "cpu"

    def _reference(self, name: str, array: NDArray[Any]) -> Any:
        self._objects[name] = self._objects.pop(name, None) or self._ray.put(array)
        return self._objects[name]


class Seat:
    """The agent of one run. demand: what it takes of the room"""

    def __init__(self, cluster: Cluster, demand: Demand) -> None:
        self.demand = demand
        self._cluster = cluster

    @property
    def n_cores(self) -> int:
        """See ``Agent``: of the largest node."""
        return self._cluster.room.largest

    def begin(self, assignment: Assignment, should_stop: ShouldStop) -> Listening:
        """See ``Agent``."""
        self.demand = demand_of(assignment.config.training.device, assignment.threads, self._cluster.room)
        return Listening(self._cluster.send(self.demand, assignment), should_stop)
