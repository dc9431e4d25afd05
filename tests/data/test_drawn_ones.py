"""Ones drawn by rule: as many as asked, in the geometry of MNIST, and nothing else changes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from core.data.augment import augment
from core.data.config import DataConfig
from core.data.drawn import INK_SIDE_PIXELS
from core.data.drawn_ones import N_ONE_DRAWS, draw_ones


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def centres(images: Tensor) -> tuple[Tensor, Tensor]:
    mass = images.sum(dim=(1, 2, 3))
    along = torch.arange(28.0)
    return images.sum(dim=(1, 2)) @ along / mass, images.sum(dim=(1, 3)) @ along / mass


def test_a_share_of_the_ones_is_drawn_anew_and_no_other_digit() -> None:
    images, labels = torch.rand(4_000, 1, 28, 28, generator=generator()), torch.arange(4_000) % 10
    varied = augment(images, DataConfig(drawn_ones=0.3), generator(), labels)
    changed = (varied != images).flatten(1).any(1)
    assert not changed[labels != 1].any()
    assert changed[labels == 1].float().mean().item() == pytest.approx(0.3, abs=0.08)
    assert torch.equal(augment(images, DataConfig(drawn_ones=0.3), generator()), images), "nobody knows which are ones"
    all_of_them = augment(images, DataConfig(drawn_ones=1.0), generator(), labels)[labels == 1]
    assert len(all_of_them.flatten(1).unique(dim=0)) == 400, "each is another one"


def test_drawn_ones_change_nothing_about_how_the_other_digits_vary() -> None:
    images, labels = torch.rand(50, 1, 28, 28, generator=generator()), torch.arange(50) % 10
    sources = [generator() for _ in range(2)]
    settings = {"shift": 2.0, "rotation": 10.0, "thickness": 0.5}
    without, with_ones = (
        augment(images, DataConfig(drawn_ones=share, **settings), source, labels)
        for share, source in zip((0.0, 1.0), sources, strict=True)
    )
    assert torch.equal(without[labels != 1], with_ones[labels != 1])
    assert torch.equal(*(source.get_state() for source in sources)), "nor about those of the next batch"


def test_ones_are_drawn_with_the_geometry_of_mnist() -> None:
    ones = draw_ones(torch.rand(500, N_ONE_DRAWS, generator=generator()))
    assert (ones.shape, ones.min().item(), ones.max().item()) == ((500, 1, 28, 28), 0.0, 1.0)
    x, y = centres(ones)
    for centre in (x, y):
        assert (centre - 14).abs().max() < 0.1
    ink = ones[:, 0] >= 0.5
    sides = torch.stack([ink.any(dim).sum(1) for dim in (1, 2)]).amax(0)
    assert (sides - INK_SIDE_PIXELS).abs().max() <= 1
    plain = draw_ones(torch.tensor([[0.5, 10 / 45, 0.0, 0.0, 0.0, 1.0, 1.0]]))  # upright, without flag and base
    columns = plain[0, 0].sum(0)
    assert (columns > 0.5).nonzero().flatten().tolist() == [13, 14, 15]  # a pen of 3 pixels
    assert (plain[0, 0][6:23, 13:16] == 1).all()
