"""What idle children measure: how many images of an architecture they learn from a second, together, each way in turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from core.config import Precision, run_config
from core.engine.speed import precision_of
from core.machine import throughput
from core.machine.device import resolve_device
from core.machine.processor import SideBySide
from core.machine.threads import use_threads
from core.runs.agents import AgentLost
from core.runs.agents.processes import Process

MEASURED_SECONDS = 0.7  # of one way, in each child; building the network comes on top
MIN_CORES = 0.85  # that a child had: with less, other programs compute here, and what was measured says nothing
ROUNDS = 2  # of all ways in turn, of which the faster counts: whatever else this machine did meanwhile only takes away


class Measurement:
    """One architecture in every way (``throughput.ways``); used by the thread of the worker, which never waits for it. Where
    other programs compute here, nothing comes of it.

    children: idle ones, as many as the way with the most processes has. One that is lost ends the measurement.
    is_kept: whether it came to its end
    """

    def __init__(self, architecture: str, children: Sequence[Process]) -> None:
        self.architecture = architecture
        self._children = children
        self._left: list[SideBySide] = list(throughput.ways()) * ROUNDS
        self._waiting_for: list[Process] = []
        self._speeds: dict[SideBySide, float] = defaultdict(float)  # images per second, the best of the rounds
        self._way, self._sum = SideBySide(1, 1), 0.0  # what is measured now
        self._is_given_up = self.is_kept = False
        self._precision = _precision(architecture)

    def give_up(self) -> None:
        """A run begins: what is measured beside it says nothing. Children that are at it end their turn."""
        self._is_given_up = True

    def look(self) -> bool:
        """Take what has been measured, and begin the next way; whether all is over. Raises AgentLost."""
        try:
            self._take()
        except AgentLost:
            for child in self._waiting_for:
                child.end()
                child.free()
            raise
        if self._waiting_for:
            return False
        if self._is_given_up:
            return True
        self._speeds[self._way] = max(self._speeds[self._way], self._sum)
        if not self._left:
            for way in throughput.ways():
                throughput.remember_images_per_s(self.architecture, way, self._speeds[way])
            self.is_kept = True
            return True
        self._way, self._sum = self._left.pop(0), 0.0
        self._waiting_for = list(self._children[: self._way.processes])
        for child in self._waiting_for:
            child.measure(self.architecture, self._precision, self._way.threads, MEASURED_SECONDS)
        return False

    def _take(self) -> None:
        for child in list(self._waiting_for):
            measured = child.measured()
            if measured is not None:
                self._sum += measured.images_per_s
                self._is_given_up |= measured.cores < MIN_CORES
                self._waiting_for.remove(child)


def _precision(architecture: str) -> Precision:
    """Found out here, where it is remembered: children that try at once could come to different answers."""
    use_threads(throughput.plans()[0].threads)
    config = run_config(architecture, {})
    return precision_of(config, resolve_device(config.training.device))
