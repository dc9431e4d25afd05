"""Children of this process that compute runs, started when runs wait and ended when nobody needs them.

A child loads torch once (2 to 4 s) and then takes run after run. Until it is ready, whoever asked goes on without it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from core.config import Precision
from core.data.paths import runs_root
from core.engine.events import Arrays
from core.engine.speed import precision_of
from core.errors import InputError
from core.machine.child import ROOT
from core.machine.device import resolve_device
from core.machine.processor import n_cores
from core.machine.threads import use_threads
from core.runs.agents import Assignment, ShouldStop, wire
from core.runs.agents.listening import MAX_UNTAKEN_EVENTS, Listening, next_message
from core.runs.agents.shared import Shelf

PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from core.runs.agents.child import main; main()"
IDLE_SECONDS = 120.0  # that a child without work stays
MAX_FAILED_STARTS = 2  # in a row, after which no more are tried
PUT_SECONDS = 0.2  # between two looks whether a child whose events nobody takes was ended


class Measured(NamedTuple):
    """images_per_s: that it learned from · cores: that it had meanwhile, on average"""

    images_per_s: float
    cores: float


class Process:
    """One child. on_news: called, by another thread, whenever it has said something or is gone

    ready: it waits for work, or has some · lost: it is gone, and what it said before it went can still be taken
    machine: see ``Computation``
    """

    def __init__(self, shelf: Shelf, on_news: Callable[[], None]) -> None:
        self.ready = self.lost = False
        self.machine: Mapping[str, Any] = {}
        self.busy: Listening | str | None = None  # what it is at: a run's computation, or measuring an architecture
        self.idle_since = time.monotonic()
        self.messages: queue.Queue[wire.Message] = queue.Queue(MAX_UNTAKEN_EVENTS)
        self._shelf, self._on_news, self._ended = shelf, on_news, False
        self._process = subprocess.Popen(  # noqa: S603 - this program
            [sys.executable, "-c", PROGRAM, str(ROOT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=os.environ | {"DIGIT_LAB_RUNS": str(runs_root().resolve())},
        )  # fmt: skip
        threading.Thread(target=self._listen, name=f"agent-{self._process.pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def n_cores(self) -> int:
        """See ``Agent``."""
        return n_cores()

    @property
    def is_paused(self) -> bool:
        """Whether it holds a paused run."""
        return isinstance(self.busy, Listening) and self.busy.is_paused

    def begin(self, assignment: Assignment, should_stop: ShouldStop) -> Listening:
        """See ``Agent``. Raises OSError where the dataset can not be shared."""
        use_threads(assignment.threads)
        resume = assignment.resume
        with contextlib.suppress(InputError):  # the child finds the same, and its run says so
            # Tried here, where it is remembered: two children that try at once could come to different answers.
            device = resolve_device(assignment.config.training.device)
            precision_of(assignment.config, device, resume.precision if resume else None)
        place = self._shelf.put(assignment.dataset)
        self.busy = computation = Listening(self, should_stop)
        self.say(*wire.assignment_message(assignment, place))
        return computation

    def measure(self, architecture: str, precision: Precision, threads: int, seconds: float) -> None:
        """Let it learn for so long with the architecture's default network; ``measured`` tells how fast."""
        self.busy = architecture
        self.say({
            "do": "measure", "architecture": architecture, "precision": precision, "threads": threads, "seconds": seconds,
        })  # fmt: skip

    def measured(self) -> Measured | None:
        """What it has measured, after which it is free; None before. Raises AgentLost."""
        message = next_message(self)
        if message is None:
            return None
        self.free()
        return Measured(message.values["images_per_s"], message.values["cores"])

    def say(self, values: wire.Values, arrays: Arrays | None = None) -> None:
        """To a child that is gone nothing needs to be said; whoever takes from it hears so."""
        assert self._process.stdin is not None
        if not self._ended:
            with contextlib.suppress(OSError):
                wire.send(self._process.stdin, values, arrays)

    def free(self) -> None:
        """Its run has ended."""
        self.busy, self.idle_since = None, time.monotonic()

    def end(self) -> None:
        """Kill it and wait for its end."""
        self._ended = self.lost = True
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # of a message that nobody read
            self._process.stdin.close()

    def why_lost(self) -> str:
        """In what way a child that is gone has ended, in a sentence."""
        code = self._process.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"The process that computed this run has ended ({how})."

    def _listen(self) -> None:
        assert self._process.stdout is not None
        try:
            with self._process.stdout as stream:
                while not self._ended and (message := wire.receive(stream)) is not None:
                    if message.values["message"] == "ready":
                        self.ready = True
                    else:
                        self._put(message)
                    self._on_news()
        except Exception:  # such as the banner of a library that a child loads before this program
            logging.getLogger(__name__).exception("A process that computes runs said what is no message")
            self._process.kill()
        self.lost = True
        self._on_news()

    def _put(self, message: wire.Message) -> None:
        while not self._ended:
            with contextlib.suppress(queue.Full):
                return self.messages.put(message, timeout=PUT_SECONDS)


class Processes:
    """All children of a worker; used by its thread alone. root: of its store · lease_id: that it holds"""

    def __init__(self, root: Path, lease_id: str, on_news: Callable[[], None]) -> None:
        self._shelf, self._on_news = Shelf(root, lease_id), on_news
        self._children: list[Process] = []
        self._failed_starts = 0

    @property
    def can_start(self) -> bool:
        """Whether children come up on this machine, as far as is known."""
        return self._failed_starts < MAX_FAILED_STARTS

    @property
    def children(self) -> tuple[Process, ...]:
        """Those that were started and not ended."""
        return tuple(self._children)

    def idle(self, promised: Collection[object]) -> Process | None:
        """One that is ready and has no run, nor is promised to one."""
        return next((child for child in self.all_idle() if child not in promised), None)

    def all_idle(self) -> list[Process]:
        """Those that are ready and have nothing to do."""
        return [child for child in self._children if child.ready and not child.lost and not child.busy]

    def grow(self, n: int) -> None:
        """See to it that there are ``n``, those that hold a paused run not counted; who is new takes seconds to be ready."""
        self.tidy(keep=n)
        missing = n - sum(not child.is_paused for child in self._children)
        for _ in range(missing if self.can_start else 0):
            try:
                self._children.append(Process(self._shelf, self._on_news))
            except OSError:  # no more processes, or no memory for one
                self._failed_starts += 1
                return

    def tidy(self, keep: int = 0) -> None:
        """Forget those that are gone, and end those that had no work for long, except for ``keep``."""
        for child in [child for child in self._children if child.lost and not child.busy]:
            child.end()
            self._failed_starts = 0 if child.ready else self._failed_starts + 1
            self._children.remove(child)
        idle = [child for child in self._children if child.ready and not child.busy]
        for child in idle[keep:]:
            if time.monotonic() - child.idle_since > IDLE_SECONDS:
                child.end()
                self._children.remove(child)

    def close(self) -> None:
        """End all."""
        for child in self._children:
            child.end()
        self._children.clear()
        self._shelf.clear()
