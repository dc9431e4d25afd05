"""t-SNE in a process of its own: beside it in one process, the other threads wait for it each time they take their turn.

    python -m core.inspect.tsne_process FOLDER

is that process. It reads the vectors from the folder, prints the steps done and all steps, a pair a line, stops where a file
says so, and leaves the points.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError
from core.inspect.maps import tsne

if TYPE_CHECKING:
    from core.inspect.activations import Floats

ROOT = Path(__file__).parents[2]
VECTORS, POINTS, STOP, ERRORS = "vectors.npy", "points.npy", "stop", "errors.txt"  # in the folder
NICENESS = 5  # whoever trains or waits for a page comes first, and it still gets on beside them
REFUSED = 2  # exit code: standard error says why in a sentence


def tsne_apart(vectors: Floats, on_step: Callable[[int, int], None], should_stop: Callable[[], bool]) -> Floats:
    """What ``core.inspect.maps.tsne`` gives, and with the same arguments, computed by a process of its own.

    Raises InputError as that does, and when the process ended early.
    """
    with tempfile.TemporaryDirectory(prefix="digit-lab-map-") as name:
        folder = Path(name)
        np.save(folder / VECTORS, vectors)
        command = [sys.executable, "-m", "core.inspect.tsne_process", name]
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        with (folder / ERRORS).open("w", encoding="utf-8") as errors, subprocess.Popen(  # noqa: S603 - this very file
            command, cwd=ROOT, env=os.environ | threads, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            text=True,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            for line in process.stdout:
                step, n_steps = map(int, line.split())
                on_step(step, n_steps)
                if should_stop():
                    (folder / STOP).touch()
        if process.returncode:
            *_, last = ["no reason", *(folder / ERRORS).read_text("utf-8").split("\n")[:-1]]
            raise InputError(last if process.returncode == REFUSED else f"t-SNE ended early ({last})")
        points: Floats = np.load(folder / POINTS)
        return points


def _main(folder: Path) -> int:
    """Make the map of the folder; the exit code."""
    vectors = np.load(folder / VECTORS)
    try:
        points = tsne(vectors, lambda step, n_steps: print(step, n_steps, flush=True), (folder / STOP).exists)
    except InputError as error:
        print(error, file=sys.stderr)
        return REFUSED
    np.save(folder / POINTS, points)
    return 0


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    sys.exit(_main(Path(sys.argv[1])))
