"""The registry: which datasets there are. A new one is one file beside this one, one name and one line here.

Light on purpose: a page lists datasets without waiting for torch, and the file behind a name is loaded when it is asked
for. No dataset is kept in memory here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from core.errors import DataError

if TYPE_CHECKING:
    from core.data.dataset import Dataset

DatasetName = Literal["digits", "mnist", "kaggle"]


@dataclass(frozen=True, slots=True)
class DatasetEntry:
    """A dataset as a menu shows it, and the file that reads it.

    phrase: its title within a sentence
    module: has ``load()``, which gives the Dataset or raises a DataError that says how to get it, and ``is_present()``:
    whether its files are there by name (whether they are good shows when they are loaded)
    why_test_differs: a sentence about who wrote the test images, for whoever reads them better or worse than the others
    how_to_get: a sentence for whoever does not have its files
    label_counts: of each digit, how many of its training images show it; where the files are the user's own, of those that are
    handed out
    has_baselines: whether the baselines without learning are measured on it
    form_starts: where each writer's form begins among all its images, in their order; () where writers are mixed
    older_split: of runs from before it was split at these borders, what is to be said of their figures; "" for none
    """

    title: str
    phrase: str
    module: str
    why_test_differs: str
    label_counts: tuple[int, ...]
    how_to_get: str = ""
    has_baselines: bool = True
    form_starts: tuple[int, ...] = ()
    older_split: str = ""

    def load(self) -> Dataset:
        """Read its files. Raises DataError, which says how to get it when it is missing."""
        dataset: Dataset = import_module(self.module).load()
        return dataset

    def is_present(self) -> bool:
        """A look at names on the disk; no file is opened."""
        return bool(import_module(self.module).is_present())


DATASETS: Mapping[DatasetName, DatasetEntry] = MappingProxyType(
    {
        "digits": DatasetEntry(
            "Embedded digits", "the embedded digits", "core.data.digits",
            "Different people wrote the validation and the test images, and some hands are harder to read than others.",
            label_counts=(140, 143, 140, 144, 142, 143, 142, 141, 139, 141),
            # Each writer filled in a form of up to 130 digits, the same ones in the same order.
            form_starts=(0, 130, 256, 386, 516, 646, 776, 905, 1029, 1157, 1287, 1415, 1545, 1667),
            older_split="Learned from and judged on the older split of the embedded digits. Its borders ran through the "
            "middle of writers’ forms, so part of the test images came from hands the network knew: these figures are a little "
            "too good, and do not compare with those of newer runs.",
        ),
        "mnist": DatasetEntry(
            "MNIST", "MNIST", "core.data.mnist",
            "The validation images come from people whose other digits it learned from, the test images from people whom it "
            "had never met.",
            (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
            "Download MNIST on the Data page. You can also put its four files (train-images-idx3-ubyte.gz, …) into the folder "
            "“mnist” of the data folder.",
        ),
        "kaggle": DatasetEntry(
            "Kaggle Digit Recognizer", "Kaggle’s digits", "core.data.kaggle",
            "Both are drawn from the same pile of images, so it is the luck of the draw.",
            (4132, 4684, 4177, 4351, 4072, 3795, 4137, 4401, 4063, 4188),
            "Download train.csv from kaggle.com/c/digit-recognizer and import it on the Data page.", has_baselines=False,
        ),
    }
)  # fmt: skip

FORMS_HASH = "form_starts"  # among the hashes of a dataset that is split between its writers' forms
EMBEDDED: DatasetName = "digits"  # comes with scikit-learn, so it is always here


def title(name: DatasetName) -> str:
    """What people call a dataset, as the menu has it."""
    return DATASETS[name].title


def load(name: str) -> Dataset:
    """A dataset by its name. Raises DataError for an unknown name, and when it is missing: then it says how to get it."""
    entry = next((entry for known, entry in DATASETS.items() if known == name), None)
    if entry is None:
        raise DataError(f"dataset is {name!r}, allowed is one of {', '.join(DATASETS)}")
    return entry.load()


def count_images(name: str) -> int:
    """Training images of a dataset, before any are held out. Raises DataError as ``load`` does."""
    return len(load(name).train_labels)


def present_names() -> tuple[DatasetName, ...]:
    """The datasets whose files are here, in the order of the menu."""
    return tuple(name for name, entry in DATASETS.items() if entry.is_present())


def suggested_dataset() -> DatasetName:
    """What a form suggests and a baseline is measured on: the digits that papers report on, as soon as they are here."""
    return "mnist" if DATASETS["mnist"].is_present() else EMBEDDED
