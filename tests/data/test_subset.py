"""Subsets: some of the digits, without what is set aside; the same for everybody, and found again by their hashes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core import data
from core.config import run_config
from core.data.config import ALL_CLASSES, DataConfig
from core.data.dataset import Dataset
from core.data.split import part_sizes, split
from core.data.subset import set_aside, subset
from core.errors import ConfigError, DataError
from core.fields import settings
from core.runs.manifest import own_images

Make = Callable[..., Dataset]


def test_only_the_asked_digits_are_there_to_learn_from_and_to_be_judged_on(digits: Dataset) -> None:
    config = DataConfig(classes=(8, 3, 8))
    part = subset(digits, config)
    assert config.classes == (3, 8)
    for labels in (part.train_labels, part.test_labels):
        assert set(np.unique(labels)) == {3, 8}
    where = np.isin(digits.train_labels, (3, 8))
    np.testing.assert_array_equal(part.train_images, digits.train_images[where])
    assert subset(part, config) is part
    assert subset(digits, DataConfig()) is digits


@pytest.mark.parametrize("classes", [(3,), (3, 3), (), (3, 10), (-1, 4)])
def test_fewer_than_two_digits_and_no_digits_are_refused(classes: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match=r"Digits \(classes\) is .*, allowed is 2 to 10 whole numbers, each 0 to 9"):
        run_config("mlp", {"classes": classes})


def test_all_ten_digits_are_the_default_and_no_part_of_a_link() -> None:
    declared = next(setting for setting in settings(DataConfig) if setting.name == "classes")
    assert declared.default == ALL_CLASSES
    assert "classes" not in run_config("mlp", {"classes": "9,8,7,6,5,4,3,2,1,0"}).link()
    assert run_config("mlp", {"classes": "8 3"}).link()["classes"] == "3,8"


def test_what_is_set_aside_is_in_no_split_whatever_the_split_seed(make_dataset: Make) -> None:
    whole = make_dataset(1_000)
    hidden = {image.tobytes() for image in whole.train_images[set_aside(whole, 0.2)]}
    assert len(hidden) == 200
    for seed in (0, 7):
        config = DataConfig(dataset="mnist", set_aside=0.2, split_seed=seed)
        part = subset(whole, config)
        parts = split(part, config)
        seen = {part.train_images[index].tobytes() for index in (*parts.train, *parts.val)}
        assert len(seen) == 800
        assert not seen & hidden
    assert set(set_aside(whole, 0.1)) < set(set_aside(whole, 0.2))


@pytest.mark.parametrize("values", [{"classes": (0, 1)}, {"set_aside": 0.25}, {"classes": (2, 5, 7), "set_aside": 0.1}])
def test_sizes_are_known_before_anything_is_read(digits: Dataset, values: dict[str, object]) -> None:
    config = DataConfig.model_validate({"val_fraction": 0.2, **values})
    parts = split(subset(digits, config), config)
    assert part_sizes(len(digits.train_labels), config) == (len(parts.train), len(parts.val))


def test_a_run_finds_its_part_again_by_what_its_manifest_says(digits: Dataset) -> None:
    part = subset(digits, DataConfig(classes=(1, 7), set_aside=0.1))
    again = own_images({"dataset_hashes": dict(part.hashes)}, digits)
    np.testing.assert_array_equal(again.train_images, part.train_images)
    assert own_images({"dataset_hashes": dict(digits.hashes)}, digits) is digits
    with pytest.raises(DataError, match="not those that this run began with"):
        own_images({"dataset_hashes": {**part.hashes, next(iter(digits.hashes)): "0"}}, digits)


@pytest.mark.mnist
def test_the_number_of_each_digit_is_the_real_one() -> None:
    for name in ("digits", "mnist"):
        counts = np.bincount(data.load(name).train_labels).tolist()
        assert tuple(counts) == data.DATASETS[name].label_counts
