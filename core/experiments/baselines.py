"""Baselines without gradients: how far one gets by comparing images alone, before any network has learned anything.

Nearest neighbours: T. Cover and P. Hart 1967, "Nearest neighbor pattern classification". Class mean: the minimum-distance
classifier of R. Duda and P. Hart 1973. Both see raw pixels, scaled by the same constants as a network's. No torch at import
time: a page can list them without waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.data.config import DataConfig
from core.data.dataset import N_CLASSES, Dataset, Images, Labels
from core.data.split import split
from core.data.subset import subset
from core.errors import ConfigError
from core.fields import SplitName

if TYPE_CHECKING:
    from core.engine.evaluate import Evaluation

NEIGHBOURS = 3
# The probability of a digit that none of the neighbours voted for is not 0: one more neighbour votes a tenth for each digit.
UNDECIDED_VOTES = 1.0
# As shares of the mean squared distance; what fits best lies well inside.
TEMPERATURES = tuple(np.geomspace(0.01, 1, 25))

Pixels = NDArray[np.float32]  # (N, 784)
Scores = NDArray[np.float64]  # (N, 10), the more the likelier


@dataclass(frozen=True, slots=True)
class Baseline:
    """A line of the table: what a menu shows. Its text is ``assets/architectures/<id>.md``."""

    title: str
    sentence: str


BASELINES: Mapping[str, Baseline] = MappingProxyType(
    {
        "knn": Baseline(
            "k-nearest neighbours (kNN)", "Finds the three training images that differ least, and lets them vote."
        ),
        "class-mean": Baseline(
            "Class mean (nearest centroid)",
            "Averages the training images of each digit, and takes the nearest average.",
        ),
    }
)


def baseline(name: str, dataset: Dataset, data_config: DataConfig, on: SplitName) -> Evaluation:
    """What a baseline answers on the images of a split after one look at the training split.

    The logits are logarithms of its probabilities, and their argmax is its prediction. Random shifts and the like have no
    meaning here and are passed over. It uses as many threads as torch may use in the calling thread; kNN answers 10,000
    images in bounded memory, but compares each with every training image: seconds to half a minute.
    Raises ConfigError for an unknown name, or when no image was held out for validation.
    """
    import torch
    from threadpoolctl import threadpool_limits

    from core.engine.evaluate import Evaluation

    if name not in _SCORES:
        raise ConfigError(f"baseline is {name!r}, allowed is one of {', '.join(BASELINES)}", ("baseline",))
    dataset = subset(dataset, data_config)
    parts = split(dataset, data_config)
    if on == "test":
        images, labels = dataset.test_images, dataset.test_labels
    else:
        asked = parts.train if on == "train" else parts.val
        images, labels = dataset.train_images[asked], dataset.train_labels[asked]
    if not len(images):
        raise ConfigError("val_fraction is 0, so there are no validation images to answer", ("val_fraction",))

    def scaled(some: Images) -> Pixels:
        pixels: Pixels = some.reshape(len(some), -1).astype(np.float32)
        pixels *= np.float32(1 / (255 * parts.std))
        pixels -= np.float32(parts.mean / parts.std)
        return pixels

    train = scaled(dataset.train_images[parts.train])
    with threadpool_limits(torch.get_num_threads()):
        scores = _SCORES[name](train, dataset.train_labels[parts.train], scaled(images))
    return Evaluation(_float32(scores), labels)


def _knn(train: Pixels, labels: Labels, asked: Pixels) -> Scores:
    """Log shares of the neighbours' votes; the vote of one at distance d counts 1 / d."""
    from sklearn.neighbors import KNeighborsClassifier

    k = min(NEIGHBOURS, len(train))
    classifier = KNeighborsClassifier(k, weights="distance", algorithm="brute", metric="euclidean").fit(train, labels)
    votes = np.zeros((len(asked), N_CLASSES))
    votes[:, classifier.classes_] = k * classifier.predict_proba(asked)
    scores: Scores = np.log((votes + UNDECIDED_VOTES / N_CLASSES) / (k + UNDECIDED_VOTES))
    return scores


def _class_mean(train: Pixels, labels: Labels, asked: Pixels) -> Scores:
    """Minus the squared distance to each digit's mean image, divided by a temperature.

    Distances alone would claim certainty, for every image is far from every mean. The temperature is the one at which the
    training images are answered with the least cross-entropy.
    """
    from core.analysis.metrics import losses

    distances = _distances_to_means(train, labels, train)
    candidates = (distances.mean() or 1.0) * np.array(TEMPERATURES)
    temperature = min(candidates, key=lambda candidate: float(losses(-distances / candidate, labels).mean()))
    scores: Scores = -_distances_to_means(train, labels, asked) / temperature
    return scores


def _distances_to_means(train: Pixels, labels: Labels, asked: Pixels) -> Scores:
    """Squared Euclidean; a digit without a training image is a little farther than any other."""
    from sklearn.metrics.pairwise import euclidean_distances

    digits = np.unique(labels)
    means = np.stack([train[labels == digit].mean(axis=0, dtype=np.float64) for digit in digits])
    squared = euclidean_distances(asked, means.astype(np.float32), squared=True).astype(np.float64)
    distances = np.full((len(asked), N_CLASSES), squared.max() + 1)
    distances[:, digits] = squared
    return distances


def _float32(scores: Scores) -> NDArray[np.float32]:
    """Rounded, with the same argmax: where rounding makes a tie, the prediction gets the next larger number."""
    logits = scores.astype(np.float32)
    predicted = scores.argmax(axis=1)
    tied = np.flatnonzero(logits.argmax(axis=1) != predicted)
    logits[tied, predicted[tied]] = np.nextafter(logits[tied].max(axis=1), np.float32(np.inf))
    return logits


_SCORES: Mapping[str, Callable[[Pixels, Labels, Pixels], Scores]] = MappingProxyType(
    {"knn": _knn, "class-mean": _class_mean}
)
