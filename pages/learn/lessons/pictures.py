"""What the networks of a lesson learn from and are judged on, as rows of digits before any word about them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import streamlit as st

from core.config import RunConfig
from core.data import EMBEDDED, present_names
from core.data.dataset import N_CLASSES, Dataset, Images
from core.data.label_noise import given_labels
from core.data.split import split as split_dataset
from core.errors import InputError
from core.experiments.lessons import Lesson
from pages.shared.gallery import sheet
from pages.shared.services import dataset, get_ready

SCALE = 2  # screen pixels for each pixel of an image
PIECE = (
    5  # digits in one picture, which is as wide as a phone: where there is no room beside it, the next one stands below
)
SHOWN_DIGIT = 4


class Way(NamedTuple):
    """How contestants are given images. Equal for those who get the same.

    distortion, strength: of the images that they are judged on; "" for the images that they learn from
    """

    dataset: str
    pixel_order: str
    label_noise: float
    distortion: str = ""
    strength: float = 0.0


def what_they_see(lesson: Lesson) -> None:
    """Draw one image of each digit for each way in which contestants are given them; where the runs came with the program, one
    digit and what it is changed to. Nothing where no images are asked, or they are not here."""
    if lesson.experiment.kind == "shipped":
        _changes(lesson)
        return
    ways = _ways(lesson)
    for way, (labels, config) in ways.items():
        try:
            digits = dataset(way.dataset)
        except InputError:  # not here: what came out elsewhere is shown instead, and the page says so
            return
        if len(ways) > 1:
            is_only = sum(bool(other.distortion) == bool(way.distortion) for other in ways) == 1
            who = "" if is_only else f" ({'; '.join(labels)})"
            st.caption(f"{'Judged on' if way.distortion else 'Learned from'}{who}:")
        _row(digits, way, config)


def _changes(lesson: Lesson) -> None:
    """One digit as it is, and once for each contestant as that is judged on it."""
    changes = [(contestant.label, lesson.asked(contestant)) for contestant in lesson.contestants]
    changes = [(label, asked) for label, asked in changes if asked.distortion]
    if not changes:
        return
    digits = dataset("mnist" if "mnist" in present_names() else EMBEDDED)
    get_ready()
    from core.inspect.distortions import distort

    digit = digits.test_images[_one_of_each(np.arange(len(digits.test_labels)), digits.test_labels)[[SHOWN_DIGIT]]]
    changed = [distort(asked.distortion, digit, asked.strength) for _, asked in changes]
    with st.container(horizontal=True, gap="xxsmall"):
        for label, image in zip(("Unchanged", *(label for label, _ in changes)), [digit, *changed], strict=True):
            sheet(image, columns=1, scale=2 * SCALE, captions=[label], alt=f"One digit {SHOWN_DIGIT}: {label}")


def _row(digits: Dataset, way: Way, config: RunConfig) -> None:
    if way.distortion:
        images, true = digits.test_images, digits.test_labels
        index, labels = _one_of_each(np.arange(len(true)), true), true
    else:
        images, true, labels = digits.train_images, digits.train_labels, given_labels(digits, config.data)
        index = _one_of_each(split_dataset(digits, config.data).train, true)
    with st.container(horizontal=True, gap="xxsmall"):
        for part in np.array_split(index, N_CLASSES // PIECE):
            is_wrong = labels[part] != true[part]
            captions = [str(label) for label in labels[part]]
            sheet(
                _as_given(images[part], way), columns=PIECE, scale=SCALE, captions=captions,
                marks=is_wrong.tolist() if is_wrong.any() else None, alt=f"Images with the labels {' '.join(captions)}",
            )  # fmt: skip


def _one_of_each(part: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The first image of each digit. part: indices · labels: of all images; returns indices (10,)"""
    return np.asarray([part[labels[part] == digit][0] for digit in range(N_CLASSES)])


def _ways(lesson: Lesson) -> dict[Way, tuple[list[str], RunConfig]]:
    """The labels of those who are given the same images, and the settings of one of them; what is learned from first."""
    learned: dict[Way, tuple[list[str], RunConfig]] = {}
    judged: dict[Way, tuple[list[str], RunConfig]] = {}
    for contestant in lesson.contestants if lesson.experiment.kind == "train" else ():
        config, asked = lesson.config(contestant), lesson.asked(contestant)
        way = Way(config.data.dataset, config.data.pixel_order, config.data.label_noise)
        learned.setdefault(way, ([], config))[0].append(contestant.label)
        if asked.distortion:
            moved = way._replace(distortion=asked.distortion, strength=asked.strength)
            judged.setdefault(moved, ([], config))[0].append(contestant.label)
    return learned | judged


def _as_given(images: Images, way: Way) -> Images:
    if not way.distortion and way.pixel_order == "natural":
        return images
    get_ready()  # either loads torch
    from core.inspect.distortions import distort
    from core.models.pixel_order import shuffled

    if way.distortion:
        images = distort(way.distortion, images, way.strength)
    return shuffled(images) if way.pixel_order == "shuffled" else images
