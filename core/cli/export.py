"""``python -m core export``: a run or a comparison in a form that other programs read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from core.cli.output import open_store, say
from core.errors import DataError, InputError
from core.export.targets import GROUP_TARGETS, TARGETS

FORMS = (
    "the form: " + "; ".join(f"{name} ({target.title})" for name, target in TARGETS.items())
    + f". A comparison has {', '.join(GROUP_TARGETS)}"
)  # fmt: skip
HELP = "Write a run, or a comparison, in a form that other programs read, such as a Kaggle submission."
MAX_TEST_CSV_BYTES = 100 * 2**20  # as an upload


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_id", metavar="RUN", help="the id of a run, or of a comparison")
    parser.add_argument("--to", required=True, choices=tuple(TARGETS), help=FORMS)
    parser.add_argument("--out", required=True, metavar="DIR", type=Path, help="the folder to write into")
    parser.add_argument(
        "--test-csv", metavar="FILE", type=Path, help="Kaggle's test.csv; default the one in the data folder"
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there already")


def export(options: argparse.Namespace) -> int:
    """Write the files of one form, all or none, and say what is in them."""
    from core.data.paths import write_atomic
    from core.export.source import Source, of_group
    from core.export.targets import export as export_run
    from core.export.targets import export_group
    from core.machine.threads import use_training_threads
    from core.runs.groups import groups

    if options.test_csv is not None and not TARGETS[options.to].needs_test_csv:
        raise InputError(f"--test-csv belongs to {', '.join(name for name in TARGETS if TARGETS[name].needs_test_csv)}")
    use_training_threads()
    store = open_store()
    if options.run_id in {group.group_id for group in groups(store)}:
        made = export_group(options.to, of_group(store, options.run_id))
    else:
        on_step = None if options.json else _say_once()
        source = Source(store, store.run(options.run_id), _test_csv(options.test_csv), on_step=on_step)
        made = export_run(options.to, source)
    paths = [options.out / file.name for file in made.files]
    if not options.force and (there := [path.name for path in paths if path.exists()]):
        raise InputError(f"{', '.join(there)} in {options.out} is there already; --force replaces it")
    for path, file in zip(paths, made.files, strict=True):
        write_atomic(path, file.content)
    values = {"to": options.to, "files": [str(path) for path in paths], **made.figures, "warning": made.warning}
    names = ", ".join(path.name for path in paths)
    say(values, options.json, "\n".join(filter(None, [f"{names} in {options.out}: {made.sentence}", made.warning])))
    return 0


def _say_once() -> Callable[[str, float], None]:
    """What is told what a form that takes long does, and says it as it begins."""
    before = ""

    def say_step(words: str, _share: float) -> None:
        nonlocal before
        if words != before:
            before = words
            print(f"{words} …", file=sys.stderr)

    return say_step


def _test_csv(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_TEST_CSV_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path.name} can not be read: {error.strerror or error}") from None
