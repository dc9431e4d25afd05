"""A process on a node of a Ray cluster, seen from here: it computes one run after the other."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from core.engine.events import Checkpoint, Stopped
from core.runs.agents import Assignment, Ended, wire
from core.runs.agents.listening import MAX_UNTAKEN_EVENTS
from core.runs.agents.ray_node import Computer

COMPUTING, ORDERS = "computing", "orders"  # the two threads of an actor
START_SECONDS = 10.0  # that a run which is to stop may take to begin; then it ends without
SILENT_SECONDS = 3.0  # without an event, after which an actor is asked whether it is still there
ANSWER_SECONDS = 5.0  # in which it answers, or counts as gone
PUT_SECONDS = 0.2  # between two looks whether an actor whose events nobody takes was ended
MAX_REASON_LENGTH = 300  # letters of what Ray says when an actor is gone


class Demand(NamedTuple):
    """What a run asks of the cluster."""

    cpus: int
    gpus: int


class Actor:
    """A process on a node, seen from here; a ``listening.Speaker``.

    demand: what it has of the cluster · idle_since: of the monotonic clock
    reason: why it is gone, a sentence; "" while it is there, and where it was told to end
    on_news: called, by another thread, whenever it has said something or is gone · on_free: called when its run has ended
    """

    def __init__(self, ray: Any, demand: Demand, on_news: Callable[[], None], on_free: Callable[[Actor], None]) -> None:
        self.demand, self.lost, self.idle_since = demand, False, time.monotonic()
        self.machine: Mapping[str, Any] = {}
        self.messages: queue.Queue[wire.Message] = queue.Queue(MAX_UNTAKEN_EVENTS)
        self.reason, self._number, self._ray, self._on_news, self._on_free = "", 0, ray, on_news, on_free
        self._resume: Checkpoint | None = None
        self._listener: threading.Thread | None = None
        remote = ray.remote(concurrency_groups={COMPUTING: 1, ORDERS: 1})(Computer)
        self._handle = remote.options(
            num_cpus=demand.cpus, num_gpus=demand.gpus, max_restarts=0, max_task_retries=0, scheduling_strategy="SPREAD"
        ).remote()

    def compute(self, assignment: Assignment, place: Mapping[str, Any], references: Sequence[Any]) -> None:
        """Send a run; it begins as soon as the cluster has room for this actor. place, references: see ``Cluster.send``"""
        self._number, self._resume = self._number + 1, assignment.resume
        content = wire.packed(*wire.assignment_message(assignment, place))
        events = self._handle.compute.options(
            num_returns="streaming", concurrency_group=COMPUTING, _generator_backpressure_num_objects=MAX_UNTAKEN_EVENTS
        ).remote(self._number, content, *references)
        self._listener = threading.Thread(target=self._listen, args=(events,), name="ray-events", daemon=True)
        self._listener.start()

    def answers(self) -> bool:
        """Whether it is still there; not to be asked before it has begun. Waits for the answer."""
        try:
            self._ray.get(self._handle.answer.options(concurrency_group=ORDERS).remote(), timeout=ANSWER_SECONDS)
        except self._ray.exceptions.RayError:
            return False
        return True

    def say(self, values: wire.Values) -> None:
        """See ``Speaker``."""
        self._handle.say.options(concurrency_group=ORDERS).remote(self._number, values["do"])
        if values["do"] == "stop" and not self.machine:
            timer = threading.Timer(START_SECONDS, self._give_up, args=(self._number,))
            timer.daemon = True
            timer.start()

    def end(self) -> None:
        """See ``Speaker``."""
        self.lost = True
        self._ray.kill(self._handle)

    def leave(self) -> None:
        """Kill it, and wait until nobody listens to it any more."""
        self.end()
        if self._listener is not None:
            self._listener.join(ANSWER_SECONDS)

    def free(self) -> None:
        """See ``Speaker``."""
        self.idle_since = time.monotonic()
        self._on_free(self)

    def why_lost(self) -> str:
        """See ``Speaker``."""
        return self.reason or "The process that computed this run was told to end."

    def _listen(self, events: Any) -> None:
        """Put everything into ``messages`` that the stream of one run brings."""
        ended = False
        try:
            for message in self._heard(events):
                ended = message.values["message"] == "ended"
                if message.values["message"] == "ready":
                    self.machine = message.values["machine"]
                else:
                    self._put(message)
                    self._on_news()
        except Exception as error:  # noqa: BLE001 - whatever Ray says of an actor that is gone
            if not self.lost:
                self.reason = f"The process on the cluster that computed this run is gone ({in_short(error)})."
        if not ended:
            self.lost = True
            self._on_news()

    def _heard(self, events: Any) -> Iterator[wire.Message]:
        """What a stream of Ray brings. Where a node is lost, Ray may wait for ever for what it had to say, so it is asked."""
        while not self.lost:
            if not self._ray.wait([events], timeout=SILENT_SECONDS, fetch_local=False)[0]:
                self._check()
                continue
            try:
                reference = next(events)
            except StopIteration:
                return
            while True:
                try:
                    yield wire.unpacked(self._ray.get(reference, timeout=SILENT_SECONDS))
                    break
                except self._ray.exceptions.GetTimeoutError:
                    self._check()

    def _check(self) -> None:
        """Raises TimeoutError where it has begun and is there no more."""
        if self.machine and not self.answers():
            raise TimeoutError("It does not answer")

    def _put(self, message: wire.Message) -> None:
        while not self.lost:
            with contextlib.suppress(queue.Full):
                return self.messages.put(message, timeout=PUT_SECONDS)

    def _give_up(self, number: int) -> None:
        """Nobody on the cluster has begun the run that is to stop: it stays as its last checkpoint left it."""
        if number != self._number or self.machine or self.lost:
            return
        at = self._resume
        stopped = Stopped(at.epoch, at.step, at.seconds, at.best_epoch) if at else Stopped(0, 0, 0.0, 0)
        self.messages.put(wire.ended_message(Ended(stopped, {})))
        self.end()


def in_short(error: Exception) -> str:
    """What kind of error, and the line in which Ray says what it is; of one on a node, what happened there."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    line = lines[-1] if "Traceback" in str(error) else lines[0]
    return f"{type(error).__name__}: {line.rstrip('.')[:MAX_REASON_LENGTH]}"
