"""What a run takes from its dataset: which one, how much of it, split how, scaled and varied how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from annotated_types import MaxLen, MinLen
from pydantic import AfterValidator, BeforeValidator, Field

from core.data import DATASETS, EMBEDDED, DatasetName
from core.data.dataset import N_CLASSES
from core.fields import Config, setting, split_numbers

# What people mean by these splits, as the share of the training images that is held out for validation.
VALIDATION_PRESETS: Mapping[str, float] = {
    "1/6 (MNIST: 50,000 / 10,000)": 1 / 6,
    "1/12 (MNIST: 55,000 / 5,000)": 1 / 12,
    "1/5 (80 / 20 %)": 0.2,
    "none (all images to learn from)": 0.0,
}


ALL_CLASSES = tuple(range(N_CLASSES))


def _each_once(classes: tuple[int, ...]) -> tuple[int, ...]:
    """By rising digit. Raises ValueError where only one is left."""
    if len(set(classes)) < 2:
        raise ValueError("there is nothing to tell apart")
    return tuple(sorted(set(classes)))


Classes = Annotated[
    tuple[Annotated[int, Field(ge=0, le=N_CLASSES - 1)], ...],
    MinLen(2), MaxLen(N_CLASSES), AfterValidator(_each_once), BeforeValidator(split_numbers),
]  # fmt: skip


class DataConfig(Config):
    """Frozen choice of data; together with ``split_seed`` it names the same images every time."""

    dataset: DatasetName = setting(
        EMBEDDED, "Dataset", "Which handwritten digits the network learns from.", basic=True,
        labels={name: entry.title for name, entry in DATASETS.items()},
    )  # fmt: skip
    val_fraction: float = setting(
        1 / 6, "Validation share", "Share of the training images kept aside, to watch progress on images not learned from. Of "
        "the embedded digits these are whole writers’ forms, so the share comes near what is asked.",
        low=0.0, high=0.5, step=0.01,
    )  # fmt: skip
    n_train: int = setting(
        0, "Training images", "How many images to train on. A smaller set is a part of every larger one.",
        low=0, high=60_000, step=100, unit="images", basic=True, zero="all",
    )  # fmt: skip
    classes: Classes = setting(
        ALL_CLASSES, "Digits", "Which digits it learns and is judged on; it never sees the others. Which two are easy to tell "
        "apart, and which are not? Of the embedded digits, the validation images are then the last ones, whoever wrote them.",
    )  # fmt: skip
    set_aside: float = setting(
        0.0, "Set aside", "This share of the training images is taken away before anything else, the same ones for everybody: "
        "the run never sees them. A teacher’s challenge is judged on them.",
        low=0.0, high=0.5, step=0.05, zero="none",
    )  # fmt: skip
    label_noise: float = setting(
        0.0, "Wrong labels", "This share of the training labels is drawn anew from the ten digits; one in ten of these is "
        "right by luck. Which ones follows from the split seed. Validation and test labels stay true, and so do own digits "
        "mixed in.",
        low=0.0, high=1.0, step=0.05,
    )  # fmt: skip
    normalisation: Literal["standard", "unit"] = setting(
        "standard", "Normalisation", "How pixel values are scaled before the network sees them.",
        labels={"standard": "standardised (mean 0, deviation 1)", "unit": "0 to 1"},
    )  # fmt: skip
    pixel_order: Literal["natural", "shuffled"] = setting(
        "natural", "Pixel order", "Shuffled: the pixels of every image, to learn from or to be judged on, change places in one "
        "and the same way, after any variation. No number is lost, but nothing stands beside what it stood beside.",
        labels={"natural": "natural", "shuffled": "shuffled"},
    )  # fmt: skip
    shift: float = setting(
        0.0, "Random shift", "Each training image is moved sideways and up or down, by up to this many pixels each, "
        "differently every time it is seen.",
        low=0.0, high=6.0, step=0.5, unit="pixels",
    )  # fmt: skip
    rotation: float = setting(
        0.0, "Random rotation", "Each training image is turned by up to this angle, either way.",
        low=0.0, high=45.0, step=1.0, unit="degrees",
    )  # fmt: skip
    zoom: float = setting(
        0.0, "Random scale", "Each training image grows or shrinks by up to this share, in width and in height separately.",
        low=0.0, high=0.5, step=0.05,
    )  # fmt: skip
    shear: float = setting(
        0.0, "Random slant", "Each training image leans over by up to this angle, either way, as handwriting does.",
        low=0.0, high=45.0, step=1.0, unit="degrees",
    )  # fmt: skip
    elastic: float = setting(
        0.0, "Elastic distortion", "Each training image is warped like rubber: 25 points spread over it move by up to this "
        "much, sideways and up or down, and the rest follows smoothly. Between them a pixel can move nearly twice as far.",
        low=0.0, high=4.0, step=0.5, unit="pixels", old_names=("bend",),
    )  # fmt: skip
    thickness: float = setting(
        0.0, "Random thickness", "Each edge of the pen stroke moves out or in by up to this much, so the stroke becomes "
        "thicker or thinner by up to twice as much.",
        low=0.0, high=1.0, step=0.1, unit="pixels",
    )  # fmt: skip
    habits: float = setting(
        0.0, "Writing habits", "This share of the ones, fours, sevens and nines is shown as other people write them: a one "
        "with a flag and perhaps a foot, a narrow four that crosses low, a seven with a bar, a nine with a hooked tail.",
        low=0.0, high=1.0, step=0.1,
    )  # fmt: skip
    drawn_ones: float = setting(
        0.0, "Drawn ones", "This share of the training ones is replaced, differently every time, by a one drawn by rule: a "
        "stroke of random slant and thickness, some with a flag or a base. A small dataset holds few ways to write a one.",
        low=0.0, high=1.0, step=0.1,
    )  # fmt: skip
    inverted: float = setting(
        0.0, "Inverted digits", "This share of the training images is shown as negatives: dark ink on light paper instead of "
        "light ink on a dark ground. Validation and test images stay as they are, and so does what you draw.",
        low=0.0, high=1.0, step=0.1,
    )  # fmt: skip
    class_set: float = setting(
        0.0, "Own digits mixed in", "Digits that were kept on the Draw page become this share of the training images, each "
        "repeated as often as that takes. Only about half of them are learned from; the others are held out, so that one can "
        "measure whether it helps.",
        low=0.0, high=0.5, step=0.05, zero="none",
    )  # fmt: skip
    split_seed: int = setting(
        0, "Split seed", "Which images are held out for validation, and which are taken where not all are trained on. Keep it "
        "equal to compare runs on the same images. The embedded digits always hold out their last ones.",
        low=0, high=2**31 - 1, step=1,
    )  # fmt: skip
