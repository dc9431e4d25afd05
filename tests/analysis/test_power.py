"""The chance to find a gap: against made-up races that the real verdict judges, and where it can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from core.analysis.power import power
from core.analysis.statistics import over_seeds
from core.analysis.verdicts import fewest_seeds, verdict_over_seeds


@pytest.mark.parametrize(("seeds", "pairs"), [(6, 1), (7, 3)])
def test_at_the_fewest_seeds_all_of_them_have_to_agree(seeds: int, pairs: int) -> None:
    assert seeds == fewest_seeds(pairs)
    for gap in (0.3, 0.5, 1.0):
        assert power(gap, 0.2, seeds, pairs) == pytest.approx(norm.cdf(gap / 0.2 / 2**0.5) ** seeds, abs=0.07)
    assert power(100, 0.2, seeds - 1, pairs) == 0


def test_it_rises_with_the_gap_and_the_seeds_and_falls_with_the_pairs() -> None:
    chances = [power(gap, 0.2, 9, 1) for gap in (0.0, 0.1, 0.3, 0.5, 1.0, 50.0)]
    assert chances == sorted(chances)
    assert chances[0] < 0.05
    assert chances[-1] == 1
    assert power(0.3, 0.2, 9, 10) < power(0.3, 0.2, 9, 3) < power(0.3, 0.2, 9, 1) < power(0.3, 0.2, 11, 1)


def test_it_is_how_often_the_verdict_names_the_better_one() -> None:
    rng = np.random.default_rng(7)
    named = 0
    for a, b in rng.normal(0, 0.002, (100, 2, 8)):
        comparison = over_seeds(dict(enumerate(0.973 + a)), dict(enumerate(0.97 + b)))
        named += verdict_over_seeds("A", "B", comparison).winner == "a"
    assert named / 100 == pytest.approx(power(0.3, 0.2, 8, 1), abs=0.1)
