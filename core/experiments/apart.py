"""Whether what was measured of contestants tells them apart, or luck could have done it: all pairs that matter together.

With enough seeds each seed counts as one measurement (``verdict_over_seeds``). With fewer, one is ahead where every run of it
beats every run of the other, by more than the luck of the images. Two single runs are compared image by image where their
answers are at hand. No torch in here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from core.analysis.metrics import accuracy_interval
from core.analysis.statistics import holm, over_seeds, paired
from core.analysis.verdicts import ALPHA, FEWEST_SEEDS, verdict_for_pair, verdict_over_seeds
from core.experiments.measures import Measure, shown
from core.fields import SPLIT_WORDS, SplitName

Right = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a contestant. values: one a seed, in the unit that is shown; None of a run that diverged

    n: images each was measured on, 0 where no image is asked · split: of which they are
    """

    label: str
    values: tuple[float | None, ...]
    n: int
    split: SplitName | None

    @property
    def numbers(self) -> tuple[float, ...]:
        """Of the runs that did not diverge."""
        return tuple(value for value in self.values if value is not None)

    @property
    def mean(self) -> float | None:
        """None where every run diverged."""
        return sum(self.numbers) / len(self.numbers) if self.numbers else None

    @property
    def images(self) -> str:
        """Such as "360 test images"; "" where no image is asked."""
        return f"{self.n:,} {SPLIT_WORDS[self.split]} images" if self.split else ""


@dataclass(frozen=True, slots=True)
class Apart:
    """Two contestants by label. ahead: whoever is better beyond luck, "" for neither · sentence: why"""

    a: str
    b: str
    ahead: str
    sentence: str


def by_rank(measure: Measure, measured: Sequence[Measured]) -> tuple[str, ...]:
    """The labels, best first: the largest where no direction is better. Whoever diverged with half of the seeds or more comes
    behind all others, for such a run loses against every one that finished."""

    def place(one: Measured) -> tuple[bool, float]:
        return 2 * one.values.count(None) >= max(1, len(one.values)), -_goodness(measure, one.mean)

    return tuple(one.label for one in sorted(measured, key=place))


def judge(
    measure: Measure, pairs: Sequence[tuple[Measured, Measured]], right: Mapping[str, Right]
) -> tuple[Apart, ...]:
    """Each pair, careful enough for all of them: that one of several is luck is likelier than that a single one is.

    right: of contestants with one run, which images it read, (n,) bool, the same images for all
    """
    measured = [one for pair in pairs for one in pair]
    if not measured:
        return ()
    n_values = min(len(one.values) for one in measured)
    if measure.exact and not measure.of_baseline:  # of a baseline the images it is asked about are luck, too
        return tuple(_counted(measure, a, b) for a, b in pairs)
    if n_values >= FEWEST_SEEDS:
        return _over_seeds(measure, pairs)
    if n_values == 1 and all(one.label in right for one in measured):
        return _image_by_image(measure, pairs, right)
    return tuple(_by_shares(measure, a, b, len(pairs)) for a, b in pairs)


def _goodness(measure: Measure, value: float | None) -> float:
    """The higher, the better."""
    if value is None:
        return -math.inf
    return -value if measure.higher_is_better is False else value


def _means(measure: Measure, a: Measured, b: Measured) -> str:
    parts = [
        f"{one.label} {'diverged' if one.mean is None else shown(one.mean, measure.unit, measure.decimals)}"
        for one in (a, b)
    ]
    return ", ".join(parts)


def _counted(measure: Measure, a: Measured, b: Measured) -> Apart:
    first, second = (_goodness(measure, one.mean) for one in (a, b))
    ahead = "" if first == second else a.label if first > second else b.label
    return Apart(a.label, b.label, ahead, f"{measure.heading}: {_means(measure, a, b)}.")


def _over_seeds(measure: Measure, pairs: Sequence[tuple[Measured, Measured]]) -> tuple[Apart, ...]:
    figures = []
    for a, b in pairs:
        worst = min(_goodness(measure, value) for value in (*a.numbers, *b.numbers)) if a.numbers or b.numbers else 0.0
        # Nothing below 0, which is where a run that diverged stands; accuracies stay fractions.
        sides = [
            {
                seed: None
                if value is None
                else value / 100
                if measure.is_accuracy
                else _goodness(measure, value) - worst
                for seed, value in enumerate(one.values)
            }
            for one in (a, b)
        ]
        figures.append(over_seeds(sides[0], sides[1]))
    raised = holm([seeds.p for seeds in figures])
    judged = []
    for (a, b), seeds, p in zip(pairs, figures, raised, strict=True):
        verdict = verdict_over_seeds(a.label, b.label, seeds, p, measured=measure.title, images=a.images)
        ahead = {"a": a.label, "b": b.label, "none": ""}[verdict.winner]
        if measure.is_accuracy:
            judged.append(Apart(a.label, b.label, ahead, verdict.sentence))
            continue
        conclusion = f"{ahead} is ahead, and luck would hardly do that" if ahead else "the two can not be told apart"
        sentence = f"{measure.heading}, mean of {len(seeds.seeds)}: {_means(measure, a, b)}; {conclusion}."
        judged.append(Apart(a.label, b.label, ahead, sentence))
    return tuple(judged)


def _image_by_image(
    measure: Measure, pairs: Sequence[tuple[Measured, Measured]], right: Mapping[str, Right]
) -> tuple[Apart, ...]:
    figures = [paired(right[a.label], right[b.label]) for a, b in pairs]
    raised = holm([pair.mid_p for pair in figures])
    judged = []
    for (a, b), pair, p in zip(pairs, figures, raised, strict=True):
        images = f"{SPLIT_WORDS[a.split]} images" if a.split else "images"
        verdict = verdict_for_pair(a.label, b.label, pair, p, images=images)
        ahead = {"a": a.label, "b": b.label, "none": ""}[verdict.winner]
        judged.append(Apart(a.label, b.label, ahead, verdict.sentence))
    return tuple(judged)


def _by_shares(measure: Measure, a: Measured, b: Measured, n_pairs: int) -> Apart:
    """Two shares of images are apart where 0 lies outside the interval of their gap (R. Newcombe 1998, method 10), which takes
    the images of both for different ones and so is careful where they are the same. n_pairs: as many intervals hold together
    95 times in 100 (Bonferroni)."""
    means = _means(measure, a, b)
    is_compared = measure.is_accuracy and a.n and b.n and None not in (*a.values, *b.values)
    if not is_compared or a.mean is None or b.mean is None:
        return Apart(a.label, b.label, "", f"{measure.heading}: {means}. So few runs can not tell them apart.")
    share_a, share_b = a.mean / 100, b.mean / 100
    z = NormalDist().inv_cdf(1 - ALPHA / n_pairs / 2)
    (low_a, high_a), (low_b, high_b) = accuracy_interval(share_a, a.n, z), accuracy_interval(share_b, b.n, z)
    gap = abs(share_a - share_b)
    half = (
        math.hypot(share_a - low_a, high_b - share_b)
        if share_a > share_b
        else math.hypot(share_b - low_b, high_a - share_a)
    )
    best, worst = sorted((a, b), key=lambda one: one.mean or 0.0, reverse=True)
    ahead = best.label if gap > half and min(best.numbers) > max(worst.numbers) else ""
    conclusion = "luck would hardly do that" if ahead else "that could be luck"
    return Apart(a.label, b.label, ahead, f"{measure.heading}: {means}; {conclusion}.")
