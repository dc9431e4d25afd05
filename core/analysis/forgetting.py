"""When was each validation image learned, and how often forgotten again? No torch in here.

Forgetting events: M. Toneva et al. 2019, "An empirical study of example forgetting during deep neural network learning".
There they are counted on training images whenever an image is in a batch; here on validation images after each epoch.
Letters: E epochs, N images.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.analysis.metrics import Labels
from core.data.dataset import N_CLASSES


def when_learned(epochs: NDArray[np.float64], right: NDArray[np.bool_]) -> pd.DataFrame:
    """How one run came to read each image. epochs (E,) ascending, right (E, N) bool, as ``core.runs`` keeps them.

    One row per image: index (its place among the N) · first (first epoch with a right answer, NaN for never) · forgotten
    (times it was right and wrong at the next epoch) · right_share (of the E epochs, NaN without any) · last (right after the
    last epoch). Raises ValueError for other shapes, or epochs that do not rise.
    """
    epochs, right = np.asarray(epochs, np.float64), np.asarray(right, bool)
    if right.ndim != 2 or epochs.shape != right.shape[:1] or not (np.diff(epochs) > 0).all():
        raise ValueError(f"epochs {epochs.tolist()} must rise, and be as many as the rows of right {right.shape}")
    n_epochs, n = right.shape
    ever = right.any(axis=0)
    first = np.full(n, np.nan)
    share = np.full(n, np.nan)
    if n_epochs:
        first[ever] = epochs[right.argmax(axis=0)[ever]]
        share = right.mean(axis=0)
    return pd.DataFrame(
        {
            "index": np.arange(n),
            "first": first,
            "forgotten": (right[:-1] & ~right[1:]).sum(axis=0).astype(np.int64),
            "right_share": share,
            "last": right[-1] if n_epochs else ever,
        }
    )


def hard_digits(frame: pd.DataFrame, labels: Labels) -> pd.DataFrame:
    """Which digits cost a run the longest. frame: as ``when_learned`` returns it, labels (N,) of the same images.

    One row per digit: digit · n (images of it) · first (mean first epoch of the images that were ever read) · forgotten
    (forgetting events per image) · never (share of images never read); NaN where there is nothing to divide by.
    Raises ValueError where the run saw another number of images.
    """
    truth = np.asarray(labels)
    if len(frame) != len(truth):
        raise ValueError(f"the run was judged on {len(frame)} images, there are {len(truth)} labels")
    by_digit = frame.assign(never=frame["first"].isna()).groupby(truth)
    means = by_digit[["first", "forgotten", "never"]].mean().reindex(range(N_CLASSES))
    n = np.bincount(truth, minlength=N_CLASSES)
    return pd.DataFrame({"digit": range(N_CLASSES), "n": n}).join(means)
