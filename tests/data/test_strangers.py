"""Drawings that are no digit: repeatable, prepared as the pad prepares, pairs only where there are digits."""

from __future__ import annotations

import numpy as np
import pytest

from core.data import strangers as module
from core.data.dataset import Dataset
from core.data.drawn import INK_SIDE_PIXELS
from core.data.pen import with_pen
from core.data.strangers import KINDS, crossing, strangers


def test_equal_seeds_draw_equal_strangers_of_the_pads_size(digits: Dataset) -> None:
    made = strangers(24, 3, digits.train_images[:20])
    np.testing.assert_array_equal(made, strangers(24, 3, digits.train_images[:20]))
    assert not (made == strangers(24, 4, digits.train_images[:20])).all()
    assert made.shape == (24, 28, 28)
    for image in made:
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == INK_SIDE_PIXELS
    assert strangers(0, 3, digits.train_images[:1]).shape == (0, 28, 28)


def test_a_share_is_made_of_two_digits_and_none_without_digits(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAIR_SHARE", 1.0)
    ones = digits.train_images[digits.train_labels == 1][:5]
    pairs = strangers(30, 0, ones)
    widths = [np.ptp(np.flatnonzero(image.any(axis=0))) + 1 for image in pairs]
    alone = max(np.ptp(np.flatnonzero(image.any(axis=0))) + 1 for image in ones)
    assert np.mean(widths) > alone, "two ones are wider than one"
    drawn = strangers(len(KINDS), 0, ones[:0])
    assert len(drawn) == len(KINDS)


def test_digits_that_cross_are_drawn_alike_by_equal_seeds_with_more_ink_than_one(digits: Dataset) -> None:
    before = digits.train_images[:20].copy()
    pairs = crossing(30, 3, digits.train_images[:20])
    np.testing.assert_array_equal(digits.train_images[:20], before)
    np.testing.assert_array_equal(pairs, crossing(30, 3, digits.train_images[:20]))
    assert not (pairs == crossing(30, 4, digits.train_images[:20])).all()
    assert (pairs > 0).mean() > (with_pen(digits.train_images[:20], 3) > 0).mean()
    assert crossing(0, 3, digits.train_images[:1]).shape == (0, 28, 28)
