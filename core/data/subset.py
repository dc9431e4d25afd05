"""The part of a dataset that a run knows of: some of the ten digits, and without the images that are set aside.

A subset is a dataset itself, so whatever reads images needs to know nothing of it. Its hashes say which part it is: a run finds
the same images again by what its manifest says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from core.data.config import DataConfig
from core.data.dataset import Dataset, Images, Indices, Labels
from core.data.split import knows_all, stratified_order

SUBSET_HASH = "subset"  # among the hashes of a dataset that is a part of another
SET_ASIDE_SEED = 2  # the same images for everybody, whatever the split seed
CACHED_SUBSETS = 2  # of a dataset, up to 47 MB each


def subset(dataset: Dataset, config: DataConfig) -> Dataset:
    """What a run of this config knows of a dataset: itself where that is everything, and where it is that part already.

    Training and test images of ``config.classes``; of the training images without those that are set aside. Where only some
    digits are asked for, blocks are cut anywhere. Equal settings give equal images on every machine.
    """
    return subset_by_hash(dataset, _hash(config))


def subset_by_hash(dataset: Dataset, part: str | None) -> Dataset:
    """The same by what ``hashes[SUBSET_HASH]`` says, None or "" for everything."""
    if not part or dataset.hashes.get(SUBSET_HASH) == part:
        return dataset
    made = dataset.subsets.get(part)
    if made is None:
        values: Mapping[str, object] = json.loads(part)
        made = dataset.subsets[part] = _subset(dataset, part, DataConfig.model_validate(values))
        for old in list(dataset.subsets)[:-CACHED_SUBSETS]:
            dataset.subsets.pop(old, None)
    return made


def set_aside(dataset: Dataset, share: float) -> Indices:
    """Of the training images those that are set aside, (n,) int64 ascending: every digit in its share of the whole."""
    labels = dataset.train_labels
    return np.sort(stratified_order(labels, SET_ASIDE_SEED)[: round(len(labels) * share)])


def images_set_aside(dataset: Dataset, config: DataConfig) -> tuple[Images, Labels]:
    """The training images that a run of this config never knows of: images (n, 28, 28) uint8, labels (n,)."""
    everything = subset(dataset, config.model_copy(update={"set_aside": 0.0}))
    where = set_aside(everything, config.set_aside)
    return everything.train_images[where], everything.train_labels[where]


def _subset(dataset: Dataset, part: str, config: DataConfig) -> Dataset:
    train, test, own = (
        np.isin(labels, config.classes)
        for labels in (dataset.train_labels, dataset.test_labels, dataset.class_set_labels)
    )
    of_classes = replace(
        dataset,
        train_images=dataset.train_images[train], train_labels=dataset.train_labels[train],
        test_images=dataset.test_images[test], test_labels=dataset.test_labels[test],
        class_set_images=dataset.class_set_images[own], class_set_labels=dataset.class_set_labels[own],
        hashes={**dataset.hashes, SUBSET_HASH: part},
        form_starts=(),
        older=None,
    )  # fmt: skip
    if not config.set_aside:
        return of_classes
    others = np.setdiff1d(np.arange(len(of_classes.train_labels)), set_aside(of_classes, config.set_aside))
    return replace(
        of_classes, train_images=of_classes.train_images[others], train_labels=of_classes.train_labels[others]
    )


def _hash(config: DataConfig) -> str:
    """What decides the part, as one text; "" for everything."""
    values: dict[str, object] = {}
    if not knows_all(config.classes):
        values["classes"] = list(config.classes)
    if config.set_aside:
        values["set_aside"] = config.set_aside
    return json.dumps(values, sort_keys=True) if values else ""
