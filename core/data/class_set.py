"""A class set: digits that people wrote themselves, with their labels, as a value. ``core.data.class_set_files`` writes it
to files and reads it back, ``core.runs.class_set`` keeps it.

About half of the digits may be learned from, the others are for judging. Which half a digit is in follows from its pixels
alone: it stays there when others come and go, and on every computer that imports it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.data.dataset import Dataset, Images, Labels
from core.data.split import stratified_order
from core.errors import DataError

MAX_DIGITS = 10_000  # in a set, and in a file that is imported
NOTHING_TO_LEARN = (
    "There are no kept digits to learn from: keep some on the Draw page first. About every second one is held out, to judge "
    "on."
)


@dataclass(frozen=True, eq=False)
class Digits:
    """images (N, 28, 28) uint8 as the networks see them, 0 = background · labels (N,) int64, 0..9"""

    images: Images
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, where: NDArray[np.bool_]) -> Digits:
        """Those at which ``where`` (N,) is true, in their order."""
        return Digits(self.images[where], self.labels[where])

    @property
    def hash(self) -> str:
        """SHA-256 that two sets share exactly when they hold the same digits in the same order."""
        content = np.ascontiguousarray(self.images).tobytes() + self.labels.astype("<i8").tobytes()
        return hashlib.sha256(content).hexdigest()


def learned_from(images: Images) -> NDArray[np.bool_]:
    """Which digits may be learned from, (N,) bool, about half of them; the others are held out and only judged on.

    images (N, 28, 28) uint8. A hash of the pixels decides, so a picture is never in both halves, whatever its label.
    """
    halves = [hashlib.sha256(b"class set half" + image.tobytes()).digest()[0] % 2 == 0 for image in images]
    return np.array(halves, bool)


def repeated(digits: Digits, n: int, seed: int) -> Digits:
    """``n`` digits out of these, each as often as every other or once more; fewer than all hold every label in its share.

    Raises DataError without any.
    """
    if not len(digits):
        raise DataError(NOTHING_TO_LEARN)
    order = np.resize(stratified_order(digits.labels, seed), n)
    return Digits(digits.images[order], digits.labels[order])


def with_class_set(dataset: Dataset, digits: Digits) -> Dataset:
    """The dataset with digits beside its own, for the runs that mix them into their training images. Of these digits only the
    half that may be learned from is taken."""
    half = digits.part(learned_from(digits.images))
    mixed = replace(dataset, class_set_images=half.images, class_set_labels=half.labels)
    mixed.splits.update(dataset.splits)  # none of them has anything to do with these digits
    return mixed
