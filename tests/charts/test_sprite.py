"""Contact sheets: geometry, marks, and that the digits in it are the digits given."""

from __future__ import annotations

import numpy as np
import pytest

from core.charts import theme
from core.charts.sprite import DARK, FRAME, GAP, LIGHT, SIDE_MARGIN, contact_sheet, enlarge


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def share(sheet: np.ndarray, colour: str) -> float:
    return float((sheet == np.array(rgb(colour), np.uint8)).all(axis=2).mean())


@pytest.fixture
def digits() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (7, 28, 28), dtype=np.uint8)


def test_tiles_stand_in_rows_and_carry_the_given_pixels(digits: np.ndarray) -> None:
    sheet = contact_sheet(digits, columns=3, scale=2)
    cell = 56 + 2 * FRAME + GAP
    assert sheet.dtype == np.uint8
    assert sheet.shape == (3 * cell + GAP, 3 * cell - GAP + 2 * SIDE_MARGIN, 3)
    for i, digit in enumerate(digits):
        top, left = GAP + FRAME + (i // 3) * cell, SIDE_MARGIN + FRAME + (i % 3) * cell
        tile = sheet[top : top + 56, left : left + 56]
        np.testing.assert_array_equal(tile, enlarge(digit, 2)[:, :, None].repeat(3, axis=2))


@pytest.mark.parametrize(("dark", "colours"), [(False, LIGHT), (True, DARK)])
def test_the_sheet_has_the_colour_of_its_page(digits: np.ndarray, dark: bool, colours: tuple[str, ...]) -> None:
    sheet = contact_sheet(digits, columns=4, dark=dark, captions=["x"] * 7)
    assert tuple(sheet[0, 0]) == rgb(colours[0])
    assert tuple(sheet[-1, -1]) == rgb(colours[0])


def test_wrong_tiles_have_a_frame_and_a_white_cross_and_right_ones_have_neither() -> None:
    blank = np.zeros((2, 28, 28), np.uint8)
    sheet = contact_sheet(blank, columns=2, scale=3, marks=[True, False], dark=True)
    assert (sheet[GAP + 40, : FRAME + 1] == rgb(theme.WRONG)).all(), "its wider frame lies within the sheet"
    left, right = np.split(sheet, [sheet.shape[1] // 2], axis=1)
    assert share(left, theme.WRONG) > 0.05
    assert share(right, theme.WRONG) == 0
    assert share(left, "#ffffff") > 0
    assert share(right, "#ffffff") == 0


def test_captions_make_room_for_themselves(digits: np.ndarray) -> None:
    bare = contact_sheet(digits, columns=7)
    single = contact_sheet(digits, columns=7, captions=["7"] * 7)
    two = contact_sheet(digits, columns=7, captions=["7\n99.9 %"] * 7)
    wide = contact_sheet(digits, columns=7, captions=["Contraharmonic"] + [""] * 6)
    assert bare.shape[0] < single.shape[0] < two.shape[0]
    assert single.shape[1] == bare.shape[1] < wide.shape[1]


def test_a_line_wider_than_its_tile_is_broken_between_words_and_rows_beside_each_other_are_level(
    digits: np.ndarray,
) -> None:
    def made(*captions: str) -> np.ndarray:
        return contact_sheet(digits[: len(captions)], columns=2, captions=captions)

    np.testing.assert_array_equal(made("Impulse noise", ""), made("Impulse\nnoise", ""))
    np.testing.assert_array_equal(made("CNN: 8, 84 %", ""), made("CNN: 8,\n84 %", ""))
    assert made("nose", "ear", "x").shape == made("glyph", "jay", "q").shape, "with or without what hangs below a line"


def test_an_arrow_in_a_caption_is_drawn_with_a_sign_that_the_font_has(digits: np.ndarray) -> None:
    arrow, sign = (contact_sheet(digits[:1], columns=1, captions=[text]) for text in ("4→9", "4>9"))
    np.testing.assert_array_equal(arrow, sign)


def test_no_images_make_an_empty_row() -> None:
    assert share(contact_sheet(np.zeros((0, 28, 28), np.uint8), columns=5), LIGHT[0]) == 1


def test_what_does_not_fit_is_refused(digits: np.ndarray) -> None:
    with pytest.raises(ValueError, match="captions has 1 entries for 7 images"):
        contact_sheet(digits, columns=3, captions=["one"])
    with pytest.raises(ValueError, match="columns is 0"):
        contact_sheet(digits, columns=0)


def test_enlarging_keeps_hard_edges() -> None:
    np.testing.assert_array_equal(
        enlarge(np.array([[1, 2]], np.uint8), 2), np.array([[1, 1, 2, 2], [1, 1, 2, 2]], np.uint8)
    )
