"""The digits of the class set in forms that other programs read: Kaggle's, pictures, and MNIST's."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from core.data.class_set import Digits
from core.data.class_set_files import CSV_FILE, IMAGES_FILE, LABELS_FILE, ZIP_FILE, as_csv, as_idx, as_zip
from core.errors import InputError
from core.export.source import Exported, File
from core.export.targets import Target

CLASS_SET_TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.name: target
        for target in (
            Target("csv", "CSV", "Kaggle’s form: label, pixel0 to pixel783.", "class_set"),
            Target("zip", "Pictures (ZIP)", "A PNG of 28 × 28 each, in a folder per label.", "class_set"),
            Target(
                "idx", "IDX (two files)", "MNIST’s form, images and labels in two files: you need both.", "class_set"
            ),
        )
    }
)


def export_class_set(name: str, digits: Digits) -> Exported:
    """Nicknames are not in it. Raises InputError for a form that there is not, and when nothing is kept."""
    if not len(digits):
        raise InputError("Nothing is kept yet, so there is nothing to take along.")
    files: tuple[File, ...]
    if name == "csv":
        files = (File(CSV_FILE, as_csv(digits), "text/csv"),)
    elif name == "zip":
        files = (File(ZIP_FILE, as_zip(digits), "application/zip"),)
    elif name == "idx":
        images, labels = as_idx(digits)
        files = (File(IMAGES_FILE, images, "application/gzip"), File(LABELS_FILE, labels, "application/gzip"))
    else:
        raise InputError(f"The class set has no form {name!r}; there are {', '.join(CLASS_SET_TARGETS)}.")
    n = len(digits)
    amount = "1 digit with its label" if n == 1 else f"{n:,} digits with their labels"
    return Exported(files, f"{amount}. Nicknames are not saved with them.")
