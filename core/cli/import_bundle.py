"""``python -m core import``: a run that another Digit Lab exported as a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.output import open_store, say
from core.errors import DataError

HELP = "Take in a run that was exported as a bundle, with its weights, answers and everything it told."


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="BUNDLE", type=Path, help="a file that `export --to bundle` wrote")


def import_bundle(options: argparse.Namespace) -> int:
    """Say which run it is, and whether it was here already."""
    from core.machine.threads import use_training_threads
    from core.runs import bundles, imported
    from core.runs.quota import COMMAND_LINE

    try:
        with options.file.open("rb") as stream:
            content = stream.read(bundles.MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"{options.file.name} can not be read: {error.strerror or error}") from None
    use_training_threads()
    store = open_store()
    run_id, is_new = imported.import_bundle(store, content, COMMAND_LINE)
    name = store.run(run_id).name
    words = f"Imported {name}" if is_new else f"{name} is here already, and stays as it is"
    say({"run_id": run_id, "name": name, "is_new": is_new}, options.json, f"{words}; id {run_id}")
    return 0
