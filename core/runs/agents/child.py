"""The process of a child: it waits for an assignment or something to measure, computes it, and waits for the next one.

    python -c "…; from core.runs.agents.child import main; main()"

Standard input brings what ``wire`` says, standard output carries the events. At the end of standard input the process that
started this one is gone, however it died, and this one ends at once.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Mapping
from importlib import import_module
from typing import IO, Any

from core.machine.child import NICENESS as STARTING_NICENESS
from core.runs.agents import Ended, wire

CACHED_DATASETS = 2
NICENESS = 15  # of 19, once it is ready: whoever waits for a page comes first


class _Orders:
    """What the other side wants, heard by a thread of its own while this process computes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.assignments: queue.SimpleQueue[wire.Message] = queue.SimpleQueue()
        self.may_compute = threading.Event()
        self.stop = False
        self._stream = stream
        threading.Thread(target=self._listen, name="orders", daemon=True).start()

    def _listen(self) -> None:
        while (message := wire.receive(self._stream)) is not None:
            what = message.values["do"]
            if what == "stop":
                self.stop = True
            if what == "pause":
                self.may_compute.clear()
            else:
                self.may_compute.set()
            if what in ("compute", "measure"):
                self.stop = False  # that one was meant for the run before
                self.assignments.put(message)
        os._exit(0)


def _measured(asked: wire.Values) -> Mapping[str, float]:
    """How fast the default network of an architecture learns in this process, with so many threads, and how many cores it had
    meanwhile: less than one where other programs wanted them, too."""
    from core.config import run_config
    from core.engine.speed import sustained_learning_speed
    from core.machine.threads import use_threads

    use_threads(asked["threads"])
    config = run_config(asked["architecture"], {"precision": asked["precision"]})
    wall, cpu = time.perf_counter(), time.process_time()
    speed = sustained_learning_speed(config, asked["seconds"])
    return {"images_per_s": speed, "cores": (time.process_time() - cpu) / (time.perf_counter() - wall)}


def _give_way(niceness: int) -> None:
    """By so much more. Not all at once: where others compute, loading torch with the last niceness would take a minute."""
    if hasattr(os, "nice"):
        os.nice(niceness)


def main() -> None:
    """Compute runs until nobody wants any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C on a terminal reaches this process too; the other one decides
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints is no message
    orders = _Orders(sys.stdin.buffer)
    _give_way(STARTING_NICENESS)
    import_module("torch._dynamo")  # seconds, which no run is to wait for
    from core.machine.memory import trim_heap
    from core.machine.threads import use_threads
    from core.runs.agents.computing import computed
    from core.runs.agents.shared import dataset_at

    datasets: dict[str, Any] = {}

    def dataset_of(place: Mapping[str, Any]) -> Any:
        key = str(place)
        if key not in datasets:
            datasets[key] = dataset_at(place)
            for old in list(datasets)[:-CACHED_DATASETS]:
                del datasets[old]
        return datasets[key]

    _give_way(NICENESS - STARTING_NICENESS)
    wire.send(output, {"message": "ready"})
    while True:
        message = orders.assignments.get()
        if message.values["do"] == "measure":
            wire.send(output, {"message": "measured", **_measured(message.values)})
            continue
        assignment = wire.assignment_of(message, dataset_of(message.values["dataset"]))
        use_threads(assignment.threads)
        for event in computed(assignment, lambda: orders.stop):
            wire.send(output, *(wire.ended_message(event) if isinstance(event, Ended) else wire.event_message(event)))
            orders.may_compute.wait()
        del message, assignment
        trim_heap()
