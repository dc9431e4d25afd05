"""What runs on a node of a Ray cluster: a process that computes one run after the other. No ray in here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from core.errors import DataError
from core.runs.agents import Ended, wire
from core.runs.agents.shared import ARRAYS, content_hash, dataset_of


class Computer:
    """An actor: ``compute`` is one method that tells of a run, ``say`` is heard by another thread meanwhile."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._stopped = self._paused = 0  # numbers of runs; they only grow

    def say(self, number: int, what: str) -> None:
        """Of a run, before it has begun or meanwhile: "stop", "pause" or "go on"."""
        with self._changed:
            self._stopped = number if what == "stop" else self._stopped
            self._paused = number if what == "pause" else 0
            self._changed.notify_all()

    def answer(self) -> None:
        """That it is still there."""

    def compute(self, number: int, assignment: bytes, *arrays: NDArray[Any]) -> Iterator[bytes]:
        """What ``computed`` tells of a run, each event as ``wire.packed`` writes it; before all, what this machine is.

        assignment: as ``wire.assignment_message`` says it, with the hashes of the arrays, which are those of ``shared.ARRAYS``
        Raises DataError where an array is not what its hash says.
        """
        from core.machine.memory import trim_heap
        from core.machine.threads import use_threads
        from core.runs.agents.computing import computed
        from core.runs.manifest import this_machine

        message = wire.unpacked(assignment)
        place = message.values["dataset"]
        for name, array in zip(ARRAYS, arrays, strict=True):
            if content_hash(array) != place["arrays"][name]:
                raise DataError(f"The {name} that came to this node are not those that were sent")
        assigned = wire.assignment_of(message, dataset_of(place, dict(zip(ARRAYS, arrays, strict=True))))
        del message
        use_threads(assigned.threads)
        yield wire.packed({"message": "ready", "machine": this_machine()})
        for event in computed(assigned, lambda: self._stopped >= number):
            yield wire.packed(*(wire.ended_message(event) if isinstance(event, Ended) else wire.event_message(event)))
            with self._changed:
                self._changed.wait_for(lambda: self._paused != number)
        del assigned
        trim_heap()
