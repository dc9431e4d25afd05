"""``python -m core reference``: train the reference runs that come with Digit Lab."""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli import flags, output

if TYPE_CHECKING:
    from core.machine.processor import SideBySide

ROOT = Path(__file__).parents[2]  # holds the package
POLL_SECONDS = 0.2  # between two looks whether to stop
HELP = "Train the reference runs that come with Digit Lab, and write their files."


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", metavar="NAMES", default="", help="some of them, separated by commas; default all")
    parser.add_argument(
        "--only-snapshots", action="store_true",
        help="leave the runs as they are, and add the weights that they had on the way to theirs",
    )  # fmt: skip
    parser.add_argument(
        "--answers", action="store_true", help="train none; only write what those that are there answer"
    )
    parser.add_argument(
        "--layers",
        action="store_true",
        help="train none; only write what the layers of those that are there make of the digits that come with Digit Lab",
    )
    parser.add_argument(
        "--strangers", action="store_true",
        help="train none; only write what tells drawings of no digit by the layers of the one called cnn (needs MNIST)",
    )  # fmt: skip
    flags.add_processes(parser)
    parser.add_argument("--out", metavar="FOLDER", help="where to; default where Digit Lab looks for them")


def reference(options: argparse.Namespace) -> int:
    """Train the reference runs. One that can not be written says why, and the exit code is 1."""
    from core import data
    from core.experiments import reference_runs
    from core.machine.side_by_side import planned, side_by_side
    from core.machine.threads import use_training_threads
    from core.runs import shipped, strangeness, together
    from core.runs.shipped import shipped_root

    only = [name for name in options.only.split(",") if name]
    folder = Path(options.out) if options.out else shipped_root()
    use_training_threads()
    if options.answers:
        for name in only or shipped.names(folder):
            if n_bytes := shipped.write_answers(folder, name, data.load):
                output.say(
                    {"answers": name, "bytes": n_bytes}, options.json, f"{name}: {n_bytes:,} bytes of answers written"
                )
        return 0
    if options.layers:
        for name in only or shipped.names(folder):
            n_bytes = shipped.write_first_looks(folder, name)
            output.say({"layers": name, "bytes": n_bytes}, options.json, f"{name}: {n_bytes:,} bytes of layers written")
        return 0
    if options.strangers:
        n_bytes = strangeness.write(folder, data.load)
        output.say(
            {"strangeness": strangeness.NAME, "bytes": n_bytes}, options.json,
            f"{strangeness.NAME}: {n_bytes:,} bytes that tell drawings of no digit written",
        )  # fmt: skip
        return 0
    plans = reference_runs.plan(only)
    if options.only_snapshots:
        plans = [plan for plan in plans if plan.n_snapshots]
    code = 0
    with output.stop_on_signal() as stop:
        if together.gain([plan.config for plan in plans], data.load, options.processes):
            at_a_time = planned(options.processes) if options.processes else side_by_side()
            return _make_together([plan.name for plan in plans], folder, at_a_time, options, stop)
        for plan in plans:
            for values in reference_runs.make(plan, folder, stop.is_set, only_snapshots=options.only_snapshots):
                output.say(values, options.json, output.reference_line(values))
                if values.get("written") is False:
                    code = output.BAD_RESULT
    return code


def _make_together(
    names: Sequence[str], folder: Path, at_a_time: SideBySide, options: argparse.Namespace, stop: threading.Event
) -> int:
    """Each by a process of its own that runs this very command for it alone; what they say comes out as it is said."""
    from core.experiments import reference_runs

    words = [
        "-m", "core", "reference", "--json", "--processes", "1", "--out", str(folder.resolve()),
        *(["--only-snapshots"] if options.only_snapshots else []), "--only",
    ]  # fmt: skip
    paths = filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))
    environment = os.environ | {"DIGIT_LAB_THREADS": str(at_a_time.threads), "PYTHONPATH": os.pathsep.join(paths)}
    left, code, is_stopping = list(names), 0, False
    heard: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()  # name -> a line of it, "" at its end
    processes: dict[str, subprocess.Popen[str]] = {}
    while left or processes:
        while left and len(processes) < at_a_time.processes:
            name = left.pop(0)
            processes[name] = subprocess.Popen(  # noqa: S603 - this program
                [sys.executable, *words, name], stdout=subprocess.PIPE, text=True, env=environment
            )
            threading.Thread(target=_listen, args=(name, processes[name], heard), daemon=True).start()
        if stop.is_set() and not is_stopping:
            is_stopping, code = True, output.BAD_RESULT
            for process in processes.values():
                process.terminate()
            for name in left:
                values = {"reference": name, "written": False, "reason": reference_runs.STOPPED_BEFORE}
                output.say(values, options.json, output.reference_line(values))
            left.clear()
        try:
            name, line = heard.get(timeout=POLL_SECONDS)
        except queue.Empty:
            continue
        if line:
            values = json.loads(line)
            output.say(values, options.json, output.reference_line(values))
            continue
        ended = processes.pop(name).wait()
        if ended not in (0, output.BAD_RESULT):
            print(f"{name}: not written, because its process has ended with code {ended}", file=sys.stderr)
        code = code or min(1, abs(ended))
    return code


def _listen(name: str, process: subprocess.Popen[str], heard: queue.SimpleQueue[tuple[str, str]]) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            heard.put((name, line))
    heard.put((name, ""))
