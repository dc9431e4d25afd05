"""Which points of a long line are drawn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts.thinning import thin


@st.composite
def lines(draw: st.DrawFn) -> tuple[np.ndarray, int, list[int]]:
    n = draw(st.integers(1, 400))
    seed = draw(st.integers(0, 2**32 - 1))
    values = np.random.default_rng(seed).normal(size=n).cumsum()
    for start in draw(st.lists(st.integers(0, n - 1), max_size=5)):
        values[start : start + draw(st.integers(1, 30))] = np.nan
    return values, draw(st.integers(20, 120)), draw(st.lists(st.integers(0, n - 1), max_size=4))


@given(lines())
def test_thinning_keeps_ends_extremes_and_kept_points_within_the_limit(line: tuple[np.ndarray, int, list[int]]) -> None:
    y, limit, keep = line
    kept = thin(np.arange(len(y)), y, limit, keep)
    assert len(kept) <= max(limit, 0)
    assert (np.diff(kept) > 0).all()
    assert {0, len(y) - 1, *keep} <= set(kept.tolist())
    if np.isfinite(y).any():
        assert np.nanmin(y) in y[kept]
        assert np.nanmax(y) in y[kept]


@given(lines())
def test_thinning_never_bridges_a_gap(line: tuple[np.ndarray, int, list[int]]) -> None:
    y, limit, keep = line
    kept = thin(np.arange(len(y)), y, limit, keep)
    for left, right in itertools.pairwise(kept):
        if not np.isnan(y[[left, right]]).any():
            assert not np.isnan(y[left:right]).any()


@given(lines())
def test_a_short_line_stays_as_it_is(line: tuple[np.ndarray, int, list[int]]) -> None:
    y, _, keep = line
    assert thin(np.arange(len(y)), y, len(y), keep).tolist() == list(range(len(y)))


def test_a_single_excellent_epoch_survives_ten_thousand_points() -> None:
    y = np.ones(10_000)
    y[6_543] = 0.01
    kept = thin(np.arange(10_000), y)
    assert 6_543 in kept
    assert len(kept) <= 300


def test_a_line_that_is_mostly_holes_still_fits_the_limit() -> None:
    y = np.where(np.arange(2_000) % 2, np.nan, 1.0)
    kept = thin(np.arange(2_000), y, 50)
    assert len(kept) <= 50
    assert np.isfinite(y[kept]).sum() > 10


def test_thinning_refuses_what_it_can_not_do() -> None:
    with pytest.raises(ValueError, match="x has 3 points, y has 4"):
        thin([1, 2, 3], [1, 2, 3, 4])
    with pytest.raises(ValueError, match="must stay"):
        thin(range(100), range(100), 10, keep=range(50))
