"""Digits drawn anew with a pen: lines of one pixel that hold together, and strokes of the pad's own preparation."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from core.data.dataset import Dataset
from core.data.drawn import INK_SIDE_PIXELS
from core.data.pen import middle_lines, with_others_pen, with_pen


def test_a_thinned_stroke_is_one_pixel_wide_and_stays_in_one_piece() -> None:
    ring = np.zeros((2, 20, 20), bool)
    ring[0, 4:16, 4:16] = True
    ring[0, 8:12, 8:12] = False
    ring[1, 8:13, 2:18] = True
    lines = middle_lines(ring)
    assert not (lines & ~ring).any()
    square = np.ones((3, 3))
    for line, hole in zip(lines, (1, 0), strict=True):
        assert ndimage.label(line, structure=square)[1] == 1
        assert ndimage.label(~line)[1] == 1 + hole, "a ring stays a ring"
        assert not ndimage.binary_erosion(line, np.ones((2, 2))).any(), "nowhere two pixels wide and high"
    assert not middle_lines(np.zeros((1, 5, 5), bool)).any()


def test_a_digit_keeps_its_size_and_its_form_and_an_empty_one_is_left_out(digits: Dataset) -> None:
    images = digits.train_images[:12]
    drawn = with_pen(np.concatenate([images, np.zeros((1, 28, 28), np.uint8)]), 3)
    assert drawn.shape == images.shape
    np.testing.assert_array_equal(drawn, with_pen(images, 3))
    assert (drawn != with_pen(images, 4)).any()
    for image, original in zip(drawn, images, strict=True):
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == INK_SIDE_PIXELS
        assert np.corrcoef(image.ravel(), original.ravel())[0, 1] > 0.4
    assert with_pen(images[:0], 0).shape == (0, 28, 28)


def test_others_write_the_same_digits_another_way_and_equal_seeds_alike(digits: Dataset) -> None:
    images = digits.train_images[:12]
    drawn = with_others_pen(20, 3, images)
    assert drawn.shape == (20, 28, 28)
    np.testing.assert_array_equal(drawn, with_others_pen(20, 3, images))
    assert not (drawn == with_others_pen(20, 4, images)).all()
    alone = with_others_pen(5, 3, images[:1])
    assert len(np.unique(alone, axis=0)) == 5, "one digit comes in many ways"
    assert with_others_pen(0, 3, images).shape == (0, 28, 28)
