"""``python -m core backup`` and ``restore``: all runs in one file, and back."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.output import say
from core.data.paths import runs_root

if TYPE_CHECKING:
    from core.runs.backup import Backup

BACKUP_HELP = "Copy all runs and their files, also while something trains, into one ZIP file (stored, not compressed)."
RESTORE_HELP = "Put the runs of a backup into an empty folder."


def add_backup_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="the ZIP file to write")
    parser.add_argument("--force", action="store_true", help="replace the file if it is there already")


def add_restore_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="a file that `backup` wrote")
    parser.add_argument("--runs", metavar="FOLDER", type=Path, help="an empty folder; default where runs are kept")


def backup(options: argparse.Namespace) -> int:
    """Of the store that is in use, where DIGIT_LAB_RUNS says."""
    from core.runs.backup import back_up

    return _say(options, "Saved", f"in {options.file}", back_up(runs_root(), options.file, force=options.force))


def restore(options: argparse.Namespace) -> int:
    """Into a folder of its own, or where runs are kept if there are none yet."""
    from core.runs.backup import restore as restore_backup

    root = options.runs or runs_root()
    return _say(options, "Restored", f"to {root}", restore_backup(options.file, root))


def _say(options: argparse.Namespace, verb: str, where: str, saved: Backup) -> int:
    runs = f"{saved.n_runs:,} run{'s' if saved.n_runs != 1 else ''}"
    line = f"{verb} {runs} and {saved.n_files:,} files with weights and answers, {saved.n_bytes:,} bytes, {where}."
    if saved.n_missing:
        line += f" Not among them: {saved.n_missing:,} that the runs name and that were missing or damaged."
    if saved.notice:
        print(saved.notice, file=sys.stderr)
    say(saved._asdict(), options.json, line)
    return 0
