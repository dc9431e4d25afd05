"""``python -m core import``: a run or a comparison that another Digit Lab exported as a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.output import open_store, say
from core.errors import DataError

HELP = (
    "Take in a run, or a comparison, that was exported as a bundle, with weights, answers and everything that was told."
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="BUNDLE", type=Path, help="a file that `export --to bundle` wrote")


def import_bundle(options: argparse.Namespace) -> int:
    """Say which run or comparison it is, and whether it was here already."""
    from core.compare.taken_in import take_in
    from core.machine.threads import use_training_threads
    from core.runs import bundles
    from core.runs.quota import COMMAND_LINE

    try:
        with options.file.open("rb") as stream:
            content = stream.read(bundles.MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"{options.file.name} can not be read: {error.strerror or error}") from None
    use_training_threads()
    store = open_store()
    taken = take_in(store, content, COMMAND_LINE)
    if taken.run_id:
        name, is_new = store.run(taken.run_id).name, bool(taken.n_new)
        words = f"Imported {name}" if is_new else f"{name} is here already, and stays as it is"
        say({"run_id": taken.run_id, "name": name, "is_new": is_new}, options.json, f"{words}; id {taken.run_id}")
        return 0
    values = {"group_id": taken.group_id, "name": taken.name, "runs": taken.n_runs, "new_runs": taken.n_new}
    words = f"Imported {taken.name} with {taken.n_new:,} of its {taken.n_runs:,} runs"
    say(values, options.json, f"{words}; the others were here already" if taken.n_new < taken.n_runs else words)
    return 0
