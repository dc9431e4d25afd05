"""The Pareto front against its definition, point by point."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analysis.pareto import pareto_front

# Few different values, so that ties are the rule.
POINTS = st.lists(st.tuples(st.sampled_from([0, 1, 2, 3, np.nan]), st.sampled_from([0, 1, 2, 3, np.nan])), max_size=12)


@given(POINTS)
def test_a_point_is_on_the_front_when_nobody_is_at_least_as_good_twice_and_better_once(points) -> None:
    x, y = np.array(points, np.float64).reshape(-1, 2).T
    expected = [
        not np.isnan([a, b]).any() and not any(c <= a and d >= b and (c < a or d > b) for c, d in points)
        for a, b in points
    ]
    assert pareto_front(x, y).tolist() == expected


def test_the_cheapest_and_the_best_are_on_the_front_and_a_dear_bad_one_is_not() -> None:
    assert pareto_front([10, 100, 50, 1000], [0.9, 0.95, 0.8, 0.99]).tolist() == [True, True, False, True]
    assert pareto_front([], []).tolist() == []


def test_two_lists_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="x has 2 points, y has 1"):
        pareto_front([1, 2], [1])
