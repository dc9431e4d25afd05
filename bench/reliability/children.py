"""Processes to be killed, and the command line in them: forked, so that each begins in milliseconds with torch loaded."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from core import data
from core.cli import output
from core.cli.app import main
from core.machine.threads import use_one_thread
from core.runs import job

PATIENCE_SECONDS = 120.0
POLL_SECONDS = 0.002
CHECKPOINT_SECONDS = 0.05  # of training between two checkpoints: often, so that there is more to tear
CRASHED = 99  # exit code of a child that ended with a traceback


@dataclass
class Child:
    """A process of ours. out, err: files with what it has said so far · code: exit code, minus the number of a signal."""

    pid: int
    out: Path
    err: Path
    code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, None while it lives."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code

    def wait(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Its exit code. Raises TimeoutError, and kills it, when it does not end in time."""
        began = time.monotonic()
        while self.poll() is None:
            if time.monotonic() - began > seconds:
                self.kill()
                raise TimeoutError(f"a process did not end within {seconds:g} s")
            time.sleep(POLL_SECONDS)
        return self.code or 0

    def kill(self) -> int:
        """End it at once, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code or 0

    def lines(self) -> list[dict[str, Any]]:
        """The objects that it printed, one a line; a line that was cut is none."""
        printed = []
        for line in self.out.read_text().splitlines():
            with contextlib.suppress(ValueError):
                printed.append(json.loads(line))
        return printed

    def complaint(self) -> str:
        """The last of what it said on standard error."""
        return self.err.read_text().strip()[-300:]


def can_fork() -> str:
    """Why there are no children here, "" where there are."""
    return "" if hasattr(os, "fork") else "needs an operating system whose processes fork"


@cache
def load_all() -> None:
    """Load in this process, once, what every child would wait for."""
    for name in ("torch._dynamo", "core.cli.output", "core.runs.worker", "core.runs.job", "core.compare.cost"):
        import_module(name)
    use_one_thread()
    data.load("digits")


def fork(work: Callable[[], int | None], place: Path) -> Child:
    """Do some work in a process of its own, which then ends with what it returns as exit code, or 99 after a traceback.

    place: a folder for its output
    """
    load_all()
    place.mkdir(parents=True, exist_ok=True)
    stem = f"child-{time.monotonic_ns()}"
    out, err = place / f"{stem}.out", place / f"{stem}.err"
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    pid = os.fork()
    if pid:
        out.touch()
        err.touch()
        return Child(pid, out, err)
    code = CRASHED
    try:
        sys.stdout, sys.stderr = out.open("a", buffering=1), err.open("a", buffering=1)
        code = work() or 0
    except BaseException:  # noqa: BLE001 - the parent reads it
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)


def command(root: Path, *words: str, before: Callable[[], object] = lambda: None) -> Child:
    """``python -m core WORDS --json`` on a store of its own. before: called in the child first."""

    def work() -> int:
        os.environ["DIGIT_LAB_RUNS"] = str(root)
        job.CHECKPOINT_SECONDS = CHECKPOINT_SECONDS
        output.say_time = lambda *about: None  # to try how long a training takes would take longer than these
        before()
        return main([*words, "--json"])

    return fork(work, root.parent / "said")


@contextlib.contextmanager
def ended(*children: Child) -> Iterator[None]:
    """Whatever happens inside, no child is left behind."""
    try:
        yield
    finally:
        for child in children:
            child.kill()


def wait_for(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Raises TimeoutError when something does not come to be."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(POLL_SECONDS)
