"""Is a network as often right as it says? Confidence against what came out, from logits and labels. No torch in here.

A network's confidence is the probability that it gives to its own answer. Letters: N images, K = 10 classes, B bins.

Sources: G. Brier 1950, "Verification of forecasts expressed in terms of probability" · M. Naeini, G. Cooper and M. Hauskrecht
2015, "Obtaining well calibrated probabilities using Bayesian binning" · C. Guo et al. 2017, "On calibration of modern neural
networks" (bins of equal width and open to the left, one temperature).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.analysis.metrics import Labels, Logits, losses, probabilities, wilson

N_BINS = 15
FLOOR_DRAWS = 1_000  # perfect networks that the noise floor is taken from
DRAWS_AT_ONCE = 100  # of them: 8 MB of random numbers for 10,000 images
TEMPERATURES = (0.01, 100.0)  # among these the fitted one is searched

Binning = Literal["width", "count"]
Floats = NDArray[np.float64]
Right = NDArray[np.bool_]


class Answers(NamedTuple):
    """confidence (N,): the probability that a network gives to its own answer · right (N,) bool"""

    confidence: Floats
    right: Right


class Floor(NamedTuple):
    """Calibration errors of perfectly calibrated networks, made by luck alone: their median, and what 95 % stay below."""

    median: float
    high: float


@dataclass(frozen=True, eq=False, slots=True)
class Calibration:
    """How sure a network is, and how that compares with how often it is right.

    n: images · accuracy, confidence: share read correctly, mean probability of its own answers
    bins: as ``reliability`` gives them · ece, floor: the expected calibration error over these bins, and what luck makes of it
    loss: mean cross-entropy, nats per image · brier: see ``brier``
    """

    n: int
    accuracy: float
    confidence: float
    bins: pd.DataFrame
    ece: float
    floor: Floor
    loss: float
    brier: float

    @property
    def is_within_floor(self) -> bool:
        """Whether a perfectly calibrated network would come out at least this badly five times in 100."""
        return self.ece <= self.floor.high


def calibration(logits: Logits, labels: Labels, binning: Binning = "width", temperature: float = 1.0) -> Calibration:
    """All figures of a network at once. logits (N, K) finite, labels (N,) 0..9, N at least 1; else ValueError.

    temperature: what the logits are divided by first
    """
    if not len(labels):
        raise ValueError("calibration needs one image at least")
    scaled = np.asarray(logits, np.float64) / temperature
    answers = answers_of(scaled, labels)
    edges = bin_edges(answers.confidence, binning)
    bins = reliability(answers, edges)
    return Calibration(
        len(labels), float(answers.right.mean()), float(answers.confidence.mean()), bins, expected_error(bins),
        noise_floor(answers.confidence, edges), float(losses(scaled, labels).mean()), brier(scaled, labels),
    )  # fmt: skip


def answers_of(logits: Logits, labels: Labels) -> Answers:
    """How sure a network is of each answer, and whether it is right. logits (N, K), labels (N,)."""
    predicted = logits.argmax(axis=1)
    confidence = np.minimum(np.take_along_axis(probabilities(logits), predicted[:, None], axis=1)[:, 0], 1.0)
    return Answers(confidence, predicted == labels)


def bin_edges(confidence: Floats, binning: Binning = "width") -> Floats:
    """Where bins end: (B + 1,) from 0 to 1, ascending; each holds what is above its lower and at most at its upper end.

    "width": 15 of equal width · "count": 15 that hold about the same number of images each, fewer where many images have one
    and the same confidence. confidence (N,), N at least 1
    """
    if binning == "width":
        return np.linspace(0, 1, N_BINS + 1)
    inner = np.unique(np.quantile(confidence, np.linspace(0, 1, N_BINS + 1)[1:-1]))
    return np.concatenate([[0.0], inner[inner < 1], [1.0]])


def reliability(answers: Answers, edges: Floats) -> pd.DataFrame:
    """One row per bin: low, high (its ends) · n (images in it) · right (of them) · confidence (mean) · accuracy · wilson_low,
    wilson_high (95 % interval of the accuracy); NaN where a bin is empty. edges (B + 1,) as from ``bin_edges``
    """
    places, count = _places(answers.confidence, edges), len(edges) - 1
    n = np.bincount(places, minlength=count)
    right = np.bincount(places, weights=answers.right, minlength=count).astype(np.int64)
    sure = np.bincount(places, weights=answers.confidence, minlength=count)
    there = np.maximum(n, 1)
    intervals = np.array([wilson(int(k), int(images)) for k, images in zip(right, n, strict=True)])
    frame = pd.DataFrame(
        {
            "low": edges[:-1], "high": edges[1:], "n": n, "right": right, "confidence": sure / there,
            "accuracy": right / there, "wilson_low": intervals[:, 0], "wilson_high": intervals[:, 1],
        }
    )  # fmt: skip
    frame.loc[n == 0, ["confidence", "accuracy", "wilson_low", "wilson_high"]] = np.nan
    return frame


def expected_error(bins: pd.DataFrame) -> float:
    """ECE: how far confidence and accuracy lie apart in a bin, on average over images. A fraction in [0, 1].

    bins: as from ``reliability``, with one image at least
    """
    gaps = (bins["accuracy"] - bins["confidence"]).abs().fillna(0.0)
    return float((gaps * bins["n"]).sum() / bins["n"].sum())


def noise_floor(confidence: Floats, edges: Floats, draws: int = FLOOR_DRAWS, seed: int = 0) -> Floor:
    """The ECE that a perfectly calibrated network has by luck alone: with these very confidences (N,), and each answer right
    exactly as often as it says. It is never 0, for an answer that is sure by 70 % is either right or wrong.

    draws: such networks that are simulated, by their seed
    """
    order = np.argsort(confidence, kind="stable")
    rising = confidence[order]
    n = len(rising)
    starts = np.flatnonzero(np.diff(_places(rising, edges), prepend=-1))  # of each bin that is not empty
    sure = np.add.reduceat(rising, starts)
    rng = np.random.default_rng(seed)
    errors = []
    for first in range(0, draws, DRAWS_AT_ONCE):
        right = rng.random((min(DRAWS_AT_ONCE, draws - first), n)) < rising
        errors.append(np.abs(np.add.reduceat(right, starts, axis=1, dtype=np.int64) - sure).sum(axis=1) / n)
    median, high = np.quantile(np.concatenate(errors), (0.5, 0.95))
    return Floor(float(median), float(high))


def brier(logits: Logits, labels: Labels) -> float:
    """Mean squared distance between the ten probabilities and the truth (1 for the label, 0 else): 0 is perfect, always being
    sure of something wrong gives 2, guessing among ten digits 0.9. logits (N, K), labels (N,)"""
    probs = probabilities(logits)
    probs[np.arange(len(labels)), labels] -= 1
    return float((probs * probs).sum(axis=1).mean())


def coverage_curve(answers: Answers, points: int = 200) -> pd.DataFrame:
    """What a network reads when it says "I do not know" below a threshold, from answering nearly nothing to answering all.

    One row per threshold: threshold (of the confidence) · answered (images at or above it) · coverage (their share of all) ·
    accuracy (of the answered ones); at most so many rows, ever closer together where nearly all is answered.
    answers: of one image at least
    """
    order = np.argsort(-answers.confidence, kind="stable")
    sure, right = answers.confidence[order], np.cumsum(answers.right[order])
    ends = np.flatnonzero(np.diff(sure, append=-1.0))  # equal confidences are answered together, or not at all
    held_back = np.geomspace(1, len(sure), points - points // 2) - 1
    wanted = np.unique(
        np.rint(np.r_[np.linspace(0, len(sure) - 1, points // 2), len(sure) - 1 - held_back]).astype(int)
    )
    ends = ends[np.unique(np.minimum(np.searchsorted(ends, wanted), len(ends) - 1))]
    answered = ends + 1
    return pd.DataFrame(
        {
            "threshold": sure[ends],
            "answered": answered,
            "coverage": answered / len(sure),
            "accuracy": right[ends] / answered,
        }
    )


@dataclass(frozen=True, slots=True)
class Abstaining:
    """What a threshold does to ``n`` images.

    answered: images whose answer is given · right, wrong: of these · held_back_right, held_back_wrong: of the others
    """

    n: int
    right: int
    wrong: int
    held_back_right: int
    held_back_wrong: int

    @property
    def answered(self) -> int:
        return self.right + self.wrong


def abstaining(answers: Answers, threshold: float) -> Abstaining:
    """A network that gives an answer only where it is at least so sure, and else says "I do not know"."""
    sure = answers.confidence >= threshold
    counts = [int((mask & answers.right).sum()) for mask in (sure, ~sure)]
    wrong = [int((mask & ~answers.right).sum()) for mask in (sure, ~sure)]
    return Abstaining(len(sure), counts[0], wrong[0], counts[1], wrong[1])


def fit_temperature(logits: Logits, labels: Labels) -> float | None:
    """The one number T above 0 by which logits are divided so that the mean loss on these images is smallest (Guo et al. 2017).

    Above 1 a network was too sure, below 1 not sure enough; its answers stay the same. logits (N, K), labels (N,): of
    validation images, never of those that are judged afterwards. None where every image is read correctly (or there is none):
    then the loss only falls as T goes to 0.
    """
    from scipy.optimize import minimize_scalar

    if (logits.argmax(axis=1) == labels).all():
        return None
    numbers = np.asarray(logits, np.float64)

    def mean_loss(log_t: float) -> float:
        return float(losses(numbers / math.exp(log_t), labels).mean())

    bounds = tuple(map(math.log, TEMPERATURES))
    return math.exp(minimize_scalar(mean_loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x)


def _places(confidence: Floats, edges: Floats) -> NDArray[np.intp]:
    """The bin of each confidence: (N,) from 0."""
    return np.searchsorted(edges[1:-1], confidence, side="left")
