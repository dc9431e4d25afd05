"""What a comparison found, in a few sentences that carry its numbers. No winner unless shown otherwise.

A winner over seeds needs three things: a gap that luck seldom brings up, and a run of the winner that beats a run of the
other often enough, and surely more than half the time (X. Bouthillier et al. 2021, "Accounting for variance in machine
learning benchmarks"). So it wins more often, and that is what is said of it. That it is better on average is not: a network
that seldom falls far behind may show that in none of six runs. Where both win equally often, whatever their luck is like, a
race has a winner in at most 5 of 100 cases (``python -m bench.verdicts``). Two single runs never say anything about their
architectures. No torch in here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from core.analysis.statistics import Paired, Seeds

ALPHA = 0.05  # a gap that luck alone brings up less often than this counts as more than luck
MIN_WIN_RATE = 0.75  # the share of pairs of runs that the better one has to win


def fewest_seeds(pairs: int = 1) -> int:
    """The first number of seeds R at which luck is ruled out when all of them point the same way: their p value is 2 / 2^R,
    and where several pairs are judged together, Holm multiplies the smallest one by their number."""
    return math.floor(math.log2(2 * max(1, pairs) / ALPHA)) + 1


FEWEST_SEEDS = fewest_seeds()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who is better, "none" being the default, and the sentences for the screen.

    finding: what was found, in one sentence · caveat: what it does not say · figures: what the finding rests on
    """

    winner: Literal["a", "b", "none"]
    finding: str
    caveat: str = ""
    figures: str = ""

    @property
    def sentence(self) -> str:
        """All of them in a row."""
        return " ".join(filter(None, (self.finding, self.figures, self.caveat)))


def verdict_for_pair(
    name_a: str, name_b: str, pair: Paired, p: float | None = None, *, images: str = "images"
) -> Verdict:
    """Two trained networks on the same images.

    p: ``pair.mid_p`` after ``holm`` where several pairs are shown; without it pair.mid_p · images: what they read, such as
    "test images"
    """
    caveat = "This speaks about these two trained networks, not about their architectures."
    if pair.only_a == pair.only_b == 0:
        finding = f"{name_a} and {name_b} read exactly the same {pair.both:,} of {pair.n:,} {images}."
        return Verdict("none", finding, caveat)
    alone = f"{name_a} alone read {pair.only_a:,} of them, {name_b} alone {pair.only_b:,}"
    if pair.difference == 0:
        finding = (
            f"{name_a} and {name_b} each read {pair.both + pair.only_a:,} of {pair.n:,} {images}: there is no gap."
        )
        return Verdict("none", finding, caveat, f"{alone}.")
    p = pair.mid_p if p is None else p
    luck = f"A gap like this comes up by luck {_luck(p, pair.mid_p)}."
    ahead, behind = (name_a, name_b) if pair.difference > 0 else (name_b, name_a)
    gap = f"{ahead} read {abs(pair.only_a - pair.only_b):,} more of {pair.n:,} {images} than {behind}"
    if p >= ALPHA:
        return Verdict("none", f"{gap}; that could be luck.", caveat, f"{alone}. {luck}")
    sign: Literal[1, -1] = 1 if pair.difference > 0 else -1
    lead = f"a lead of {points_text(abs(pair.difference))} percentage points (95 % {_to(sign, pair.low, pair.high)})"
    winner: Literal["a", "b"] = "a" if sign > 0 else "b"
    return Verdict(winner, f"{gap}; luck alone would hardly do that.", caveat, f"{alone}: {lead}. {luck}")


def verdict_over_seeds(
    name_a: str,
    name_b: str,
    comparison: Seeds,
    p: float | None = None,
    *,
    measured: str = "accuracy",
    images: str = "",
    to_come: int = 0,
    missing: tuple[int, int] = (0, 0),
    wide: tuple[float, float] | None = None,
) -> Verdict:
    """Two conditions over common seeds: who wins more often. On average a winner leads, too, but that is not what is claimed.

    p: ``comparison.p`` after ``holm`` where several pairs are shown; without it comparison.p
    measured: such as "test accuracy" · images: that it was measured on, such as "these 360 test images"
    to_come: runs of the two that have not ended. Nobody wins before: a test that is asked again after each run, until it
    says yes, says yes by luck far more often than its level.
    missing: planned runs of a and of b without a result that anybody knows; whoever misses one can not win
    wide: 95 % interval of the mean gap, a minus b, with other seeds and other test images
    """
    p = comparison.p if p is None else p
    n, a_is_ahead = len(comparison.seeds), comparison.a_is_ahead
    ahead, behind = (name_a, name_b) if a_is_ahead else (name_b, name_a)
    wins, low, high = comparison.win_rate, comparison.win_rate_low, comparison.win_rate_high
    if not a_is_ahead:
        wins, low, high = 1 - wins, 1 - high, 1 - low
    gap = _mean_gap(comparison, measured, wide)
    if not gap and wins == 0.5:
        return Verdict("none", f"Not distinguishable: no seed finished with both {name_a} and {name_b}.")
    lead = f"{ahead} is ahead of {behind}, {f'on average {gap}' if gap else 'though no seed finished with both'}"
    doubt = f"Not distinguishable: {lead}"
    if comparison.difference == 0:
        doubt = f"Not distinguishable: no gap on average, {gap}"
    luck = f"a gap like this comes up by luck {_luck(p, comparison.p)}"
    beats = f"a run of {ahead} beats a run of {behind} {_in_100(wins)} times in 100 (95 % {_in_100(low)} to {_in_100(high)})"
    if wins == 1:
        beats = f"every run of {ahead} beat every run of {behind}"
    if n < FEWEST_SEEDS:
        few = f"{n} seeds are too few: even if all of them agree, luck does that {_luck(2 / 2**n)}"
        reason = few if n > 1 else "one run each says nothing about which is better"
        return Verdict("none", f"{doubt}. But {reason}. At least {FEWEST_SEEDS} seeds are needed to tell.")
    if missed := missing[0 if a_is_ahead else 1]:
        runs = "1 of its runs" if missed == 1 else f"{missed:,} of its runs"
        return Verdict("none", f"No winner: {lead}. But nobody knows what {runs} would have shown.")
    if p >= ALPHA:
        return Verdict("none", f"{doubt}; {luck}.")
    if wins < MIN_WIN_RATE or low <= 0.5:
        required = f"for a winner we ask for {_in_100(MIN_WIN_RATE)}, and an interval above 50"
        return Verdict("none", f"{doubt}. That is hardly luck, but {beats}; {required}.")
    if to_come:
        runs = "1 run has" if to_come == 1 else f"{to_come:,} runs have"
        return Verdict(
            "none",
            f"Too early to tell: {lead}. But {runs} not ended yet, and who looks often enough sees a gap by luck.",
        )
    where = f" on {images}" if images else ""
    finding = f"{ahead} wins more often than {behind}{where}: {beats}, and {luck}."
    on_average = f"On average, rare bad runs aside, it is ahead by {gap}."
    finding += f" {on_average if gap else 'No seed finished with both, so there is no gap on average.'}"
    return Verdict("a" if a_is_ahead else "b", finding + _doubts(comparison, wide))


def _doubts(comparison: Seeds, wide: tuple[float, float] | None) -> str:
    """What a winner's lead on average does not show, as further sentences."""
    if comparison.low is not None and comparison.high is not None and comparison.low <= 0 <= comparison.high:
        return " On average it may be no better: single runs that fall far behind weigh much."
    if wide is not None and wide[0] <= 0 <= wide[1]:
        return " With other test images it could be the other way round."
    return ""


def _mean_gap(comparison: Seeds, measured: str, wide: tuple[float, float] | None) -> str:
    """How far the one is ahead, such as "1.52 percentage points of accuracy over 6 seeds (95 % 1.31 to 1.73)"; "" where no seed
    finished with both."""
    if comparison.difference is None:
        return ""
    sign = 1 if comparison.a_is_ahead else -1
    difference = f"{points_text(sign * comparison.difference)} percentage points of {measured}"
    if comparison.low is None or comparison.high is None:
        return f"{difference} with one seed"
    diverged = {*comparison.diverged_a, *comparison.diverged_b}
    finished = len(comparison.seeds) - len(diverged)
    over = f"over the {finished} seeds that both finished with" if diverged else f"over {finished} seeds"
    interval = _to(sign, comparison.low, comparison.high)
    if wide is not None:
        interval += f" with other seeds, {_to(sign, *wide)} with other test images, too"
    return f"{difference} {over} (95 % {interval})"


def _to(sign: int, low: float, high: float) -> str:
    """An interval in percentage points, seen from the other side where the sign is -1."""
    return " to ".join(map(points_text, sorted((sign * low, sign * high))))


def _luck(p: float, alone: float | None = None) -> str:
    """A p value in words: "29 times in 100". alone: the value before it was raised for several comparisons."""
    raised = ", counting all pairs compared" if alone is not None and p > alone else ""
    return times_text(p) + raised


def times_text(p: float) -> str:
    """How often luck does something: "29 times in 100". p: a p value"""
    for base in (100, 1_000, 10_000):
        times = round(p * base)
        # Rounding must not move a value to the other side of the level.
        if times and (times < ALPHA * base) == (p < ALPHA):
            return "nearly always" if times == base else f"{times:,} time{'s' * (times > 1)} in {base:,}"
    return f"just under {ALPHA * 100:.0f} times in 100" if p > ALPHA / 2 else "less than once in 10,000 times"


def points_text(fraction: float) -> str:
    """A difference of two accuracies in percentage points: 0.0152 is "1.52"."""
    return f"{100 * fraction:.2f}".replace("-0.00", "0.00")


def _in_100(share: float) -> str:
    """Rounded down: 74.7 is not yet the 75 that are asked for."""
    return f"{math.floor(100 * share + 1e-9)}"
