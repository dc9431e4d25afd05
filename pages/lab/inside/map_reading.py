"""Which images stand on the map, and where each network puts them: read once for everybody, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from core.analysis.images import sample
from core.data import EMBEDDED, present_names
from core.data.config import DataConfig
from core.data.dataset import N_CLASSES, Dataset, Images, Indices, Labels
from core.data.split import split as split_dataset
from core.errors import DataError
from core.runs.manifest import own_images
from core.runs.rows import Run
from pages.shared.reading import reading_bar
from pages.shared.services import dataset, predictor
from pages.shared.shelf import Shelf

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.inspect.activations import Floats
    from core.inspect.maps import Plane

MAX_IMAGES = 2_000  # on the map, and as many as t-SNE takes
MAX_LEARNED_IMAGES = 10_000  # among which neighbours are looked for
BLOCK_IMAGES = 1_000  # kept together: who clicks on while a network reads does not begin anew
SEED = 0
MAX_KEPT_BYTES = 150_000_000


class OnMap(NamedTuple):
    """What stands on the map. key: tells it from other images · chosen (N,): positions among the test images"""

    digits: Dataset
    key: tuple[tuple[str, str], ...]
    chosen: Indices
    images: Images
    labels: Labels


class Read(NamedTuple):
    """vectors (N, D): what the last layer takes of each image · answers (N,): what is read"""

    vectors: Floats
    answers: Labels


class Placed(NamedTuple):
    """A network and where it puts the images and the digit. vector (D,): of the digit · plane: by PCA"""

    run: Run
    made: Read
    vector: Floats
    plane: Plane


def images_on_map(run: Run) -> OnMap:
    """Test images that the run was judged on, as many of each digit, drawn by a fixed seed; the embedded digits where its own
    are not here."""
    try:
        digits = _own(run)
    except DataError:
        digits = dataset(EMBEDDED)
    indices = sample(digits.test_labels, range(N_CLASSES), MAX_IMAGES, SEED)
    return OnMap(digits, _key(digits), indices, digits.test_images[indices], digits.test_labels[indices])


def is_own(run: Run, shown: OnMap) -> bool:
    """Whether the images on the map are from those that the run was judged on."""
    hashes = run.manifest.get("dataset_hashes")
    same = run.config["data"]["dataset"] == shown.digits.name
    return same and (hashes is None or dict(hashes) == dict(shown.digits.hashes))


def learned_images(run: Run) -> tuple[Images, Labels]:
    """Images that the run learned from, as many of each digit, at most ``MAX_LEARNED_IMAGES``. Raises DataError when they are
    not here."""
    digits = _own(run)
    learned = split_dataset(digits, DataConfig(**run.config["data"])).train
    indices = learned[sample(digits.train_labels[learned], range(N_CLASSES), MAX_LEARNED_IMAGES, SEED)]
    return digits.train_images[indices], digits.train_labels[indices]


def read(run: Run, images: Images, key: object, place: DeltaGenerator, number: int = 1, n_runs: int = 1) -> Read:
    """What the network makes of the images, with a bar in ``place`` while it reads them for the first time.

    key: tells these images from others · number, n_runs: as in ``reading_bar``
    Raises RunError when the run's weights can not be read, and whatever torch fails with.
    """
    from core.inspect.embedding import embeddings_and_answers

    network = predictor(run)
    draw = reading_bar(place, len(images), number, n_runs)
    blocks: list[Read] = []
    for start in range(0, len(images), BLOCK_IMAGES):
        block = images[start : start + BLOCK_IMAGES]

        def make(block: Images = block, start: int = start) -> Read:
            mean, std = network.mean, network.std
            return Read(*embeddings_and_answers(network.module, block, mean, std, lambda n: draw(start + n)))

        blocks.append(_kept().get((run.run_id, key, start), run.version, make, lambda made: made.vectors.nbytes))
    place.empty()
    return Read(np.concatenate([part.vectors for part in blocks]), np.concatenate([part.answers for part in blocks]))


def plane_of(run: Run, made: Read, key: object) -> Plane:
    """The map of most variance of what was read. Raises InputError where there is none."""
    from core.inspect.maps import pca

    def size(made: Plane) -> int:
        return sum(part.nbytes for part in (made.points, made.mean, made.directions))

    return _kept().get((run.run_id, key, "plane"), run.version, lambda: pca(made.vectors), size)


def _own(run: Run) -> Dataset:
    name = run.config["data"]["dataset"]
    if name not in present_names():
        raise DataError("the images that it learned from are not here")
    return own_images(run.manifest, dataset(name))


def _key(digits: Dataset) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(digits.hashes.items()))


@st.cache_resource(show_spinner=False)
def _kept() -> Shelf:
    """One for all visitors."""
    return Shelf(MAX_KEPT_BYTES)
