"""What the networks of a lesson look at, as a row of digits before any word about them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.config import RunConfig
from core.data.dataset import N_CLASSES, Images
from core.data.label_noise import given_labels
from core.data.split import split as split_dataset
from core.errors import InputError
from core.experiments.lessons import Lesson
from pages.shared.gallery import sheet
from pages.shared.services import dataset

SCALE = 2  # screen pixels for each pixel of an image


def what_they_see(lesson: Lesson) -> None:
    """Draw one training image of each digit, once for each way in which contestants are given them; nothing where the lesson
    trains nothing or its images are not here."""
    for labels, config in _ways(lesson):
        try:
            digits = dataset(config.data.dataset)
        except InputError:  # not here: what came out elsewhere is shown instead, and the page says so
            return
        given = given_labels(digits, config.data)
        train = split_dataset(digits, config.data).train
        index = np.asarray([train[digits.train_labels[train] == digit][0] for digit in range(N_CLASSES)])
        true = digits.train_labels[index]
        is_wrong = given[index] != true
        if len(_ways(lesson)) > 1:
            st.caption(f"What {_listed(labels)} learn{'s' if len(labels) == 1 else ''} from:")
        sheet(
            _as_given(digits.train_images[index], config), columns=N_CLASSES, scale=SCALE,
            captions=[str(label) for label in given[index]], marks=is_wrong.tolist() if is_wrong.any() else None,
            alt=f"Ten training images with the labels {' '.join(map(str, given[index]))}",
        )  # fmt: skip


def _ways(lesson: Lesson) -> Sequence[tuple[list[str], RunConfig]]:
    """The labels of those who are given the same images and labels, and the settings of one of them."""
    ways: dict[tuple[str, str, float], tuple[list[str], RunConfig]] = {}
    for label, seed, config in lesson.configs():
        if seed == lesson.experiment.seeds[0]:
            way = (config.data.dataset, config.data.pixel_order, config.data.label_noise)
            ways.setdefault(way, ([], config))[0].append(label)
    return list(ways.values())


def _as_given(images: Images, config: RunConfig) -> Images:
    if config.data.pixel_order == "natural":
        return images
    from core.models.pixel_order import shuffled  # needs torch

    return shuffled(images)


def _listed(labels: Sequence[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"
