"""``python -m core machine``: how many runs train at a time on this computer, and what that was measured by."""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from core import models
from core.cli.output import BAD_RESULT, say
from core.errors import RunError
from core.machine.processor import PROCESSES

if TYPE_CHECKING:  # the parser does not wait for torch
    from core.machine.processor import SideBySide
    from core.runs.agents.processes import Processes

HELP = "How many runs train at a time on this computer, by architecture, and what was measured for that."
NO_CHOICE = (
    f"There is nothing to measure: with one core, little memory, a GPU, or a number in ${PROCESSES}, how many train at a time "
    "is settled."
)
START_SECONDS = 60.0  # that the processes may take to be ready


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "architectures", nargs="*", metavar="NAME", help="some of those that `architectures` lists; default all"
    )
    parser.add_argument(
        "--measure",
        action="store_true",
        help="measure them now, some seconds each; nothing else should compute meanwhile",
    )


def machine(options: argparse.Namespace) -> int:
    """A line for each way that was measured, and one for what follows from it."""
    from core.machine import throughput

    names = [models.get(name).id for name in options.architectures or models.TABLE]
    code = 0
    if options.measure and throughput.ways():
        code = _measure(names)
    elif options.measure:
        print(NO_CHOICE, file=sys.stderr)
    for name in names:
        for way in throughput.ways():
            if speed := throughput.images_per_s(name, way):
                values = {"architecture": name, **way._asdict(), "images_per_s": speed}
                say(values, options.json, f"{name}: {_words(way)}: {speed:,.0f} images a second")
        plan, times = throughput.plan_for(name)
        why = "not measured" if times is None else f"{times:.2f} times as fast as one after the other"
        values = {"architecture": name, "plan": plan._asdict(), "times": times}
        say(values, options.json, f"{name}: trains {_words(plan)} ({why})")
    return code


def _words(way: SideBySide) -> str:
    return f"{way.processes} at a time, {way.threads} thread{'' if way.threads == 1 else 's'} each"


def _measure(names: list[str]) -> int:
    """Returns the exit code. Raises RunError where no processes come up."""
    from core.machine import throughput
    from core.runs.agents import AgentLost
    from core.runs.agents.measuring import Measurement
    from core.runs.agents.processes import Processes
    from core.runs.lease import Lease

    code, news = 0, threading.Event()
    with (
        tempfile.TemporaryDirectory() as folder,
        Lease(Path(folder)) as lease,
        closing(Processes(Path(folder), lease.id, news.set)) as children,
    ):
        for name in names:
            _start(children, max(way.processes for way in throughput.ways()), news)
            try:
                measurement = Measurement(name, children.all_idle())
                while not measurement.look():
                    news.wait()
                    news.clear()
                why = "" if measurement.is_kept else "Other programs compute on this computer."
            except AgentLost as error:  # killed, or its memory ran out: the others can still be measured
                why = str(error)
            if why:
                print(f"{name}: not measured: {why}", file=sys.stderr)
                code = BAD_RESULT
    return code


def _start(children: Processes, n: int, news: threading.Event) -> None:
    deadline = time.monotonic() + START_SECONDS
    while len(children.all_idle()) < n:
        if time.monotonic() > deadline or not children.can_start:
            raise RunError("The processes that measure could not be started.")
        children.grow(n)
        news.wait(1.0)
        news.clear()
