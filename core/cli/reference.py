"""``python -m core reference``: train the reference runs that come with Digit Lab."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli import output

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
    parser.add_argument("--out", metavar="FOLDER", help="where to; default where Digit Lab looks for them")


def reference(options: argparse.Namespace) -> int:
    """Train the reference runs one after the other. One that can not be written says why, and the exit code is 1."""
    from core import data
    from core.experiments import reference_runs
    from core.machine.threads import use_training_threads
    from core.runs import shipped, strangeness
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
        for plan in plans:
            for values in reference_runs.make(plan, folder, stop.is_set, only_snapshots=options.only_snapshots):
                output.say(values, options.json, output.reference_line(values))
                if values.get("written") is False:
                    code = output.BAD_RESULT
    return code
