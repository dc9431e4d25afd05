"""Do the effects of two settings add up? Accuracies of four cells over seeds in, figures and sentences out. No torch in here.

They add up where changing both settings gives as much as each change alone, taken together. What is left over is the
interaction contrast of the four cells: neither - first - second + both. A larger grid has one for every block of neighbouring
values, and nothing interacts in it exactly where all of them are 0.

A contrast is taken within each seed, and random signs say how often luck alone leaves as much over: exact where a contrast is
as likely above 0 as below (``tests/analysis/test_interactions.py`` counts false claims). Runs of one cell alone that seldom
fall far behind can look like an interaction. All blocks of a grid are read together: p values are raised (Holm) and intervals
widened (Bonferroni).

Sources: R. Boik 1979, "Interactions, partial interactions, and interaction contrasts in the analysis of variance" · R. Fisher
1935, "The design of experiments" (random signs) · S. Holm 1979 · O. Dunn 1961, "Multiple comparisons among means".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.analysis.statistics import sign_flip
from core.analysis.verdicts import ALPHA, fewest_seeds, points_text, times_text

SIGNS = (1, -1, -1, 1)  # of the cells in a contrast: neither, first, second, both

Outcome = Literal["interact", "add up", "unknown"]


@dataclass(frozen=True, slots=True)
class Contrast:
    """The contrast of four cells over the ``seeds`` that ended in all of them, ascending; all effects are fractions.

    by_seed: of the seeds with which all four finished · mean: of these · low, high: its t-interval, 95 % for all blocks
    together (None for one seed) · first, second, both: what the changes do alone and together, means of the same seeds
    smaller: the size of the smaller effect, each averaged over the two values of the other setting · p: of ``sign_flip``
    n_diverged: seeds with which a run diverged, and which count in p alone
    """

    seeds: tuple[int, ...]
    by_seed: tuple[float, ...]
    mean: float
    low: float | None
    high: float | None
    first: float
    second: float
    both: float
    smaller: float
    p: float
    n_diverged: int = 0


@dataclass(frozen=True, slots=True)
class BlockNames:
    """How a sentence calls the settings of four cells and the values that are changed: "dropout", ("0", "0.3")."""

    first: str
    second: str
    first_values: tuple[str, str]
    second_values: tuple[str, str]

    @property
    def settings(self) -> str:
        """The beginning of a sentence about both."""
        return capitalised(f"{self.first} and {self.second}")


def contrast(cells: Sequence[Mapping[int, float | None]], blocks: int = 1) -> Contrast:
    """Four cells (neither, first, second, both), seed -> accuracy (fraction), None where the run diverged.

    A run that diverged lies below every other: such a seed counts as the largest contrast of the others, on the side to which
    it pulls; where it pulls to both, against what the others say. blocks: read together
    Raises ValueError where no seed has a number in all four.
    """
    seeds = tuple(sorted(set(cells[0]).intersection(*cells[1:])))
    rows: list[list[float]] = []
    pulls: list[int] = []  # of each seed with which a run diverged: to which side, 0 for both
    for seed in seeds:
        values = [cell[seed] for cell in cells]
        numbers = [value for value in values if value is not None]
        if len(numbers) == len(values):
            rows.append(numbers)
        else:
            sides = {-sign for sign, value in zip(SIGNS, values, strict=True) if value is None}
            pulls.append(sides.pop() if len(sides) == 1 else 0)
    if not rows:
        raise ValueError("the four cells have no seed in common with an accuracy in each")
    table = np.array(rows)  # (seeds, 4)
    by_seed = table @ np.array(SIGNS)
    neither, first, second, both = table.mean(axis=0)
    largest, mean = float(np.abs(by_seed).max()), float(by_seed.mean())
    side = math.copysign(1.0, mean)
    counted = [*by_seed.tolist(), *(largest * (pull or -side) for pull in pulls)]
    p = sign_flip(counted) if side * sum(counted) > 0 else 1.0
    effects = ((first - neither + both - second) / 2, (second - neither + both - first) / 2)
    low, high = _interval(by_seed.tolist(), blocks)
    return Contrast(
        seeds, tuple(by_seed.tolist()), mean, low, high, float(first - neither), float(second - neither),
        float(both - neither), float(min(map(abs, effects))), p, len(pulls),
    )  # fmt: skip


def _interval(values: Sequence[float], blocks: int) -> tuple[float | None, float | None]:
    """Of the mean, so wide that 95 times in 100 those of all blocks hold (Bonferroni); None for one value."""
    from scipy.special import stdtrit

    n = len(values)
    if n < 2:
        return None, None
    half = float(stdtrit(n - 1, 1 - ALPHA / (2 * blocks))) * float(np.std(values, ddof=1)) / math.sqrt(n)
    mean = float(np.mean(values))
    return mean - half, mean + half


def outcome_of(figures: Contrast, p: float, blocks: int = 1) -> Outcome:
    """What four cells show. p: after Holm over all blocks

    They interact where luck seldom leaves so much over. They add up, as far as can be told, where even the ends of the
    interval are smaller than the smaller effect: had one change spoilt what the other brings, it would have been seen.
    """
    if len(figures.seeds) < fewest_seeds(blocks):
        return "unknown"
    if p < ALPHA and figures.mean:
        return "interact"
    ends = [abs(end) for end in (figures.low, figures.high) if end is not None]
    certain = p >= ALPHA and not figures.n_diverged and ends and max(ends) < figures.smaller
    return "add up" if certain else "unknown"


def sentence_of(
    names: BlockNames,
    figures: Contrast,
    outcome: Outcome,
    p: float,
    *,
    blocks: int = 1,
    measured: str = "accuracy",
    images: str = "",
    wide: tuple[float, float] | None = None,
    early: str = "",
) -> str:
    """What four cells show, with the figures. measured: such as "test accuracy" · images: such as "these 360 test images"

    wide: 95 % interval of the contrast with other seeds and other test images · early: why nothing may be said yet, "" where
    it may
    """
    word = "gains" if min(figures.first, figures.second) > 0 else "effects"
    where = f" on {images}" if images else ""
    heads: Mapping[Outcome, str] = {
        "interact": f"{names.settings}: their {word} do not add up{where}.",
        "add up": f"{names.settings}: their {word} add up{where}, as far as {len(figures.seeds)} seeds can tell.",
        "unknown": f"{names.settings}: whether their {word} add up can not be told{where}.",
    }
    first, second = (
        f"{name} from {' to '.join(values)}"
        for name, values in ((names.first, names.first_values), (names.second, names.second_values))
    )
    left_over = f"{points_text(abs(figures.mean))} {_side(figures.mean)} than the sum"
    effects = (
        f"{capitalised(first)} alone changes {measured} by {signed_points(figures.first)} percentage points, {second} alone by "
        f"{signed_points(figures.second)}, both together by {signed_points(figures.both)}: {left_over}, "
        f"{_over(figures, blocks)}."
    )
    if wide is not None and outcome == "interact" and wide[0] <= 0 <= wide[1]:
        effects += " With other test images it could be the other way round."
    return f"{heads[outcome]} {effects} {early or _reason(figures, outcome, p, blocks)}"


def _over(figures: Contrast, blocks: int) -> str:
    """Over how many seeds, with how many of them it is on the same side, and the interval of what is left over."""
    n = len(figures.by_seed)
    over = f"over {n} seed{'s' * (n > 1)}"
    if figures.n_diverged:
        over += " with which all four finished"
    if figures.low is None or figures.high is None:
        return over
    n_same = sum(value * figures.mean > 0 for value in figures.by_seed)
    together = f" for all {blocks} blocks together" if blocks > 1 else ""
    interval = f"95 %{together} {signed_points(figures.low)} to {signed_points(figures.high)}"
    return f"{over} ({_side(figures.mean)} with {n_same} of them; what is left over: {interval})"


def _side(mean: float) -> str:
    return "more" if mean >= 0 else "less"


def _reason(figures: Contrast, outcome: Outcome, p: float, blocks: int) -> str:
    n, needed = len(figures.seeds), fewest_seeds(blocks)
    raised = f", counting all {blocks} blocks" if blocks > 1 else ""
    luck = f"Luck alone leaves as much over {times_text(p)}{raised}."
    if n < needed:
        return f"{n} seed{'s are' if n > 1 else ' is'} too few: at least {needed} are needed to tell."
    if outcome == "add up":
        return f"{luck} Had one change spoilt what the other brings, it would have been seen."
    if outcome == "unknown" and figures.n_diverged:
        return f"{luck} A run that diverged has no accuracy to add."
    if outcome == "unknown":
        return f"{luck} But what is left over could be as large as the smaller effect itself."
    return luck


def capitalised(text: str) -> str:
    """The beginning of a sentence."""
    return text[:1].upper() + text[1:]


def signed_points(fraction: float) -> str:
    """A difference of accuracies in percentage points: "+0.42", "-0.38", "0.00"."""
    text = points_text(fraction)
    return text if text.startswith("-") or text == "0.00" else f"+{text}"
