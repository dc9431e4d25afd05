"""Which training images are learned from and which are held out, as a pure function of the dataset and four settings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import sqrt

import numpy as np

from core.data import DATASETS
from core.data.config import DataConfig
from core.data.dataset import N_CLASSES, Dataset, Images, Indices, Labels, SplitIndices
from core.errors import ConfigError

BLOCK_IMAGES = (
    1024  # images looked at together: their working copy as floats stays near 3 MB, within the processor's cache
)

CACHED_SPLITS = 8  # of a dataset, half a megabyte each: every run and every page asks again for the same few


def split(dataset: Dataset, config: DataConfig) -> SplitIndices:
    """Hold out ``val_fraction`` of the training images and take ``n_train`` of the rest (0, or too many: all of them).

    "stratified": validation and training hold every digit in its share of the whole, drawn by ``split_seed``
    "blocks": validation is the last images, and the training images are drawn as above from those before. Where the
    writers' forms are known, it is whole forms, so that other people wrote it: those whose number of images comes nearest
    to what was asked, one at least. A share that rounds to no image holds out none, there as elsewhere
    Equal settings give equal images on every machine; a smaller ``n_train`` is contained in a larger one. Made once for
    a dataset and its four settings, and then shared. Raises ConfigError when nothing would be left to train on.
    """
    asked = DataConfig(
        dataset=config.dataset, normalisation=config.normalisation, n_train=config.n_train,
        val_fraction=config.val_fraction, split_seed=config.split_seed,
    )  # fmt: skip
    parts = dataset.splits.get(asked)
    if parts is None:
        parts = dataset.splits[asked] = _split(dataset, asked)
        for old in list(dataset.splits)[:-CACHED_SPLITS]:
            dataset.splits.pop(old, None)
    return parts


def _split(dataset: Dataset, config: DataConfig) -> SplitIndices:
    labels = dataset.train_labels
    n_train, n_val = _sizes(len(labels), config, dataset.form_starts)
    if dataset.splitting == "blocks":
        val = np.arange(len(labels) - n_val, len(labels))
        rest = stratified_order(labels[: len(labels) - n_val], config.split_seed)
    else:
        order = stratified_order(labels, config.split_seed)
        val, rest = order[:n_val], order[n_val:]
    train, val = np.sort(rest[:n_train]), np.sort(val)
    for part in (train, val):
        part.setflags(write=False)
    mean, std = _mean_std(dataset.train_images, train) if config.normalisation == "standard" else (0.0, 1.0)
    return SplitIndices(train, val, mean, std)


def part_sizes(n: int, config: DataConfig) -> tuple[int, int]:
    """How many of the ``n`` training images of the config's dataset are learned from, with the digits of the class set that are
    mixed in, and how many are held out, without reading them: (n_train, n_val). Of some digits only, an estimate where the
    images are not those that the dataset is known for.

    Raises ConfigError when nothing would be left to train on.
    """
    form_starts = DATASETS[config.dataset].form_starts
    if config.set_aside or not knows_all(config.classes):
        n, form_starts = _n_known(n, config), ()
    n_train, n_val = _sizes(n, config, form_starts)
    return n_train + n_mixed_in(n_train, config.class_set), n_val


def knows_all(classes: Collection[int]) -> bool:
    """Whether these are all ten digits."""
    return len(classes) == N_CLASSES


def n_set_aside(n: int, config: DataConfig) -> int:
    """How many of the ``n`` training images of the config's dataset are set aside, as exactly as in ``part_sizes``."""
    return round(_n_of_classes(n, config) * config.set_aside)


def _n_known(n: int, config: DataConfig) -> int:
    """How many of ``n`` training images are of these digits and not set aside."""
    return _n_of_classes(n, config) - n_set_aside(n, config)


def _n_of_classes(n: int, config: DataConfig) -> int:
    """How many of ``n`` training images are of these digits."""
    counts = DATASETS[config.dataset].label_counts
    return round(n * sum(counts[digit] for digit in config.classes) / sum(counts))


def n_mixed_in(n_train: int, share: float) -> int:
    """How many places digits of the class set take beside ``n_train`` training images, to be this share of all of them."""
    return round(n_train * share / (1 - share))


def _sizes(n: int, config: DataConfig, form_starts: Sequence[int]) -> tuple[int, int]:
    n_val = round(n * config.val_fraction)
    borders = [start for start in form_starts if 0 < start < n]
    if n_val and borders:
        n_val = n - min(borders, key=lambda border: abs(n - border - n * config.val_fraction))
    n_train = min(n - n_val, config.n_train or n)
    if not n_train:
        raise ConfigError(
            f"Validation share (val_fraction) is {config.val_fraction:g}, which leaves none of the {n:,} "
            "training images to train on",
            ("val_fraction",),
        )
    return n_train, n_val


def stratified_order(labels: Labels, seed: int) -> Indices:
    """All indices in a random order of which every stretch holds each class in its share, to within about one image.

    labels (N,) int · returns (N,) int64
    The r-th image (in random order) of a class of n stands at (r + 1/2) / n; sorting by place interleaves the classes.
    A prefix is the apportionment of Webster (1832): exact in total, and unlike largest remainders a larger prefix never
    takes an image away again, so subsets are nested.
    """
    # Raw PCG64 output is promised to stay as it is; shuffling methods may change from one NumPy release to the next.
    keys = np.random.PCG64(seed).random_raw(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        members = members[np.argsort(keys[members], kind="stable")]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.lexsort((labels, place)).astype(np.int64)


def _mean_std(images: Images, indices: Indices) -> tuple[float, float]:
    """Mean and population standard deviation of the pixels of these images, as fractions of 255; exact up to the root.

    Sums over a quarter of an image are whole and stay below 2^24 (196 * 255^2), so floats add them without rounding, and fast.
    """
    quarter = images[0].size // 4
    total = squares = 0
    for start in range(0, len(indices), BLOCK_IMAGES):
        parts = images[indices[start : start + BLOCK_IMAGES]].astype(np.float32).reshape(-1, quarter)
        total += int(parts.sum(1).sum(dtype=np.float64))
        squares += int(np.einsum("ij,ij->i", parts, parts).sum(dtype=np.float64))
    n = len(indices) * images[0].size
    variance = (n * squares - total**2) / n**2
    return total / n / 255, sqrt(variance) / 255 or 1.0  # pictures of one grey can not be scaled, only moved
