"""How far a race's verdict can be trusted: winners where there is none to be named, and gaps that are found.

    python -m bench.verdicts            # made-up races, 1,000 of each kind
    python -m bench.verdicts --quick    # 100 of each kind, under 20 seconds
    python -m bench.verdicts --halves GROUP_ID …    # of finished races: does one half of the test images hold the other's gap?

A false winner is named although both win equally often: a run of one beats a run of the other in half of all cases. Counted
is the share of races with any. Accuracies are those of 10,000 images; noise is over seeds.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import numpy as np
from scipy.special import ndtri

from core.analysis.power import power
from core.analysis.statistics import (
    Numbers,
    Right,
    holm,
    mean_sd,
    over_seeds,
    resampled_accuracies,
    sign_flip,
    wide_interval,
)
from core.analysis.verdicts import ALPHA, fewest_seeds, verdict_over_seeds
from core.compare.conditions import judged_split
from core.compare.forecast import contestant_pairs
from core.compare.results import rounds
from core.runs.groups import group
from core.runs.store import Store, runs_root

CONTESTANTS, SEEDS, GAPS_POINTS = (2, 3, 5), (6, 8, 10), (0.1, 0.2, 0.3, 0.5, 1.0)
SD_POINTS, IMAGES, LEVEL = 0.2, 10_000, 0.97
BAD_SHARE, BAD_POINTS = 0.15, 1.5  # of a skewed contestant's runs, and how far they fall behind
HALVINGS = 200

Noise = Callable[[np.random.Generator, int, int], Numbers]  # contestant, seeds -> points above the level


def _symmetric(rng: np.random.Generator, _contestant: int, seeds: int) -> Numbers:
    return SD_POINTS * rng.standard_normal(seeds)


def _unequal(rng: np.random.Generator, contestant: int, seeds: int) -> Numbers:
    return (0.05 if contestant % 2 else 0.4) * rng.standard_normal(seeds)


def _skewed(sd: float, lead: float) -> Noise:
    """The first contestant loses 1.5 points in 15 % of its runs, and leads by ``lead`` in all the others."""

    def noise(rng: np.random.Generator, contestant: int, seeds: int) -> Numbers:
        points = sd * rng.standard_normal(seeds)
        if contestant == 0:
            points += lead - BAD_POINTS * (rng.random(seeds) < BAD_SHARE)
        return points

    return noise


def _even_lead(sd: float) -> float:
    """The lead with which a skewed contestant wins half of its pairs: (1 - share) P(its good run wins) = 1/2."""
    return float(ndtri(0.5 / (1 - BAD_SHARE))) * sd * math.sqrt(2)


EVEN: Mapping[str, Noise] = {
    "symmetric, sd 0.2": _symmetric,
    "unequal, sd 0.05 and 0.4": _unequal,
    "one skewed, sd 0.2": _skewed(0.2, _even_lead(0.2)),
    "one skewed, sd 0.1": _skewed(0.1, _even_lead(0.1)),
}
# Equal means: the skewed one does win more often than the others, and that alone is what a verdict claims.
EQUAL_MEANS: Mapping[str, Noise] = {f"one skewed, sd {sd}": _skewed(sd, BAD_SHARE * BAD_POINTS) for sd in (0.2, 0.1)}


def race(rng: np.random.Generator, noise: Noise, contestants: int, seeds: int, gap: float = 0.0) -> list[Numbers]:
    """Accuracies of each contestant by seed, as so many images give them; the first is ``gap`` points above the others."""
    points = [noise(rng, number, seeds) + gap * (number == 0) for number in range(contestants)]
    return [np.round((LEVEL + own / 100) * IMAGES) / IMAGES for own in points]


def raised_p(accuracies: Sequence[Numbers]) -> dict[tuple[int, int], float]:
    """Of every pair, after Holm."""
    pairs = list(combinations(range(len(accuracies)), 2))
    return dict(zip(pairs, holm([sign_flip((accuracies[a] - accuracies[b]).tolist()) for a, b in pairs]), strict=True))


def winner(a: Numbers, b: Numbers, p: float) -> str:
    """Of one pair, by the product's own verdict; p: after Holm."""
    if p >= ALPHA:  # nobody, and the win rate need not be worked out
        return "none"
    return verdict_over_seeds("a", "b", over_seeds(dict(enumerate(a)), dict(enumerate(b))), p).winner


def false_winners(noise: Noise, contestants: int, seeds: int, races: int) -> float:
    """The share of races with any winner."""
    rng, n = np.random.default_rng(0), 0
    for _ in range(races):
        accuracies = race(rng, noise, contestants, seeds)
        n += any(winner(accuracies[a], accuracies[b], p) != "none" for (a, b), p in raised_p(accuracies).items())
    return n / races


def found(gap: float, contestants: int, seeds: int, races: int) -> float:
    """The share of races in which the first, ``gap`` points ahead of all others, is named above the second."""
    rng, n = np.random.default_rng(0), 0
    for _ in range(races):
        accuracies = race(rng, _symmetric, contestants, seeds, gap)
        n += winner(accuracies[0], accuracies[1], raised_p(accuracies)[0, 1]) == "a"
    return n / races


def halves(right_a: Right, right_b: Right, halvings: int = HALVINGS) -> tuple[float, float]:
    """How often the interval of the mean gap from one random half of the test images holds the gap on the other half.

    right_a, right_b: (seeds, images) bool -> (with other seeds only, with other images, too)
    """
    rng, n = np.random.default_rng(0), right_a.shape[1]
    gaps = right_a.astype(np.float64) - right_b
    held = np.zeros(2)
    for _ in range(halvings):
        order = rng.permutation(n)
        here, there = order[: n // 2], order[n // 2 :]
        by_seed = gaps[:, here].mean(axis=1).tolist()
        over = mean_sd(by_seed)
        redrawn = resampled_accuracies(np.concatenate([right_a[:, here], right_b[:, here]]))
        means = (redrawn[:, : len(right_a)] - redrawn[:, len(right_a) :]).mean(axis=1)
        wide = wide_interval(means, by_seed)
        other = gaps[:, there].mean()
        held += [(over.low or 0) <= other <= (over.high or 0), wide[0] <= other <= wide[1]]
    narrow, with_images = held / halvings
    return float(narrow), float(with_images)


def _print_halves(group_ids: Sequence[str]) -> None:
    store = Store(runs_root())
    print("race | pair | seeds | images | mean gap, points | with other seeds | with other images, too")
    for group_id in group_ids:
        shown = group(store, group_id)
        for judged in rounds(shown, store.runs(group=group_id)):
            split = judged_split(judged.members)
            for a, b in combinations(judged.members, 2):
                sides, seeds = (
                    (a.finished(split), b.finished(split)),
                    sorted(a.finished(split).keys() & b.finished(split).keys()),
                )
                kept = [[store.evaluation(side[seed].run_id, split) for seed in seeds] for side in sides]
                right = [np.array([one.logits.argmax(axis=1) == one.labels for one in own if one]) for own in kept]
                narrow, wide = halves(right[0], right[1])
                gap = 100 * (right[0].mean() - right[1].mean())
                print(
                    f"{shown.name} | {a.label}, {b.label} | {len(seeds)} | {right[0].shape[1]:,} | {gap:+.2f} | "
                    f"{narrow:.0%} | {wide:.0%}",
                    flush=True,
                )


def main() -> None:
    parser = argparse.ArgumentParser(description="How far a race's verdict can be trusted.")
    parser.add_argument("--quick", action="store_true", help="100 races of each kind instead of 1,000")
    parser.add_argument("--halves", nargs="+", metavar="GROUP_ID", help="finished races of the store")
    options = parser.parse_args()
    if options.halves:
        _print_halves(options.halves)
        return
    races = 100 if options.quick else 1_000
    plans = [(k, n) for k in CONTESTANTS for n in SEEDS if n >= fewest_seeds(contestant_pairs(k))]
    heads = " | ".join(f"k={k} n={n}" for k, n in plans)
    fewest = ", ".join(f"{k} need {fewest_seeds(contestant_pairs(k))}" for k in CONTESTANTS)
    print(f"{races:,} races each, of k contestants with n seeds. For any winner, contestants need seeds: {fewest}.")

    def line(name: object, *cells: str) -> None:
        print(name, *cells, sep=" | ", flush=True)

    print("\nFalse winners, % of races: both are equally likely to win")
    line("noise, points", heads)
    for name, noise in EVEN.items():
        line(name, *(f"{100 * false_winners(noise, k, n, races):.1f}" for k, n in plans))
    print("\nWinners, % of races: means are equal, and the skewed one truly wins more often")
    line("noise, points", "true win rate", heads)
    for name, noise in EQUAL_MEANS.items():
        rng = np.random.default_rng(1)
        rate = np.mean(noise(rng, 0, 200_000) > noise(rng, 1, 200_000))
        line(name, f"{rate:.0%}", *(f"{100 * false_winners(noise, k, n, races):.1f}" for k, n in plans))
    print("\nPower, % of races: the best one is named above another, sd 0.2 points (in brackets: a plan's forecast)")
    line("gap, points", heads)
    for gap in GAPS_POINTS:
        chances = [(found(gap, k, n, races), power(gap, SD_POINTS, n, contestant_pairs(k))) for k, n in plans]
        line(gap, *(f"{100 * chance:.0f} ({100 * forecast:.0f})" for chance, forecast in chances))


if __name__ == "__main__":
    main()
