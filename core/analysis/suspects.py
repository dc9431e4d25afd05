"""Digits that several networks all misread: is the digit odd, or its label wrong? No torch in here.

C. Northcutt, A. Athalye and J. Mueller 2021, "Pervasive label errors in test sets destabilize machine learning benchmarks":
candidates are found by networks that never learned from the image; whether a label is wrong, people have to say.
Letters: R networks, N images, K classes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.analysis.metrics import Labels, Logits, probabilities


@dataclass(frozen=True, eq=False, slots=True)
class Readings:
    """What each network reads in the same images, and how sure it is.

    answers (R, N): the digits read · confidence (R, N): the probability of its own answer · of_label (R, N): that which it
    gives to the label
    """

    answers: NDArray[np.int64]
    confidence: NDArray[np.float64]
    of_label: NDArray[np.float64]


def readings(logits: Sequence[Logits], labels: Labels) -> Readings:
    """logits: R times (N, K), R at least 1 · labels (N,). Raises ValueError for none, or for different shapes."""
    if not logits or any(member.shape != (len(labels), logits[0].shape[1]) for member in logits):
        raise ValueError(f"logits are {[member.shape for member in logits]}, must be ({len(labels)}, classes) for all")
    probs = np.stack([probabilities(member) for member in logits])
    answers = np.stack([member.argmax(axis=1) for member in logits]).astype(np.int64)
    confidence = np.take_along_axis(probs, answers[:, :, None], axis=2)[:, :, 0]
    return Readings(answers, confidence, probs[:, np.arange(len(labels)), labels])


def misread_by_all(read: Readings, labels: Labels, min_confidence: float = 0.0) -> pd.DataFrame:
    """The images that every network misreads, each of them at least so sure of its answer; the most suspicious first.

    Columns index (of the image) · truth (its label) · p_truth (mean probability that the networks give to the label, the score
    by which they are ordered, ascending) · confidence (of the least sure network) · alike (whether all read the same digit)
    """
    least = read.confidence.min(axis=0)
    index = np.flatnonzero((read.answers != labels).all(axis=0) & (least >= min_confidence))
    table = pd.DataFrame(
        {
            "index": index,
            "truth": np.asarray(labels)[index],
            "p_truth": read.of_label.mean(axis=0)[index],
            "confidence": least[index],
            "alike": (read.answers == read.answers[0]).all(axis=0)[index],
        }
    )
    return table.sort_values("p_truth", kind="stable", ignore_index=True)


def right_without(right: NDArray[np.bool_], left_out: Collection[int]) -> tuple[int, int]:
    """How many images are read correctly, and of how many, when these are left out. right (N,) bool · left_out: indices"""
    kept = np.delete(np.asarray(right, bool), sorted(left_out))
    return int(kept.sum()), len(kept)
