"""Small pictures of signed numbers: zero is grey, and less than zero is hatched."""

from __future__ import annotations

import numpy as np

from core.charts.signed import ZERO
from core.charts.tiles import GAP, tiles

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
