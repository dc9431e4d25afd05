"""A process of its own for work that would hold up the other threads of this one, spoken to through a folder and its output.

The module it runs says at its end ``sys.exit(run_child(main))``, where main takes the folder and raises InputError for what it
refuses.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from core.errors import InputError

ROOT = Path(__file__).parents[2]
ERRORS = "errors.txt"  # in the folder
NICENESS = 5  # whoever trains or waits for a page comes first, and it still gets on beside them
REFUSED = 2  # exit code: standard error says why in a sentence


@contextlib.contextmanager
def child(module: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """``python -m module folder`` with one thread, its output to be read line by line; waited for at the end."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    with (folder / ERRORS).open("w", encoding="utf-8") as errors, subprocess.Popen(  # noqa: S603 - a module of this program
        [sys.executable, "-m", module, str(folder)], cwd=ROOT, env=os.environ | threads, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=errors, text=True,
    ) as process:  # fmt: skip
        yield process


def why_ended(process: subprocess.Popen[str], folder: Path, what: str) -> str:
    """Why an ended child failed, in a sentence; "" where it did not. what: that went wrong, where it did not say so itself"""
    if not process.returncode:
        return ""
    *_, last = ["no reason", *(folder / ERRORS).read_text("utf-8").strip().split("\n")]
    return last if process.returncode == REFUSED else f"{what} ({last})"


def run_child(main: Callable[[Path], None]) -> int:
    """What the child's process does; its exit code."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    try:
        main(Path(sys.argv[1]))
    except InputError as error:
        print(error, file=sys.stderr)
        return REFUSED
    return 0
