"""Datasets by name. No torch in here: a page lists and shows digits without waiting for it; nothing is kept in memory."""

from __future__ import annotations

from typing import NamedTuple, get_args

from core.data import digits, kaggle, mnist
from core.data.config import DatasetName, title
from core.data.dataset import Dataset
from core.errors import DataError


class Available(NamedTuple):
    """A line of the dataset menu. present: its files are there (whether they are good shows when they are loaded)."""

    name: DatasetName
    present: bool
    title: str


def load(name: str) -> Dataset:
    """A dataset by its name. Raises DataError, which says how to get it when it is missing."""
    known = {"digits": digits.load_digits, "mnist": mnist.load_mnist, "kaggle": kaggle.load_kaggle}
    if name not in known:
        raise DataError(f"dataset is {name!r}, allowed is one of {', '.join(known)}")
    return known[name]()


def available() -> tuple[Available, ...]:
    """Every dataset there is, in the order of the menu; a look at names on the disk, no file is opened."""
    present = {"digits": digits.is_present(), "mnist": mnist.is_present(), "kaggle": kaggle.is_present()}
    return tuple(Available(name, present[name], title(name)) for name in get_args(DatasetName))
