"""How often finished runs are right on distorted test images: what the store knows already, and the rest, measured and kept.

A measurement belongs to a run's weights, the images of its dataset, a distortion and its strength, the number of images, the
seed, and the version of the code that distorts. Which of the test images are taken, and what is drawn for each, depends on
nothing else; so all runs are asked about the same ones.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.data.dataset import Dataset
from core.errors import InputError, RunError
from core.runs import measurements
from core.runs.manifest import own_images
from core.runs.rows import Run
from core.runs.schema import StorageError
from core.runs.store import Store

if TYPE_CHECKING:  # a page that lists runs does not wait for torch
    from core.engine.evaluate import Predictor
    from core.inspect.robustness import Measured, Point

QUESTION = "accuracy on distorted test images"
QUICK_IMAGES = 1_000


def check(runs: Sequence[Run]) -> None:
    """Raises InputError unless all have ended with a result and are to be judged by the same test images."""
    for run in runs:
        if not run.has_ended:
            raise RunError(f"{run.label} has not ended; its test images stay closed until then")
        if "test_acc" not in run.summary:
            raise RunError(f"{run.label} ended without a result, so there is nothing of it to measure")
    images = {_images(run) for run in runs}
    if len(images) > 1:
        raise InputError("these runs have different test images, so their figures can not stand side by side")


def measured_before(
    store: Store, runs: Sequence[Run], plan: Sequence[Point], n_images: int, seed: int = 0
) -> list[Measured]:
    """What has been measured of these runs at the points of a plan, point by point, the runs in their order. Costs
    milliseconds, and no dataset is needed.

    n_images: as many as were asked for, 0 for all · Raises RunError for a run without weights, StorageError.
    """
    from core.inspect.robustness import Measured

    keys = {run.run_id: _keys(store, run, plan, n_images, seed) for run in runs}
    contents = measurements.read_all(store, keys, {key for of_run in keys.values() for key in of_run.values()})
    return [
        Measured(run.run_id, *point, content["n_right"], content["n"])
        for point in plan
        for run in runs
        if (content := contents.get((run.run_id, keys[run.run_id][point])))
    ]


def measure(
    store: Store,
    runs: Sequence[Run],
    plan: Sequence[Point],
    load_dataset: Callable[[str], Dataset],
    n_images: int = QUICK_IMAGES,
    *,
    seed: int = 0,
    should_stop: Callable[[], bool] = lambda: False,
) -> Generator[Measured, None, None]:
    """Measure what is not ``measured_before`` yet, and keep it: as ``core.inspect.robustness.sweep`` gives it, point by point.

    n_images: of the test images, evenly spread, 0 for all · should_stop: as in ``sweep``
    Raises InputError as ``check`` does, DataError when the images are not here (any more), RunError for weights that can not
    be read.
    """
    from core.inspect.robustness import Point, spread, sweep

    check(runs)
    keys = {run.run_id: _keys(store, run, plan, n_images, seed) for run in runs}
    done = {
        (row.run_id, Point(row.distortion, row.strength)) for row in measured_before(store, runs, plan, n_images, seed)
    }
    if not runs or len(done) == len(runs) * len(set(plan)):
        return
    dataset = own_images(runs[0].manifest, load_dataset(runs[0].run_config().data.dataset))
    where = spread(len(dataset.test_labels), n_images)
    if not len(where):
        raise InputError(f"{dataset.title} has no test images")
    rows = sweep(
        {run.run_id: predictor(store, run) for run in runs}, dataset.test_images[where], dataset.test_labels[where], plan,
        positions=where, left_out=done, should_stop=should_stop, seed=seed,
    )  # fmt: skip
    with contextlib.closing(rows):
        for row in rows:
            key = keys[row.run_id][Point(row.distortion, row.strength)]
            with contextlib.suppress(StorageError):  # where nothing can be written, it is measured again next time
                measurements.write(store, row.run_id, key, {"n_right": row.n_right, "n": row.n})
            yield row


def results(
    store: Store,
    runs: Sequence[Run],
    plan: Sequence[Point],
    load_dataset: Callable[[str], Dataset],
    n_images: int = QUICK_IMAGES,
    *,
    seed: int = 0,
    should_stop: Callable[[], bool] = lambda: False,
) -> Generator[Measured, None, None]:
    """What was ``measured_before`` and what ``measure`` adds, point by point, the runs in their order; each as soon as it is
    there."""
    from core.inspect.robustness import Point

    check(runs)
    at_hand = {
        (row.run_id, Point(row.distortion, row.strength)): row
        for row in measured_before(store, runs, plan, n_images, seed)
    }
    measured = measure(store, runs, plan, load_dataset, n_images, seed=seed, should_stop=should_stop)
    with contextlib.closing(measured):
        for point in plan:
            for run in runs:
                row = at_hand.get((run.run_id, point)) or next(measured, None)
                if row is None:
                    return
                yield row


def predictor(store: Store, run: Run) -> Predictor:
    """A run's kept weights, ready to answer. Raises RunError when there are none or they are damaged."""
    from core.config import parse
    from core.engine.evaluate import Predictor

    metadata, weights = store.snapshot(run.run_id)
    return Predictor(parse(metadata["config"]), weights, metadata["mean"], metadata["std"])


def _images(run: Run) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Which images a run is tested on: of its dataset the name, and the hashes of what it consists of."""
    return run.run_config().data.dataset, tuple(sorted(run.manifest.get("dataset_hashes", {}).items()))


def _keys(store: Store, run: Run, plan: Sequence[Point], n_images: int, seed: int) -> dict[Point, str]:
    """Under which key each point of a run is kept; all of the images are 0 there, whatever number asks for all."""
    from core.inspect import corruptions, distortions

    if n_images >= run.summary.get("n_test", np.inf):
        n_images = 0
    weights, images = measurements.weights_hash(store, run.run_id), _images(run)
    versions = [distortions.VERSION, corruptions.VERSION]
    return {
        point: measurements.key(
            QUESTION, weights=weights, images=images, distortion=point.distortion, strength=float(point.strength),
            n_images=n_images, seed=seed, versions=versions,
        )
        for point in plan
    }  # fmt: skip
