"""Splits: exact in number, every digit in its share, equal for equal settings, and never overlapping."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from core.data.config import VALIDATION_PRESETS, DataConfig
from core.data.dataset import Dataset
from core.data.split import part_sizes, split, stratified_order
from core.errors import ConfigError

Make = Callable[..., Dataset]
STABLE = [0, 11, 2, 3, 14, 15, 6, 17, 18, 19, 10, 1, 12, 13, 4, 5, 16, 7, 8, 9]  # written down once, NumPy 2.4


@pytest.mark.parametrize("fraction", [0.0, 1 / 12, 1 / 6, 0.2, 1 / 3, 0.5])
@pytest.mark.parametrize("splitting", ["stratified", "blocks"])
def test_the_parts_are_disjoint_ascending_and_exact_in_number(
    make_dataset: Make, fraction: float, splitting: str
) -> None:
    for n in (7, 100, 1_437):
        parts = split(make_dataset(n, splitting), DataConfig(val_fraction=fraction))
        assert len(parts.val) == round(n * fraction)
        both = np.concatenate((parts.train, parts.val))
        assert np.array_equal(np.sort(both), np.arange(n))
        for part in (parts.train, parts.val):
            assert part.dtype == np.int64
            assert (np.diff(part) > 0).all()


@pytest.mark.parametrize("fraction", [1 / 12, 1 / 6, 0.2, 0.5])
def test_validation_holds_every_digit_in_its_share(make_dataset: Make, fraction: float) -> None:
    dataset = make_dataset(6_000)
    parts = split(dataset, DataConfig(val_fraction=fraction))
    quota = np.bincount(dataset.train_labels) * fraction
    assert np.abs(np.bincount(dataset.train_labels[parts.val]) - quota).max() < 1


def test_blocks_hold_out_the_last_images(make_dataset: Make) -> None:
    parts = split(make_dataset(1_000, "blocks"), DataConfig(val_fraction=0.2, n_train=300))
    assert parts.val.tolist() == list(range(800, 1_000))
    assert parts.train.max() < 800
    assert len(parts.train) == 300


@pytest.mark.parametrize(
    ("fraction", "border"),
    [(0.0, 1_000), (0.0001, 1_000), (0.001, 900), (0.1, 900), (0.2, 900), (0.3, 600), (0.35, 600), (0.5, 600)],
)
def test_blocks_of_known_writers_are_cut_between_their_forms(make_dataset: Make, fraction: float, border: int) -> None:
    dataset = replace(make_dataset(1_000, "blocks"), form_starts=(0, 100, 600, 900))
    parts = split(dataset, DataConfig(val_fraction=fraction))
    assert parts.val.tolist() == list(range(border, 1_000))
    assert parts.train.tolist() == list(range(border))
    few = split(dataset, DataConfig(val_fraction=fraction, n_train=300))
    assert len(few.train) == 300
    assert np.array_equal(few.val, parts.val)


def test_sizes_are_known_without_the_images(digits: Dataset) -> None:
    for fraction in (0.0, 0.01, 1 / 12, 1 / 6, 0.2, 0.4, 0.5):
        for n_train in (0, 100):
            config = DataConfig(val_fraction=fraction, n_train=n_train)
            parts = split(digits, config)
            assert part_sizes(len(digits.train_labels), config) == (len(parts.train), len(parts.val))


@pytest.mark.parametrize("splitting", ["stratified", "blocks"])
def test_smaller_training_sets_lie_within_larger_ones_and_are_stratified(make_dataset: Make, splitting: str) -> None:
    dataset = make_dataset(3_000, splitting)
    whole = split(dataset, DataConfig(split_seed=5))
    share = np.bincount(dataset.train_labels[whole.train]) / len(whole.train)
    before: set[int] = set()
    for n in (1, 10, 11, 50, 99, 100, 500, 2_499):
        parts = split(dataset, DataConfig(split_seed=5, n_train=n))
        assert len(parts.train) == n
        assert before < set(parts.train.tolist()) <= set(whole.train.tolist())
        assert np.array_equal(parts.val, whole.val)
        assert np.abs(np.bincount(dataset.train_labels[parts.train], minlength=10) - share * n).max() < 2
        before = set(parts.train.tolist())


def test_more_than_there_are_means_all(make_dataset: Make) -> None:
    parts = split(make_dataset(600), DataConfig(n_train=60_000))
    assert len(parts.train) == 500


def test_the_seed_decides_and_is_stable_between_releases(make_dataset: Make) -> None:
    dataset = make_dataset(600)
    hashes = [split(dataset, DataConfig(split_seed=seed)).hash for seed in (0, 0, 1, 2**31 - 1)]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3
    assert stratified_order(np.arange(20) % 10, 0).tolist() == STABLE


def test_images_of_one_digit_only_can_be_split(make_dataset: Make) -> None:
    parts = split(make_dataset(60, labels=np.full(60, 7)), DataConfig())
    assert (len(parts.train), len(parts.val)) == (50, 10)


def test_mean_and_deviation_are_those_of_the_training_part_alone(make_dataset: Make) -> None:
    dataset = make_dataset(5_000)
    for config in (DataConfig(), DataConfig(n_train=17), DataConfig(val_fraction=0.0)):
        parts = split(dataset, config)
        pixels = dataset.train_images[parts.train] / 255
        assert parts.mean == pytest.approx(pixels.mean(), rel=1e-12)
        assert parts.std == pytest.approx(pixels.std(), rel=1e-12)


def test_pixels_that_are_only_scaled_have_mean_0_and_deviation_1(make_dataset: Make) -> None:
    parts = split(make_dataset(), DataConfig(normalisation="unit"))
    assert (parts.mean, parts.std) == (0.0, 1.0)


def test_nothing_to_train_on_is_a_config_error(make_dataset: Make) -> None:
    for n, fraction in ((0, 0.0), (0, 0.5)):
        with pytest.raises(ConfigError, match="val_fraction"):
            split(make_dataset(n), DataConfig(val_fraction=fraction))


def test_pictures_of_one_grey_do_not_divide_by_nothing(make_dataset: Make) -> None:
    dataset = make_dataset(12)
    blank = replace(dataset, train_images=np.full((12, 28, 28), 51, np.uint8))
    parts = split(blank, DataConfig())
    assert parts.mean == pytest.approx(0.2)
    assert parts.std == 1.0


@pytest.mark.mnist
def test_mnist_has_its_well_known_parts_and_constants(real_mnist: Dataset) -> None:
    for (name, fraction), n_val in zip(VALIDATION_PRESETS.items(), (10_000, 5_000, 12_000, 0), strict=True):
        parts = split(real_mnist, DataConfig(dataset="mnist", val_fraction=fraction))
        assert (len(parts.train), len(parts.val)) == (60_000 - n_val, n_val)
        assert "MNIST" not in name or f"(MNIST: {60_000 - n_val:,} / {n_val:,})" in name
        quota = np.bincount(real_mnist.train_labels) * fraction
        assert np.abs(np.bincount(real_mnist.train_labels[parts.val], minlength=10) - quota).max() < 1
    assert parts.mean == pytest.approx(0.1306605, abs=5e-8)
    assert parts.std == pytest.approx(0.3081078, abs=5e-8)


def test_a_split_is_made_once_for_its_dataset_and_nobody_can_change_it(make_dataset: Make) -> None:
    dataset = make_dataset(600)
    first = split(dataset, DataConfig(split_seed=3, shift=1.0))
    assert split(dataset, DataConfig(split_seed=3, rotation=5.0)) is first  # variations do not choose images
    assert split(make_dataset(600), DataConfig(split_seed=3)) is not first
    for part in (first.train, first.val):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = 7
    for seed in range(50):
        split(dataset, DataConfig(split_seed=seed))
    again = split(dataset, DataConfig(split_seed=3))
    assert again is not first  # only a few are kept
    assert again.hash == first.hash


def test_mean_and_deviation_are_exact_up_to_the_root(make_dataset: Make) -> None:
    dataset = make_dataset(3_000)
    parts = split(dataset, DataConfig(val_fraction=0.0))
    counts = np.bincount(dataset.train_images.ravel(), minlength=256).astype(object)
    levels = np.arange(256).astype(object)
    n, total, squares = counts.sum(), (counts * levels).sum(), (counts * levels**2).sum()
    assert parts.mean == total / n / 255
    assert parts.std == math.sqrt((n * squares - total**2) / n**2) / 255
