"""Small pictures of signed numbers: zero is grey, and less than zero is hatched."""

from __future__ import annotations

import numpy as np

from core.charts.signed import ZERO
from core.charts.tiles import FRAME_COLOUR, GAP, tiles

GREY = [int(ZERO[i : i + 2], 16) for i in (1, 3, 5)]


def test_pictures_stand_in_rows_with_nothing_between_them() -> None:
    sheet = tiles(np.zeros((5, 3, 4), np.float32), columns=4, scale=2)
    assert sheet.shape == (2 * 6 + GAP, 4 * 8 + 3 * GAP, 4)
    assert sheet[0, 0].tolist() == [*GREY, 255]
    assert sheet[0, 8, 3] == 0  # between two pictures
    assert sheet[-1, -1, 3] == 0  # where there is no sixth


def test_more_is_brighter_and_less_is_darker_and_hatched() -> None:
    values = np.array([[[-1.0]], [[0.0]], [[1.0]]], np.float32)
    less, zero, more = (tiles(values[i : i + 1], limit=1.0, scale=12)[..., :3].astype(int) for i in range(3))
    assert less.min() < zero.min() < more.max()
    assert len(np.unique(zero.reshape(-1, 3), axis=0)) == len(np.unique(more.reshape(-1, 3), axis=0)) == 1
    assert len(np.unique(less.reshape(-1, 3), axis=0)) == 2


def test_each_picture_can_have_a_range_of_its_own() -> None:
    values = np.array([[[1.0]], [[0.01]]], np.float32)
    assert np.array_equal(*np.split(tiles(values, limit="unit", columns=1, scale=1)[[0, -1]], 2))
    assert not np.array_equal(*np.split(tiles(values, limit="layer", columns=1, scale=1)[[0, -1]], 2))


def test_a_digit_can_be_seen_over_each_picture_and_one_cell_framed() -> None:
    digit = np.zeros((4, 4), np.uint8)
    digit[1:3, 1:3] = 255
    bare = tiles(np.zeros((2, 2, 2), np.float32), columns=2, scale=8)
    sheet = tiles(np.zeros((2, 2, 2), np.float32), columns=2, scale=8, under=digit, framed=(1, 0))
    assert sheet.shape == bare.shape
    for left in (0, 16 + GAP):
        picture = sheet[:, left : left + 16, :3]
        assert (picture[4, 4:12] == 255).all(), "the upper edge of the ink, inside"
        assert (picture[3, 4:12] == 0).all(), "and outside"
        assert picture[2, 8].tolist() == GREY
        assert (picture[15, :8] == FRAME_COLOUR).all()
        assert picture[13, 2].tolist() == GREY, "inside the frame the picture is as it was"
    assert (bare[..., :3] == GREY)[bare[..., 3] > 0].all()
