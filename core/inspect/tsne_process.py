"""t-SNE in a process of its own: beside it in one process, the other threads wait for it each time they take their turn.

    python -m core.inspect.tsne_process FOLDER

is that process. It reads the vectors from the folder, prints the steps done and all steps, a pair a line, stops where a file
says so, and leaves the points.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError
from core.inspect.maps import tsne
from core.machine.child import child, run_child, why_ended

if TYPE_CHECKING:
    from core.inspect.activations import Floats

VECTORS, POINTS, STOP = "vectors.npy", "points.npy", "stop"  # in the folder


def tsne_apart(vectors: Floats, on_step: Callable[[int, int], None], should_stop: Callable[[], bool]) -> Floats:
    """What ``core.inspect.maps.tsne`` gives, and with the same arguments, computed by a process of its own.

    Raises InputError as that does, and when the process ended early.
    """
    with tempfile.TemporaryDirectory(prefix="digit-lab-map-") as name:
        folder = Path(name)
        np.save(folder / VECTORS, vectors)
        with child("core.inspect.tsne_process", folder) as process:
            assert process.stdout is not None
            for line in process.stdout:
                step, n_steps = map(int, line.split())
                on_step(step, n_steps)
                if should_stop():
                    (folder / STOP).touch()
        if why := why_ended(process, folder, "t-SNE ended early"):
            raise InputError(why)
        points: Floats = np.load(folder / POINTS)
        return points


def _main(folder: Path) -> None:
    """Make the map of the folder."""
    vectors = np.load(folder / VECTORS)
    points = tsne(vectors, lambda step, n_steps: print(step, n_steps, flush=True), (folder / STOP).exists)
    np.save(folder / POINTS, points)


if __name__ == "__main__":
    sys.exit(run_child(_main))
