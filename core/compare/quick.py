"""A quick comparison: so few images and steps that it answers within two minutes on two cores, in several short epochs, so
that there are curves to look at.

What takes the time of a comparison on few images is not learning but reading: all validation images after every epoch.
"""

from __future__ import annotations

from core.compare.budget import Budget
from core.data.config import DataConfig

STEPS = 300  # of every run
TRAIN_IMAGES = 3_000
VAL_IMAGES = 1_000  # to read after every epoch
SIZES = (100, 1_000, 10_000)  # training images of a data efficiency comparison, instead


def budget() -> Budget:
    """What each run may spend."""
    return Budget("steps", STEPS)


def images(n_images: int) -> dict[str, float]:
    """The settings that say how many of so many training images are learned from (0: all) and held out."""
    return {"n_train": TRAIN_IMAGES if n_images > TRAIN_IMAGES else 0, "val_fraction": val_fraction(n_images)}


def val_fraction(n_images: int) -> float:
    """Share held out of so many training images: ``VAL_IMAGES`` of them, and no more than usual where there are few."""
    return min(DataConfig().val_fraction, VAL_IMAGES / max(1, n_images))
