"""The embedded digits look as MNIST does and are split by writers."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits as load_cells

from core.data import digits as digits_module
from core.data.config import DataConfig
from core.data.dataset import Dataset
from core.data.split import split
from core.errors import DataError


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return digits_module.load()


def test_counts_and_order_are_those_of_the_source(digits: Dataset) -> None:
    cells, labels = load_cells(return_X_y=True)
    assert (cells.mean(), cells.std()) == (pytest.approx(4.8842, abs=5e-5), pytest.approx(6.0168, abs=5e-5))
    both = np.concatenate((digits.train_labels, digits.test_labels))
    assert np.bincount(both).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.array_equal(both, labels)
    assert (len(digits.train_images), len(digits.test_images)) == (1_415, 382)
    assert digits.splitting == "blocks"


def test_no_form_lies_on_both_sides_of_a_border(digits: Dataset) -> None:
    labels = np.concatenate((digits.train_labels, digits.test_labels))
    starts = [*digits_module.FORM_STARTS, len(labels)]
    # The row that every writer copied; one left the last digits of its ten out, another wrote an 8 for the first 0.
    row = [*range(10)] * 3
    copied = [np.mean(labels[start : start + 20] == row[:20]) for start in starts[:-1]]
    assert min(copied) >= 0.8
    assert {119 < n <= 130 for n in np.diff(starts)} == {True}
    assert len(digits.train_labels) in digits_module.FORM_STARTS
    for fraction in (0.01, 1 / 12, 1 / 6, 0.2, 0.5):
        assert split(digits, DataConfig(val_fraction=fraction)).val[0] in digits_module.FORM_STARTS
    assert split(digits, DataConfig()).val[0] == 1_157


def test_runs_of_earlier_versions_find_the_split_they_began_with(digits: Dataset) -> None:
    older = digits.older
    assert older is not None
    assert (len(older.train_images), len(older.test_images)) == (1_437, 360)
    parts = split(older, DataConfig())
    assert parts.hash == "b6b9e60ddf9f899eaa1951cc2658f0c1359983a05da20613cb01f59cff726865"  # of a run of version 0.1.0
    assert older.hashes != digits.hashes
    assert older.hashes.items() < digits.hashes.items()


def test_every_digit_has_the_geometry_of_mnist(digits: Dataset) -> None:
    images = np.concatenate((digits.train_images, digits.test_images))
    assert images.shape == (1_797, 28, 28)
    assert images.dtype == np.uint8
    boxes = [np.array(np.nonzero(image)) for image in images]
    assert {int(np.ptp(box, axis=1).max()) + 1 for box in boxes} == {20}
    mass = images.sum(axis=(1, 2), dtype=np.int64)
    for axis in (1, 2):
        assert np.abs(images.sum(axis=axis, dtype=np.int64) @ np.arange(28) / mass - 14).max() < 0.51


def test_every_digit_has_ink_like_a_pen(digits: Dataset) -> None:
    images = np.concatenate((digits.train_images, digits.test_images))
    assert (images.max(axis=(1, 2)) == 255).all()
    assert 0.7 < np.mean(images == 0) < 0.85  # MNIST 0.81
    assert 0.01 < np.mean(images == 255) < 0.1
    assert len(np.unique(images)) > 200  # smooth edges, not blocks


def test_redrawing_keeps_the_digits_apart(digits: Dataset) -> None:
    train, test = (images.reshape(len(images), -1) / 255 for images in (digits.train_images, digits.test_images))
    nearest = ((train**2).sum(axis=1) - 2 * test @ train.T).argmin(axis=1)
    assert np.mean(digits.train_labels[nearest] == digits.test_labels) > 0.94  # the 8 x 8 originals: 0.956


def test_the_source_names_authors_licence_and_split(digits: Dataset) -> None:
    for word in ("Alpaydin", "Kaynak", "1998", "CC BY 4.0", "13 writers", "the last 3 of 14", "382 digits"):
        assert word in digits.source


def test_a_missing_or_damaged_scikit_learn_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(digits_module, "find_spec", lambda name: None)
    assert not digits_module.is_present()
    with pytest.raises(DataError, match="scikit-learn, which is not installed"):
        digits_module.load()
    monkeypatch.setattr(digits_module, "_file", lambda: tmp_path / "digits.csv.gz")
    for content in (b"rubbish", gzip.compress(b"1,2,3\n"), gzip.compress(b"1," * 9_000)[:-9]):
        (tmp_path / "digits.csv.gz").write_bytes(content)
        with pytest.raises(DataError, match="damaged"):
            digits_module.load()
