"""What ended runs read of the images that were set aside: the answers kept already, and the rest, worked out and kept.

No run has seen these images, and nothing about a run is ever chosen by them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Generator, Sequence

import numpy as np
from numpy.typing import NDArray

from core.data.dataset import Dataset
from core.data.subset import images_set_aside
from core.errors import RunError
from core.runs import measurements
from core.runs.manifest import own_images
from core.runs.robustness import predictor
from core.runs.rows import Run
from core.runs.store import Store

QUESTION = "right on images set aside"

Right = NDArray[np.bool_]


def right_before(store: Store, runs: Sequence[Run]) -> dict[str, Right]:
    """run id -> (n,) whether each image was read right, for the runs that ``measure`` has looked at. No dataset is needed.
    Raises RunError for a run without weights, StorageError."""
    keys = {run.run_id: _key(store, run) for run in runs}
    contents = measurements.read_all(store, keys, keys.values())
    return {
        run_id: _unpacked(str(content["right"]), int(content["n"]))
        for run_id, key in keys.items()
        if (content := contents.get((run_id, key)))
    }


def measure(
    store: Store,
    runs: Sequence[Run],
    load_dataset: Callable[[str], Dataset],
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> Generator[str, None, None]:
    """Let the best weights of each run read the images that were set aside, keep which were right, and yield the run's id.

    Raises RunError for a run that has not ended, that sets nothing aside or whose weights can not be read, DataError when its
    images are not here (any more), StorageError.
    """
    for run in runs:
        config = run.run_config()
        if not run.has_ended or not config.data.set_aside:
            raise RunError(f"{run.label} has not ended, or no images were set aside for it")
        if should_stop():
            return
        dataset = load_dataset(config.data.dataset)
        own_images(run.manifest, dataset)
        images, labels = images_set_aside(dataset, config.data)
        right = predictor(store, run).answers(images) == labels
        packed = base64.b64encode(np.packbits(right).tobytes()).decode()
        measurements.write(store, run.run_id, _key(store, run), {"n": len(right), "right": packed})
        yield run.run_id


def _unpacked(packed: str, n: int) -> Right:
    bits = np.unpackbits(np.frombuffer(base64.b64decode(packed), np.uint8), count=n)
    return bits.astype(np.bool_)


def _key(store: Store, run: Run) -> str:
    """The hashes of a run's images say which were set aside."""
    return measurements.key(QUESTION, weights=measurements.weights_hash(store, run.run_id), images=run.images)
