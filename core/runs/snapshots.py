"""The time machine: which weights a run kept on its way, and the network as it was then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from core.analysis.metrics import Counts, confusion
from core.config import parse
from core.data.dataset import Dataset, Images, Labels
from core.data.split import split
from core.engine.events import Arrays
from core.errors import RunError
from core.runs import artefacts
from core.runs.checksums import is_sound
from core.runs.manifest import own_images
from core.runs.rows import Run
from core.runs.schema import storage_problems
from core.runs.shipped import restored
from core.runs.store import Store

if TYPE_CHECKING:  # a page that lists them does not wait for torch
    from core.engine.evaluate import Predictor

_KEPT = "SELECT * FROM snapshots WHERE run_id = ?"
# The weights that the run answers with, and the step they are of.
_BEST = """
    SELECT a.*, e.step FROM artefacts a
    JOIN events e ON e.run_id = a.run_id AND e.kind = 'epoch' AND e.epoch = a.epoch WHERE a.run_id = ? AND a.role = 'best'"""


class Kept(NamedTuple):
    """Weights that can be looked at: step: optimizer updates before them, 0 for the untrained network · epoch: passes over the
    training images, fractional in between · bytes: of their file"""

    step: int
    epoch: float
    bytes: int


def kept(store: Store, run_id: str) -> tuple[Kept, ...]:
    """What a run kept, by rising step; () when it kept nothing on its way.

    The weights that it answers with are among them, so that going back ends where every other page stands. Where training went
    on after its best epoch, later ones follow.
    """
    return tuple(Kept(step, epoch, size) for step, epoch, _, size in _rows(store, store.run(run_id).run_id))


def load(store: Store, run_id: str, step: int) -> tuple[dict[str, Any], Arrays]:
    """The weights of one step as ``Store.snapshot`` gives them: ``(metadata, state dict name -> array)``.

    metadata: format, architecture, config, mean and std (of the training split). Floats are float32 again, of 16 bits but for
    arrays with a value that these can not hold. Raises RunError when nothing was kept of this step, or its file is damaged.
    """
    names = {kept_step: sha for kept_step, _, sha, _ in _rows(store, store.run(run_id).run_id)}
    if step not in names:
        raise RunError(f"This run kept no weights of step {step:,}.")
    with storage_problems():
        about, weights = artefacts.unpack(artefacts.get(store.root, names[step]))
    return about, restored(weights)


def at(store: Store, run_id: str, step: int) -> Predictor:
    """The network of one step in eval mode, with all it needs to answer; whoever asks again keeps it. Raises as ``load``, and
    ConfigError for settings that no longer exist."""
    from core.engine.evaluate import Predictor

    about, weights = load(store, run_id, step)
    return Predictor(parse(about["config"]), weights, about["mean"], about["std"])


def validation_images(run: Run, dataset: Dataset, max_images: int | None = None) -> tuple[Images, Labels]:
    """The images that the run held out and their true digits, (N, 28, 28) and (N,); the first ``max_images`` of them.

    Never the test images: who looks at every step would choose by them. dataset: that of the run, by its name
    Raises DataError when these are not the images that the run began with.
    """
    images = own_images(run.manifest, dataset)
    held_out = split(images, run.run_config().data).val[:max_images]
    return images.train_images[held_out], images.train_labels[held_out]


def validation_confusion(
    run: Run, predictor: Predictor, dataset: Dataset, max_images: int | None = None
) -> Counts | None:
    """(10, 10) validation images of a true digit (row) that the network reads as another (column); None when none are held out.

    Images, and what is raised: as ``validation_images``
    """
    images, labels = validation_images(run, dataset, max_images)
    return confusion(labels, predictor.logits(images).argmax(axis=1)) if len(labels) else None


def _rows(store: Store, run_id: str) -> list[tuple[int, float, str, int]]:
    """(step, epoch, sha256, bytes) of those whose rows are sound, by rising step"""
    rows = [row for row in store.database.read(_KEPT, run_id) if is_sound("snapshots", row)]
    if rows:
        best = [row for row in store.database.read(_BEST, run_id) if is_sound("artefacts", row)]
        rows = [*best, *rows]
    by_step = {row["step"]: (row["step"], row["epoch"], row["sha256"], row["bytes"]) for row in rows}
    return [by_step[step] for step in sorted(by_step)]
