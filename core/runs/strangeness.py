"""What tells drawings of no digit, beside the reference run by whose layers it does: there at once, and without any images.

``cnn.strangeness`` beside the files of the reference run "cnn" holds the weights of the judge in 8 and 16 bits, its thresholds,
and the hash of the run's weights. ``python -m core reference --strangers`` makes it from MNIST. What does not fit is not
used: then nothing is said of any drawing.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from core.config import parse
from core.data.dataset import SIDE, Dataset, Images
from core.data.paths import write_atomic
from core.data.split import split
from core.engine.events import Started
from core.errors import InputError, RunError
from core.runs import artefacts, shipped
from core.runs.manifest import own_images
from core.runs.rows import Shipped

if TYPE_CHECKING:  # a page waits for torch only when it asks
    from core.engine.evaluate import Predictor
    from core.inspect.strangeness import Strangeness
    from core.models.cnn import Cnn

NAME = "cnn"  # of the reference run by whose layers drawings are judged
STRANGENESS = ".strangeness"
ARRAYS = ("into", "step", "bias", "out")
IMAGE = "image."  # before the names of the weights that judge the image


class Judge(NamedTuple):
    """network: the reference run · strangeness: what it was learned to make of that network's layers"""

    network: Predictor
    strangeness: Strangeness

    def is_stranger(self, image: Images) -> bool:
        """Whether an image (28, 28) uint8, prepared as the pad prepares, looks like no digit."""
        return bool(self.of(image[None])[0] > self.strangeness.threshold)

    def of(self, images: Images) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        """images (N, 28, 28) uint8 -> (N,): larger is stranger."""
        return self.strangeness.of(_cnn(self.network), images, self.network.mean, self.network.std)


def write(folder: Path, load_dataset: Callable[[str], Dataset]) -> int:
    """Learn it from the training images of the reference run, and write the file; returns its bytes. Its threshold is made of
    every other validation image, so that the rest can say what it is worth.

    Raises InputError: the run's files are missing or damaged, or its images are not here.
    """
    from core.inspect.strangeness import learn

    run = shipped.read(folder, NAME)
    network = _predictor(run)
    images = own_images(run.manifest, load_dataset(network.config.data.dataset))
    parts = split(images, network.config.data)
    made = learn(
        _cnn(network), images.train_images[parts.train], images.train_labels[parts.train],
        images.train_images[parts.val][::2], network.mean, network.std,
    )  # fmt: skip
    values = asdict(made)
    arrays = {name: values.pop(name) for name in ARRAYS}
    arrays |= {IMAGE + name: weights for name, weights in values.pop("image").items()}
    content = artefacts.pack({"weights": _weights_hash(folder), **values}, arrays)
    write_atomic(folder / f"{NAME}{STRANGENESS}", content)
    return len(content)


def read(folder: Path) -> Judge | None:
    """What the folder holds; None where it is not there, damaged, or about other weights than the run has."""
    from core.inspect.strangeness import Strangeness

    path = folder / f"{NAME}{STRANGENESS}"
    try:
        about, arrays = artefacts.unpack(path.read_bytes())
        if about.pop("weights") != _weights_hash(folder):
            raise RunError("it is not about these weights")
        image = {name.removeprefix(IMAGE): arrays.pop(name) for name in list(arrays) if name.startswith(IMAGE)}
        judge = Judge(_predictor(shipped.read(folder, NAME)), Strangeness(**about, **arrays, image=image))
        blank = judge.of(np.zeros((1, SIDE, SIDE), np.uint8))  # arrays of other shapes show here
        if not np.isfinite(blank - judge.strangeness.threshold).all():
            raise RunError("it holds no numbers")
        return judge
    except FileNotFoundError:
        return None
    except (OSError, InputError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        logging.getLogger(__name__).warning("%s can not be used: %s", path.name, error)
        return None


def _predictor(run: Shipped) -> Predictor:
    from core.engine.evaluate import Predictor

    begun = next(event for event in run.events if isinstance(event, Started))
    return Predictor(parse(run.config), run.weights, begun.mean, begun.std)


def _cnn(network: Predictor) -> Cnn:
    """Raises RunError when the reference run is of another architecture."""
    from core.models.cnn import Cnn

    if not isinstance(network.module, Cnn):
        raise RunError(f"The reference run {NAME} is no convolutional network.")
    return network.module


def _weights_hash(folder: Path) -> str:
    """SHA-256 of the file of the run's weights. Raises OSError."""
    return hashlib.sha256((folder / f"{NAME}{shipped.WEIGHTS}").read_bytes()).hexdigest()
