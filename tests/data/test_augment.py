"""Augmentation does what its settings say, by the generator it is given and nothing else."""

from __future__ import annotations

import math
import time

import pytest
import torch
from torch import Tensor

from core.data.augment import augment
from core.data.config import DataConfig


def blob(n: int = 64, x: float = 13.5, y: float = 13.5, width: float = 2.0) -> Tensor:
    """A soft spot at (x, y), the same in each of n images."""
    rows, columns = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    spot = torch.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * width**2))
    return spot.expand(n, 1, 28, 28).clone()


def centres(images: Tensor) -> tuple[Tensor, Tensor]:
    mass = images.sum(dim=(1, 2, 3))
    along = torch.arange(28.0)
    return images.sum(dim=(1, 2)) @ along / mass, images.sum(dim=(1, 3)) @ along / mass


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_all_settings_off_is_the_input_itself_and_draws_nothing() -> None:
    images, source = blob(), generator()
    before = source.get_state()
    assert augment(images, DataConfig(), source) is images
    assert torch.equal(source.get_state(), before)


def test_shape_type_and_range_stay() -> None:
    images = torch.rand(9, 1, 28, 28, generator=generator())
    augmented = augment(images, DataConfig(shift=3.0, rotation=20.0, zoom=0.3), generator())
    assert (augmented.shape, augmented.dtype) == (images.shape, images.dtype)
    assert augmented.min() >= 0
    assert augmented.max() <= 1
    assert (
        augment(images.bfloat16(), DataConfig(shift=3.0, rotation=20.0, zoom=0.3), generator()).dtype == torch.bfloat16
    )


def test_a_shift_moves_each_image_by_its_own_amount_up_to_the_limit() -> None:
    x, y = centres(augment(blob(2_000), DataConfig(shift=3.0), generator()))
    for moved in (x - 13.5, y - 13.5):
        assert moved.abs().max() <= 3.001
        assert moved.max() > 2.9
        assert moved.min() < -2.9
        assert moved.mean().abs() < 0.15
        assert len(set(moved.tolist())) > 1_500


def test_a_rotation_turns_about_the_middle_up_to_the_limit_both_ways() -> None:
    x, y = centres(augment(blob(2_000, x=21.5), DataConfig(rotation=30.0), generator()))
    angles = torch.rad2deg(torch.atan2(y - 13.5, x - 13.5))
    assert angles.abs().max() == pytest.approx(30, abs=0.3)
    assert angles.min() < -29
    assert angles.max() > 29
    assert torch.allclose(torch.hypot(x - 13.5, y - 13.5), torch.tensor(8.0), atol=0.05)


def test_a_zoom_grows_and_shrinks_up_to_the_limit() -> None:
    augmented = augment(blob(2_000), DataConfig(zoom=0.25), generator())
    along = torch.arange(28.0) - 13.5
    for across in (2, 3):  # rows summed away: the spread in x; columns: in y
        profile = augmented.sum(dim=(1, across))
        factor = ((profile @ along**2) / profile.sum(1)).sqrt() / 2.0
        assert factor.max() == pytest.approx(1.25, abs=0.04)  # interpolation blurs a little
        assert factor.min() == pytest.approx(0.75, abs=0.04)
    x, y = centres(augment(blob(50), DataConfig(zoom=0.25), generator()))
    assert torch.allclose(torch.stack((x, y)), torch.tensor(13.5), atol=0.01)


def test_background_flows_in_at_the_edges() -> None:
    augmented = augment(torch.ones(500, 1, 28, 28), DataConfig(shift=6.0), generator())
    assert (augmented.amin(dim=(1, 2, 3)) == 0).float().mean() > 0.9


def test_the_generator_alone_decides() -> None:
    images = torch.rand(20, 1, 28, 28, generator=generator())
    torch.manual_seed(1)
    first = augment(images, DataConfig(shift=2.0, rotation=10.0, zoom=0.1), generator(5))
    state = torch.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(augment(images, DataConfig(shift=2.0, rotation=10.0, zoom=0.1), generator(5)), first)
    assert not torch.equal(augment(images, DataConfig(shift=2.0, rotation=10.0, zoom=0.1), generator(6)), first)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)


def test_one_setting_does_not_change_the_draws_of_another() -> None:
    alone, _ = centres(augment(blob(), DataConfig(shift=3.0), generator()))
    zoomed, _ = centres(augment(blob(), DataConfig(shift=3.0, zoom=0.001), generator()))
    assert torch.allclose(alone, zoomed, atol=0.05)


def test_pictures_need_not_be_square() -> None:
    wide = torch.zeros(400, 1, 20, 40)
    wide[:, :, 9:11, 10:30] = 1
    augmented = augment(wide, DataConfig(rotation=45.0), generator())
    mass = augmented.sum(dim=(1, 2, 3))
    assert torch.allclose(mass, torch.tensor(40.0), rtol=0.12)  # a turn keeps the area
    tall = (augmented.sum(dim=3) > 0.3).sum(dim=2).max()
    assert int(tall) == pytest.approx(20 * math.sin(math.pi / 4) + 2, abs=2)


def test_a_batch_takes_less_than_two_milliseconds() -> None:
    images, source = blob(), generator()
    times = []
    for _ in range(50):
        start = time.perf_counter()
        augment(images, DataConfig(shift=2.0, rotation=10.0, zoom=0.1), source)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.002


def test_a_slant_leans_an_upright_line_over_by_up_to_the_limit() -> None:
    line = torch.zeros(2_000, 1, 28, 28)
    line[:, :, 4:24, 13:15] = 1
    augmented = augment(line, DataConfig(shear=20.0), generator())
    along = torch.arange(28.0)
    top, bottom = augmented[:, 0, 6], augmented[:, 0, 21]
    lean = (bottom @ along / bottom.sum(1) - top @ along / top.sum(1)) / 15
    degrees = torch.rad2deg(torch.atan(lean))
    assert degrees.max() == pytest.approx(20, abs=1)
    assert degrees.min() == pytest.approx(-20, abs=1)


def test_bending_moves_places_of_one_image_differently_and_none_too_far() -> None:
    two = torch.maximum(blob(2_000, x=6.5, y=6.5), blob(2_000, x=20.5, y=20.5))
    augmented = augment(two, DataConfig(elastic=2.0), generator())
    first, second = torch.zeros(2_000, 1, 28, 28), torch.zeros(2_000, 1, 28, 28)
    first[:, :, :14, :14], second[:, :, 14:, 14:] = augmented[:, :, :14, :14], augmented[:, :, 14:, 14:]
    for before, after in zip(centres(first), centres(second), strict=True):
        moved, other = before - 6.5, after - 20.5
        assert max(moved.abs().max(), other.abs().max()) < 2.3
        assert (moved - other).abs().mean() > 0.5


def test_thickness_grows_and_shrinks_the_stroke_without_moving_it() -> None:
    line = torch.zeros(2_000, 1, 28, 28)
    line[:, :, 4:24, 12:16] = 1  # four pixels wide
    augmented = augment(line, DataConfig(thickness=1.0), generator())
    widths = augmented[:, 0, 14].sum(1)
    assert widths.max() == pytest.approx(6, abs=0.05)
    assert widths.min() == pytest.approx(2, abs=0.05)
    assert torch.allclose(centres(augmented)[0], torch.tensor(13.5), atol=1e-4)
    assert (augmented.min(), augmented.max()) == (0, 1)


def test_a_share_becomes_its_negative_after_all_else_and_changes_no_other_draw() -> None:
    images = torch.rand(1000, 1, 28, 28)
    moved = augment(images, DataConfig(shift=2.0, thickness=0.5), generator())
    some = augment(images, DataConfig(shift=2.0, thickness=0.5, inverted=0.3), generator())
    negative = (some != moved).flatten(1).any(1)
    assert negative.float().mean() == pytest.approx(0.3, abs=0.05)
    assert torch.equal(some[negative], 1 - moved[negative])
    assert torch.equal(augment(images, DataConfig(inverted=1.0), generator()), 1 - images)
    source = generator()
    batches = [augment(images[:1], DataConfig(inverted=0.5), source) for _ in range(200)]
    assert 70 < sum(not torch.equal(batch, images[:1]) for batch in batches) < 130, "each batch of one its own luck"
