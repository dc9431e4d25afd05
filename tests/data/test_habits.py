"""Writing habits: each moves as far as its figures say, only the digits it is about, and no other setting's numbers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from core.data import habits
from core.data.augment import augment
from core.data.config import DataConfig
from core.data.habits import with_habits

N = 600


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(*boxes: tuple[int, int, int, int], n: int = N) -> Tensor:
    """Boxes of full ink (top, bottom, left, right; the ends excluded), the same in each of n images."""
    images = torch.zeros(n, 1, 28, 28)
    for top, bottom, left, right in boxes:
        images[:, :, top:bottom, left:right] = 1
    return images


def added(images: Tensor, digit: int) -> Tensor:
    """The ink (n, 28, 28) that its habits add to each image of a digit."""
    return (with_habits(images, torch.full((len(images),), digit), 1.0, generator()) - images)[:, 0]


STEM = (4, 24, 13, 15)  # upright, 2 pixels wide, its middle line at x = 13.5


def test_a_share_of_four_digits_is_rewritten_and_no_other_image_changes() -> None:
    labels = torch.arange(10).repeat(400)
    images = drawn(STEM, (12, 14, 8, 20), n=len(labels))
    changed = with_habits(images, labels, 0.3, generator())
    differs = (changed != images).flatten(1).any(1)
    for digit in range(10):
        share = differs[labels == digit].float().mean()
        assert share == (pytest.approx(0.3, abs=0.07) if digit in (1, 4, 7, 9) else 0), digit
    assert changed.dtype == images.dtype
    assert (changed.min(), changed.max()) == (0, 1)
    assert not (with_habits(images, labels, 0.0, generator()) != images).any()


def test_a_one_gets_a_flag_of_so_many_pixels_and_some_get_a_foot() -> None:
    ink = added(drawn(STEM), 1)
    above, below = ink[:, :20], ink[:, 22:]
    left_of_stem = 13 - (above.amax(1) > 0.5).float().argmax(1)  # pixels, 13 where there is none
    left_of_stem[~(above.amax(1) > 0.5).any(1)] = 0
    longest = habits.FLAG_PIXELS[1] * math.sin(math.radians(habits.FLAG_DEGREES[1]))
    assert left_of_stem.max() == pytest.approx(longest, abs=1.5)
    assert (left_of_stem > 0).float().mean() > 0.95
    assert above[:, :, 17:].max() < 0.5, "no flag points to the right"
    has_foot = (below[:, :, 16:].amax((1, 2)) > 0.5).float().mean()
    assert has_foot == pytest.approx(habits.FOOT_SHARE, abs=0.06)
    assert below[:, :, : 13 - int(habits.FOOT_PIXELS[1]) - 2].max() == 0


def test_a_seven_gets_a_bar_to_both_sides_between_its_bounds() -> None:
    ink = added(drawn(STEM), 7)
    rows = torch.arange(28.0)
    height = (ink.sum(2) @ rows) / ink.sum((1, 2))
    low, high = (4 + 19 * share for share in habits.BAR_HEIGHT)
    assert height.min() == pytest.approx(low, abs=1)
    assert height.max() == pytest.approx(high, abs=1)
    for side in (ink[:, :, :13].flip(2), ink[:, :, 15:]):
        reach = (side.amax(1) > 0.5).sum(1)
        assert reach.max() == pytest.approx(habits.BAR_PIXELS[1], abs=1)
        assert reach.min() >= habits.BAR_PIXELS[0] - 1


CROSS = (STEM, (13, 15, 6, 22))  # its bar lies in the middle


def heights(bars: Tensor) -> Tensor:
    """How many pixels the ink of (n, 28, W) lies below the middle, on average."""
    return (bars.sum(2) @ torch.arange(28.0)) / bars.sum((1, 2)) - 13.5


def test_a_four_crosses_lower_and_is_narrower_by_up_to_the_limit_and_keeps_its_ends() -> None:
    images = drawn(*CROSS)
    changed = images[:, 0] + added(images, 4)
    moved = heights(changed[:, :, 16:18])
    assert moved.min() > -0.1
    assert moved.max() == pytest.approx(habits.MAX_MOVE_PIXELS - 0.5, abs=0.2)  # the bar's upper half is stretched
    width = changed.amax(1).sum(1)
    assert width.max() == pytest.approx(16, abs=0.2)
    assert width.min() == pytest.approx(16 * (1 - habits.MAX_NARROWING), abs=0.5)
    stem = changed[:, :, 13:15].mean(2) > 0.5
    assert bool((stem.float().argmax(1) == 4).all())
    assert bool((stem.sum(1) == 20).all())


def test_a_nine_has_a_higher_middle_a_bulge_to_the_right_and_a_hook_to_the_left() -> None:
    images = drawn(*CROSS)
    changed = images[:, 0] + added(images, 9)
    moved = heights(changed[:, :, 20:22])
    assert moved.max() < 0.1
    assert moved.min() == pytest.approx(0.5 - habits.MAX_MOVE_PIXELS, abs=0.2)
    images = drawn(STEM)
    changed = images[:, 0] + added(images, 9)
    bulge = (changed[:, :, 15:] > 0.5).any(1).sum(1)
    assert bulge.min() == 0
    assert bulge.max() == pytest.approx(habits.MAX_BULGE_PIXELS, abs=0.5)
    reach = 13 - (changed[:, 16:, :13].amax(1) > 0.5).float().argmax(1)
    assert reach.max() == pytest.approx(habits.HOOK_PIXELS[1], abs=1)
    assert reach.min() >= habits.HOOK_PIXELS[0] - 1.5


def test_habits_leave_the_numbers_of_the_other_settings_as_they_are() -> None:
    plain, source = generator(3), generator(3)
    images, labels = drawn(STEM, n=40), torch.arange(10).repeat(4)
    for _ in range(2):
        before = augment(images, DataConfig(shift=3.0), plain, labels)
        after = augment(images, DataConfig(shift=3.0, habits=1.0), source, labels)
        same = (before == after).flatten(1).all(1)
        assert same.tolist() == [int(digit) not in (1, 4, 7, 9) for digit in labels]


def test_an_empty_image_stays_one_that_can_be_learned_from() -> None:
    for digit in (1, 4, 7, 9):
        assert torch.isfinite(added(torch.zeros(8, 1, 28, 28), digit)).all()
