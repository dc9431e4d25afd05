"""How often trained networks are right when the test images are made harder, point by point.

A point is a distortion at one strength, or a named corruption. Each batch of images is distorted once, and every run answers
it exactly as it answers the test set, with its own numbers and views; so without distortion a run reaches the accuracy that
its training ended with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from core.data.dataset import Images, Labels
from core.errors import InputError
from core.inspect import corruptions, distortions

NONE = "none"  # the name of the undistorted point; its strength is 0
CORRUPTION = "corruption:"  # before the name of a corruption, some of which are called like a distortion
CHUNK_IMAGES = 500  # distorted at once; a whole number of the batches in which a network answers


class Answers(Protocol):
    """Who answers: a ``core.engine.evaluate.Predictor``, or anything else that reads images."""

    def logits(self, images: Images, /) -> NDArray[np.float32]:
        """images (N, 28, 28) uint8 -> (N, 10)"""


class Point(NamedTuple):
    """distortion: a name of ``DISTORTIONS``, "corruption:" and one of ``CORRUPTIONS``, or ``NONE`` · strength: of a corruption
    always 1"""

    distortion: str
    strength: float


UNDISTORTED = Point(NONE, 0.0)


class Measured(NamedTuple):
    """n_right: of n images, at one point by one run"""

    run_id: str
    distortion: str
    strength: float
    n_right: int
    n: int

    @property
    def accuracy(self) -> float:
        return self.n_right / self.n


class ShiftGrid(NamedTuple):
    """What a network reads of one digit at every place: answers (S, S), probabilities of all ten digits (S, S, 10).

    The first axis is how far down it moved, from -reach (up) on; the second how far right. S = 2 * reach + 1
    """

    answers: Labels
    probabilities: NDArray[np.float32]


def points(names: Sequence[str] = tuple(distortions.DISTORTIONS)) -> tuple[Point, ...]:
    """What a sweep over these distortions measures: first the undistorted images, then the first strength of each
    distortion, then the second of each, and so on, so that a first curve of each is there early.

    names: of distortions, or of corruptions with "corruption:" before them. Raises InputError for an unknown name.
    """
    rows = [[Point(name, strength) for strength in _strengths(name)] for name in dict.fromkeys(names)]
    longest = max(map(len, rows), default=0)
    return UNDISTORTED, *(row[place] for place in range(longest) for row in rows if place < len(row))


def distorted(point: Point, images: Images, seed: int = 0, first: int = 0) -> Images:
    """Images (N, 28, 28) uint8 as they are at a point. first: position in the test set of the first of them."""
    if point == UNDISTORTED:
        return np.array(images, np.uint8)
    if point.distortion.startswith(CORRUPTION):
        return corruptions.corrupt(point.distortion.removeprefix(CORRUPTION), images, seed, first)
    return distortions.distort(point.distortion, images, point.strength, seed, first)


def sweep(
    predictors: Mapping[str, Answers], images: Images, labels: Labels, plan: Sequence[Point], seed: int = 0
) -> Iterator[Measured]:
    """One ``Measured`` for each point of the plan and each run, point by point, the runs in their order.

    predictors: run id -> who answers · images (N, 28, 28) uint8, labels (N,): of the test set, from its beginning on
    """
    for point in plan:
        right = dict.fromkeys(predictors, 0)
        for first in range(0, len(images), CHUNK_IMAGES):
            part = distorted(point, images[first : first + CHUNK_IMAGES], seed, first)
            true = labels[first : first + CHUNK_IMAGES]
            for run_id, predictor in predictors.items():
                right[run_id] += int((predictor.logits(part).argmax(1) == true).sum())
        for run_id, n_right in right.items():
            yield Measured(run_id, point.distortion, point.strength, n_right, len(images))


def shift_grid(predictor: Answers, image: Images, reach: int = 8) -> ShiftGrid:
    """One digit (28, 28) uint8, read at every place up to ``reach`` pixels away."""
    side = 2 * reach + 1
    logits = predictor.logits(distortions.moved(image, reach).reshape(side * side, *image.shape))
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    return ShiftGrid(logits.argmax(1).reshape(side, side).astype(np.int64), shares.reshape(side, side, -1))


def _strengths(name: str) -> tuple[float, ...]:
    """Those that change something."""
    if name.startswith(CORRUPTION):
        if name.removeprefix(CORRUPTION) not in corruptions.CORRUPTIONS:
            raise InputError(f"there is no corruption {name.removeprefix(CORRUPTION)!r}")
        return (1.0,)
    return distortions.get(name).strengths[1:]
