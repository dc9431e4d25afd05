"""Who computes a run: config in, events out.

The background thread (``core.runs.worker``) claims runs, and is the only one that writes what becomes of them. It hands an
``Assignment`` to an ``Agent`` and gets a ``Computation`` back, from which it takes event after event. Three agents do that:

- ``thread.InThisThread`` computes an event whenever one is taken, in the thread that takes it. It starts at once, so it has
  the run that trains alone, and every run where there is one core, a command line, or a GPU.
- ``processes.Process`` is a child of this process, with torch loaded and waiting for work. Its events come back through a pipe
  (``wire``) and lie ready when they are taken. ``processes.Processes`` starts the children, as many as runs wait and cores are
  there, and ends those that nobody needs any more.
- ``ray_cluster.Seat`` is a place on a Ray cluster (``python -m core agent``). ``ray_cluster.Cluster`` knows how much room there
  is; what runs on a node is ``ray_node.Computer``.

All iterate the same generator (``computing.computed``), so equal threads give equal bits, whoever computes.

Three things travel towards an agent: the assignment, whether to stop, and whether to pause. A computation is told of a stop
because it asks before every batch; a pause takes effect at the next event. One agent that is lost (its process was killed, or
its machine is gone) is one run's misfortune: ``take`` raises ``AgentLost``, the run is interrupted and goes on from its last
checkpoint, and nobody else notices. A child ends with the process that started it, however that one dies.

An assignment names its dataset by content (``shared``), and everything that is said in either direction is plain values and
arrays (``wire``), as a pipe and a cluster carry them; nothing is unpickled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from core.config import RunConfig
from core.data.dataset import Dataset
from core.engine.events import Arrays, Checkpoint, Event
from core.errors import RunError
from core.fields import SplitName

if TYPE_CHECKING:  # torch is loaded by the thread that trains
    from core.engine.evaluate import Evaluation

SPLITS: tuple[SplitName, ...] = ("val", "test")  # that a run is evaluated on at its end
ShouldStop = Callable[[], bool]


class AgentLost(RunError):
    """Whoever computed a run is gone. What it told until then is good; the rest is computed again after a resume."""


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """All that has to be known to compute a run.

    dataset: the part that the run knows of, with what it mixes in · resume: the checkpoint to go on from, None for a new run
    start: state dict name -> array, what a new run begins with whose config says ``start_from``
    threads: of each operation; a part of what decides the bits · checkpoint_every: seconds of training
    """

    config: RunConfig
    dataset: Dataset
    resume: Checkpoint | None
    start: Arrays | None
    threads: int
    checkpoint_every: float


class Ended(NamedTuple):
    """The last event of a run, and what its best weights answered; {} where there is nothing to judge."""

    event: Event
    evaluations: Mapping[SplitName, Evaluation]


class Computation(Protocol):
    """One run with one agent; used by one thread.

    machine: what its manifest says of the machine that computes it, where that is another one ("cpu", "versions"), else {}
    """

    @property
    def machine(self) -> Mapping[str, Any]: ...

    def take(self) -> Event | Ended | None:
        """The next event, the last one as ``Ended``; None where none has come yet. Goes on after a ``pause``.

        Raises AgentLost.
        """

    def pause(self) -> list[Event | Ended]:
        """Compute nothing more until something is taken again; returns what was computed and not taken. May be called
        again, for what came late. Raises AgentLost once nothing is left to return."""

    def close(self) -> None:
        """Nothing more is going to be taken; the agent is free for another run."""


class Agent(Protocol):
    """Somebody who computes runs. n_cores: of the machine that computes them"""

    @property
    def n_cores(self) -> int: ...

    def begin(self, assignment: Assignment, should_stop: ShouldStop) -> Computation:
        """should_stop: asked often, by the thread that takes; looks only now and then"""
