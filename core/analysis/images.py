"""What a set of digits looks like: how many of each, their average, their brightness, a sample, their variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.data.dataset import N_CLASSES, SIDE, Images, Indices, Labels

BLOCK_IMAGES = 4096  # images looked at together, so that no copy of a whole dataset is ever made


def class_counts(labels: Mapping[str, Labels]) -> pd.DataFrame:
    """Images per digit. labels: split name -> (N,) 0..9 -> columns split · digit (0..9) · count; empty splits give no rows."""
    frames = [
        pd.DataFrame({"split": name, "digit": range(N_CLASSES), "count": np.bincount(digits, minlength=N_CLASSES)})
        for name, digits in labels.items()
        if len(digits)
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["split", "digit", "count"])


def pixel_counts(images: Images, indices: Indices) -> NDArray[np.int64]:
    """How many pixels of these images have each value. images (N, 28, 28) uint8, indices (n,) -> (256,) int64."""
    counts = np.zeros(256, np.int64)
    for start in range(0, len(indices), BLOCK_IMAGES):
        counts += np.bincount(images[indices[start : start + BLOCK_IMAGES]].ravel(), minlength=256)
    return counts


def mean_images(images: Images, labels: Labels, indices: Indices) -> Images:
    """The average of these images: one picture per digit 0..9, then one of all. A digit without images stays black.

    images (N, 28, 28) uint8, labels (N,), indices (n,) -> (11, 28, 28) uint8
    """
    sums = np.zeros((N_CLASSES, SIDE, SIDE))
    for start in range(0, len(indices), BLOCK_IMAGES):
        block = indices[start : start + BLOCK_IMAGES]
        for digit in range(N_CLASSES):
            sums[digit] += images[block[labels[block] == digit]].sum(axis=0, dtype=np.float64)
    sizes = np.bincount(labels[indices], minlength=N_CLASSES)
    sums, sizes = np.append(sums, sums.sum(axis=0)[None], axis=0), np.append(sizes, sizes.sum())
    return np.rint(sums / np.maximum(sizes, 1)[:, None, None]).astype(np.uint8)


def sample(labels: Labels, digits: Sequence[int], n: int, seed: int) -> Indices:
    """At most n images of the given digits, drawn by the seed: the digits take turns, so each has a column of its own
    in a picture whose rows hold a multiple of ``len(digits)``. A digit that runs out is passed over.

    labels (N,) -> (n or fewer,) int64, indices without repetition
    """
    rng = np.random.default_rng(seed)
    shuffled = [rng.permutation(np.flatnonzero(labels == digit)) for digit in digits]
    if not shuffled:
        return np.empty(0, np.int64)
    turn = np.concatenate([np.arange(len(members)) for members in shuffled])
    order = np.argsort(turn, kind="stable")  # within a turn in the order of ``digits``
    return np.concatenate(shuffled)[order][:n].astype(np.int64)
