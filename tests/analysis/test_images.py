"""What the Data and Mistakes pages tell about images: counts, averages, samples, variants, answers."""

from __future__ import annotations

import numpy as np

from core.analysis import images
from core.analysis.predictions import prediction_table, rows_of_cell
from core.data.augment import variants
from core.data.config import DataConfig
from core.data.dataset import Dataset


def test_counts_are_those_of_each_split_and_empty_splits_give_no_rows() -> None:
    table = images.class_counts({"train": np.array([0, 0, 9]), "val": np.empty(0, np.int64)})
    assert set(table["split"]) == {"train"}
    assert table["count"].tolist() == [2, 0, 0, 0, 0, 0, 0, 0, 0, 1]


def test_pixel_counts_and_means_are_those_of_the_chosen_images(digits: Dataset) -> None:
    indices = np.arange(100, 900)
    pictures = digits.train_images[indices]
    assert (images.pixel_counts(digits.train_images, indices) == np.bincount(pictures.ravel(), minlength=256)).all()
    means = images.mean_images(digits.train_images, digits.train_labels, indices)
    assert np.abs(means[10] - pictures.mean(axis=0)).max() <= 0.5
    threes = pictures[digits.train_labels[indices] == 3]
    assert np.abs(means[3] - threes.mean(axis=0)).max() <= 0.5
    assert not images.mean_images(digits.train_images, digits.train_labels, indices[:0]).any()


def test_sample_takes_the_digits_in_turn_without_repetition(digits: Dataset) -> None:
    labels = digits.train_labels
    picked = images.sample(labels, [3, 8], 20, seed=1)
    assert labels[picked].tolist() == [3, 8] * 10
    assert len(set(picked)) == 20
    assert (images.sample(labels, [3, 8], 20, seed=1) == picked).all()
    assert (images.sample(labels, [3, 8], 20, seed=2) != picked).any()
    assert len(images.sample(np.array([3, 8, 8]), [3, 8], 20, seed=0)) == 3
    assert len(images.sample(labels, [], 20, seed=0)) == 0


def test_variants_begin_with_the_original_and_differ_only_when_asked(digits: Dataset) -> None:
    original = digits.train_images[0]
    varied = variants(original, 4, DataConfig(shift=2, rotation=10, zoom=0.1), seed=0)
    assert varied.shape == (5, 28, 28)
    assert (varied[0] == original).all()
    assert all((one != original).any() for one in varied[1:])
    assert (variants(original, 4, DataConfig(), seed=0) == original).all()


def test_answers_hold_every_image_the_worst_first_and_select_finds_its_mistakes() -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(200, 10)), rng.integers(0, 10, 200)
    table = prediction_table(logits, labels)
    assert sorted(table["index"]) == list(range(200))
    assert table["loss"].is_monotonic_decreasing
    np.testing.assert_allclose(table["loss"], -np.log(table["p_truth"]))
    assert (table["truth"] == labels[table["index"]]).all()
    assert (table["probability"] >= table["p_truth"]).all()
    assert [str(kind) for kind in table.dtypes] == ["int64"] * 3 + ["float64"] * 13
    wrong = rows_of_cell(table, None, None)
    assert sorted(wrong["index"]) == np.flatnonzero(logits.argmax(axis=1) != labels).tolist()
    assert wrong["loss"].is_monotonic_decreasing
    assert len(rows_of_cell(table, 3, 3)) + len(rows_of_cell(table, 3, None)) == (labels == 3).sum()
    assert set(rows_of_cell(table, None, 7)["predicted"]) == {7}
