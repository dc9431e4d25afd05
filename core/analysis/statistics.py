"""Is a gap between networks more than luck? Right answers and accuracies in, numbers out. No torch, no pandas.

Two questions, two kinds of evidence. One trained network against another: which images did each alone read (``paired``).
One architecture against another: how do they do over several seeds (``over_seeds``). What the numbers mean is said in words
by ``core.analysis.verdicts``.

Sources: Q. McNemar 1947, "Note on the sampling error of the difference between correlated proportions or percentages" ·
M. Fagerland, S. Lydersen and P. Laake 2013, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are better
than exact conditional" · S. Holm 1979, "A simple sequentially rejective multiple test procedure" · W. Cochran 1950, "The
comparison of percentages in matched samples" · X. Bouthillier et al. 2021, "Accounting for variance in machine learning
benchmarks" · R. Tang et al. 2020, "Showing your work doesn't always work".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z_95 = 1.959964  # between minus and plus so many standard deviations lie 95 % of a normal distribution
ALL_SIGNS_UP_TO = 16  # seeds; 65,536 patterns
RANDOM_SIGNS = 100_000
WIN_RATE_RESAMPLES = 20_000  # so many that the ends of the interval move by less than the step between two shares
IMAGE_RESAMPLES = 2_000

Right = NDArray[np.bool_]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Paired:
    """Two trained networks on the same ``n`` images: how many both, only one, or neither read correctly; these add up to n.

    difference: accuracy of a minus accuracy of b, a fraction, with its 95 % interval ``low`` .. ``high`` (of no width where
    the two agree on every image) · exact, mid_p: McNemar's p values, the second being the one to judge by
    """

    n: int
    both: int
    only_a: int
    only_b: int
    neither: int
    difference: float
    low: float
    high: float
    exact: float
    mid_p: float


@dataclass(frozen=True, slots=True)
class MeanSd:
    """Mean over ``n`` seeds, standard deviation (n - 1) and 95 % t-interval of the mean; None where one value has none."""

    n: int
    mean: float
    sd: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Seeds:
    """Two conditions over the ``seeds`` that both have, ascending.

    difference: mean of a minus b over the seeds that both finished with, a fraction, None without such a seed; with its 95 %
    t-interval (None for one) · p: of ``sign_flip`` · win_rate: P(a run of a beats a run of b) with its 95 % interval
    diverged_a, diverged_b: seeds with which a run diverged; it loses against every run that finished
    """

    seeds: tuple[int, ...]
    difference: float | None
    low: float | None
    high: float | None
    p: float
    win_rate: float
    win_rate_low: float
    win_rate_high: float
    diverged_a: tuple[int, ...] = ()
    diverged_b: tuple[int, ...] = ()

    @property
    def a_is_ahead(self) -> bool:
        """On average; by the share of won pairs where runs diverged, for those have no accuracy to average."""
        return (
            self.win_rate > 0.5
            if self.difference is None or self.diverged_a or self.diverged_b
            else self.difference >= 0
        )


def paired(right_a: Right, right_b: Right) -> Paired:
    """McNemar's comparison. right_a, right_b: (N,) bool, the same images in the same order, N > 0; else ValueError."""
    a, b = np.asarray(right_a), np.asarray(right_b)
    if a.dtype != bool or b.dtype != bool or a.ndim != 1 or a.shape != b.shape or not len(a):
        raise ValueError(
            f"answers are {a.dtype}{a.shape} and {b.dtype}{b.shape}, must be bool of one length, at least one image"
        )
    n, both, only_a, only_b = len(a), int((a & b).sum()), int((a & ~b).sum()), int((~a & b).sum())
    gap = only_a - only_b
    half = Z_95 * math.sqrt(only_a + only_b - gap * gap / n) / n
    return Paired(
        n, both, only_a, only_b, n - both - only_a - only_b,
        gap / n, max(-1.0, gap / n - half), min(1.0, gap / n + half), *mcnemar(only_a, only_b),
    )  # fmt: skip


def mcnemar(only_a: int, only_b: int) -> tuple[float, float]:
    """Two-sided p values ``(exact, mid-p)`` for the images that one network alone read; (1, 1) where there are none.

    Were both equally good, each such image would be the toss of a coin. The exact value is needlessly careful, mid-p kept
    its level in all 9,595 cases that Fagerland et al. looked at. Raises ValueError for a negative count.
    """
    from scipy.special import betaincc

    if min(only_a, only_b) < 0:
        raise ValueError(f"counts are {only_a} and {only_b}, must not be negative")
    tosses, fewer = only_a + only_b, min(only_a, only_b)
    if not tosses:
        return 1.0, 1.0
    # The binomial distribution as an incomplete beta function, which scipy knows to more digits than bdtr (1e-11 at 3,000).
    up_to = float(betaincc(fewer + 1, tosses - fewer, 0.5))  # P(at most so few heads)
    below = float(betaincc(fewer, tosses - fewer + 1, 0.5)) if fewer else 0.0
    if only_a == only_b:
        return 1.0, 1 - (up_to - below) / 2
    return 2 * up_to, up_to + below


def holm(p_values: Sequence[float]) -> list[float]:
    """p values of tests that are read together, raised so that any of them is wrongly small with 5 % at most, in their order.

    Raises ValueError for a value outside 0..1.
    """
    p = np.asarray(p_values, np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p values are {list(p_values)}, each must be between 0 and 1")
    order = np.argsort(p, kind="stable")
    raised = np.empty(len(p))
    raised[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return [float(value) for value in raised]


def cochran_q(right: Right) -> tuple[float, int, float]:
    """Do any of R networks differ? right (R, N) bool -> ``(Q, degrees of freedom R - 1, p)``; p = 1 where all agree.

    To be asked before any pair of three or more is looked at. p from the chi-square distribution, so for many images on
    which they disagree. Raises ValueError for fewer than two networks.
    """
    from scipy.special import chdtrc

    right = np.asarray(right, bool)
    if right.ndim != 2 or len(right) < 2:
        raise ValueError(f"right answers are {right.shape}, must be (networks, images) with two networks at least")
    networks = len(right)
    per_network, per_image = right.sum(axis=1).astype(np.float64), right.sum(axis=0).astype(np.float64)
    total = per_image.sum()
    disagreement = networks * total - (per_image**2).sum()
    if disagreement == 0:
        return 0.0, networks - 1, 1.0
    q = (networks - 1) * (networks * (per_network**2).sum() - total**2) / disagreement
    return float(q), networks - 1, float(chdtrc(networks - 1, q))


def mean_sd(values: Sequence[float]) -> MeanSd:
    """Mean and t-interval over seeds. Raises ValueError for no value, or one that is not finite."""
    from scipy.special import stdtrit

    numbers = _finite(values)
    n, mean = len(numbers), float(numbers.mean())
    if n == 1:
        return MeanSd(1, mean, None, None, None)
    sd = float(numbers.std(ddof=1))
    half = float(stdtrit(n - 1, 0.975)) * sd / math.sqrt(n)
    return MeanSd(n, mean, sd, mean - half, mean + half)


def sign_flip(differences: Sequence[float]) -> float:
    """Two-sided permutation p value of paired differences: how often random signs give a sum as far from 0 as theirs.

    Exact, over all 2^R patterns of signs, up to 16 differences; beyond that from 100,000 random patterns with a fixed seed.
    It can not be below 2 / 2^R: 0.0625 for 5 seeds, 0.03125 for 6. Raises ValueError for none, or one that is not finite.
    """
    numbers = _finite(differences)
    n, observed = len(numbers), abs(numbers.sum())
    as_far = observed - 1e-9 * np.abs(numbers).sum()  # equal sums differ in their last bits
    if n <= ALL_SIGNS_UP_TO:
        return float((np.abs(_all_signs(n) @ numbers) >= as_far).mean())
    signs = 1 - 2 * np.random.default_rng(0).integers(0, 2, (RANDOM_SIGNS, n), np.int8)
    return float((1 + (np.abs(signs @ numbers) >= as_far).sum()) / (1 + RANDOM_SIGNS))


@lru_cache(maxsize=ALL_SIGNS_UP_TO)
def _all_signs(n: int) -> Numbers:
    """Every pattern of n signs: (2^n, n) of -1 and 1, read-only."""
    signs: Numbers = np.where(np.arange(2**n)[:, None] >> np.arange(n) & 1, -1.0, 1.0)
    signs.flags.writeable = False
    return signs


def win_rate(a: Sequence[float], b: Sequence[float]) -> tuple[float, float, float]:
    """P(a value of a is above a value of b) over all pairs, ties one half, and its 95 % interval ``(share, low, high)``.

    Percentile bootstrap, 20,000 resamples of either side with a fixed seed. Where every a beats every b the interval has no
    width however few they are, so it needs a p value beside it. Raises ValueError for no value, or one that is not finite.
    """
    left, right = _finite(a), _finite(b)
    wins = (left[:, None] > right) + 0.5 * (left[:, None] == right)
    # Half of the resamples with the streams exchanged, so that exchanging a and b gives exactly the mirrored interval.
    shares = np.concatenate(
        [((_redrawn(len(left), i) @ wins) * _redrawn(len(right), 1 - i)).sum(axis=1) / wins.size for i in (0, 1)]
    )
    low, high = np.quantile(shares, (0.025, 0.975))
    return float(wins.mean()), float(low), float(high)


@lru_cache(maxsize=32)
def _redrawn(n: int, stream: int) -> Numbers:
    """How often each of n runs is drawn, n at a time with replacement: (resamples, n), read-only."""
    counts = np.random.default_rng(stream).multinomial(n, np.full(n, 1 / n), WIN_RATE_RESAMPLES // 2).astype(np.float64)
    counts.flags.writeable = False
    return counts


def over_seeds(a: Mapping[int, float | None], b: Mapping[int, float | None], missing: int = 0) -> Seeds:
    """Two conditions, seed -> accuracy, on the seeds that both have. None: the run diverged, which is lost against a number.

    For the p value a seed that was lost so counts as the largest gap among the others, and where there are no others all of
    them count alike. missing: further seeds, of which one side has no result that anybody knows; they count so against whoever
    is ahead. Raises ValueError where they share no seed.
    """
    seeds = tuple(sorted(a.keys() & b.keys()))
    pairs = [(a[seed], b[seed]) for seed in seeds]
    gaps = [left - right for left, right in pairs if left is not None and right is not None]
    if not seeds:
        raise ValueError(f"seeds {sorted(a)} and {sorted(b)} have none in common")
    over = mean_sd(gaps) if gaps else None
    mean, low, high = (over.mean, over.low, over.high) if over else (None, None, None)
    largest = max(map(abs, gaps), default=0.0) or 1.0
    lost = [largest * ((left is not None) - (right is not None)) for left, right in pairs if None in (left, right)]
    ranked = [[-1.0 if value is None else value for value in side] for side in zip(*pairs, strict=True)]
    comparison = Seeds(
        seeds, mean, low, high, sign_flip(gaps + lost), *win_rate(*ranked),
        diverged_a=tuple(seed for seed in seeds if a[seed] is None),
        diverged_b=tuple(seed for seed in seeds if b[seed] is None),
    )  # fmt: skip
    if missing:
        against = [-largest if comparison.a_is_ahead else largest] * missing
        comparison = replace(comparison, p=max(comparison.p, sign_flip(gaps + lost + against)))
    return comparison


def resampled_accuracies(right: Right) -> Numbers:
    """Accuracies on test sets drawn with replacement from N images: right (R, N) bool -> (resamples, R), a fixed seed.

    All R runs read the same drawn images, so their differences stay paired. Raises ValueError without images.
    """
    right = np.asarray(right, bool)
    if right.ndim != 2 or not right.shape[1]:
        raise ValueError(f"right answers are {right.shape}, must be (runs, images) with one image at least")
    # Images that the same runs read are of one kind, and of most test sets there are few kinds.
    kinds, counts = np.unique(right, axis=1, return_counts=True)
    drawn = np.random.default_rng(0).multinomial(right.shape[1], counts / right.shape[1], IMAGE_RESAMPLES)
    shares: Numbers = drawn.astype(np.float64) @ kinds.T.astype(np.float64) / right.shape[1]
    return shares


def wide_interval(means: Numbers, gaps: Sequence[float]) -> tuple[float, float]:
    """95 % interval for the mean gap with other seeds and other test images: a bootstrap over both.

    means: (resamples,) of the gap over all seeds, on the test sets of ``resampled_accuracies`` · gaps: of each of R >= 2 seeds
    on the real test images. Each mean is moved by Student's t for R seeds: so few, drawn from among themselves, would vary too
    little. Without any luck in the images it is the t-interval of ``mean_sd``, else wider; exchanging the two sides mirrors it.
    Raises ValueError for one seed.
    """
    from scipy.special import stdtrit

    over = mean_sd(gaps)
    if over.sd is None or over.low is None or over.high is None:
        raise ValueError("one seed has no spread, two at least are needed")
    evenly = (np.arange(len(means)) + 0.5) / len(means)
    moves = np.random.default_rng(0).permutation(stdtrit(over.n - 1, evenly)) * over.sd / math.sqrt(over.n)
    low, high = np.quantile(np.concatenate([means + moves, means - moves]), (0.025, 0.975))
    # Two seeds have so long a tail that the resamples do not reach its ends exactly.
    return min(float(low), over.low), max(float(high), over.high)


def expected_best(values: Sequence[float]) -> Numbers:
    """Mean of the best of k among all choices of k trials, k = 1..n: (n,) trials in any order, higher is better -> (n,).

    Unbiased (Tang et al. 2020): it begins at the mean and ends at the maximum. Raises ValueError for no or no finite value.
    """
    rising = np.sort(_finite(values))
    n, place = len(rising), np.arange(len(rising))
    # The best of k is the one at place i (from 0) in C(i, k - 1) of the C(n, k) choices; from k to k + 1 by their ratio.
    chance, curve = np.full(n, 1 / n), np.empty(n)
    for k in range(1, n + 1):
        curve[k - 1] = chance @ rising
        chance = chance * (place - k + 1) * (k + 1) / (k * max(n - k, 1))
    return curve


def _finite(values: ArrayLike) -> Numbers:
    numbers = np.asarray(values, np.float64)
    if numbers.ndim != 1 or not len(numbers) or not np.isfinite(numbers).all():
        raise ValueError(f"values are {values!r}, must be at least one finite number")
    return numbers
