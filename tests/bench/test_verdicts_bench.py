"""The bench of verdicts: its noise is what it says, its judge is the product's, and halves of the images are told apart."""

from __future__ import annotations

import numpy as np
import pytest

from bench import verdicts
from core.analysis.statistics import over_seeds, sign_flip
from core.analysis.verdicts import verdict_over_seeds


@pytest.mark.parametrize("name", verdicts.EVEN)
def test_both_are_equally_likely_to_win_where_a_winner_is_false(name: str) -> None:
    rng = np.random.default_rng(0)
    a, b = (verdicts.EVEN[name](rng, number, 100_000) for number in (0, 1))
    assert (a > b).mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("name", verdicts.EQUAL_MEANS)
def test_where_means_are_equal_the_skewed_one_wins_more_often(name: str) -> None:
    rng = np.random.default_rng(0)
    a, b = (verdicts.EQUAL_MEANS[name](rng, number, 100_000) for number in (0, 1))
    assert a.mean() == pytest.approx(b.mean(), abs=0.01)
    assert (a > b).mean() > 0.65


def test_the_judge_is_the_products_own() -> None:
    rng = np.random.default_rng(3)
    named = set()
    for gap in (0.0, 0.3, 0.6):
        accuracies = verdicts.race(rng, verdicts.EVEN["symmetric, sd 0.2"], 3, 7, gap)
        for (a, b), p in verdicts.raised_p(accuracies).items():
            assert p >= sign_flip(accuracies[a] - accuracies[b])
            comparison = over_seeds(dict(enumerate(accuracies[a])), dict(enumerate(accuracies[b])))
            expected = verdict_over_seeds("a", "b", comparison, p).winner
            assert verdicts.winner(accuracies[a], accuracies[b], p) == expected
            named.add(expected)
    assert named == {"a", "none"}


def test_luck_names_few_and_a_large_gap_is_found() -> None:
    assert verdicts.false_winners(verdicts.EVEN["one skewed, sd 0.1"], 2, 8, 40) <= 0.15
    assert verdicts.found(1.0, 2, 6, 20) >= 0.9


def test_the_gap_of_one_half_of_the_images_is_held_more_often_by_the_wider_range() -> None:
    """Six seeds that nearly agree on 360 images: seeds alone say little about other images."""
    rng = np.random.default_rng(0)
    hard = rng.random((2, 1, 360)) < [[[0.9]], [[0.86]]]
    right_a, right_b = hard ^ (rng.random((2, 6, 360)) < 0.01)
    narrow, wide = verdicts.halves(right_a, right_b, 60)
    assert narrow < 0.6
    assert wide > narrow + 0.2
