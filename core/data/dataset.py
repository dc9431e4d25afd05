"""A dataset as one value, and the split of its training images. NumPy only: no page waits for torch to see digits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Indices = NDArray[np.int64]

N_CLASSES = 10
SIDE = 28


@dataclass(frozen=True, eq=False)
class Dataset:
    """Digits that everybody shares: read-only arrays, one copy for all visitors.

    images (N, 28, 28) uint8, 0 = background, 255 = ink · labels (N,) int64, 0..9
    unlabelled_images (N, 28, 28): digits without a truth (Kaggle's test.csv), else empty
    hashes: SHA-256 of each payload, and of whatever else decides which images are test images
    source: one sentence for people, with the licence
    splitting: "stratified" draws the validation images at random, class by class; "blocks" takes the last ones, for
    data that stands in writer order
    form_starts: of blocks, where in the training images each writer's form begins; validation begins at one of them.
    () cuts anywhere
    older: the same images as they were split before, for the runs that began with that
    class_set_images (M, 28, 28), class_set_labels (M,): digits of the class set that a run may mix into its training images;
    none unless somebody put them there (``core.data.class_set``)
    splits: what ``core.data.split`` made of it, by the settings that decide a split
    subsets: what ``core.data.subset`` made of it, by what decides a subset
    """

    name: str
    title: str
    source: str
    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels
    hashes: Mapping[str, str]
    splitting: Literal["stratified", "blocks"] = "stratified"
    form_starts: tuple[int, ...] = ()
    older: Dataset | None = None
    unlabelled_images: Images = field(default_factory=lambda: np.empty((0, SIDE, SIDE), np.uint8))
    class_set_images: Images = field(default_factory=lambda: np.empty((0, SIDE, SIDE), np.uint8))
    class_set_labels: Labels = field(default_factory=lambda: np.empty(0, np.int64))
    splits: dict[Any, SplitIndices] = field(default_factory=dict, init=False, repr=False)
    subsets: dict[str, Dataset] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        for array in (
            self.train_images, self.train_labels, self.test_images, self.test_labels, self.unlabelled_images,
            self.class_set_images, self.class_set_labels,
        ):  # fmt: skip
            array.setflags(write=False)


@dataclass(frozen=True, eq=False)
class SplitIndices:
    """Which training images are learned from and which are held out, with the constants of the former.

    train, val (n,) int64: indices into ``Dataset.train_images``, disjoint, ascending
    mean, std: of the training images' pixels, as fractions of 255; (0, 1) when pixels are only scaled to 0..1
    """

    train: Indices
    val: Indices
    mean: float
    std: float

    @property
    def hash(self) -> str:
        """SHA-256 that two runs share exactly when they were trained and validated on the same images."""
        digest = hashlib.sha256(self.train.astype("<i8").tobytes())
        digest.update(b"|")
        digest.update(self.val.astype("<i8").tobytes())
        return digest.hexdigest()
