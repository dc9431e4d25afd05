"""One copy of a dataset for all processes: its arrays as files named by their content, which every child maps into its memory.

The files lie beside the lease of the process that made them, and go with it; those of a process that was killed go when the
next one begins.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.dataset import Dataset
from core.runs.lease import is_alive

SUFFIX = ".shared"  # of the folder, behind the id of the lease
MAX_REMEMBERED_ARRAYS = 64  # whose file is known without hashing them again
ARRAYS = (
    "train_images", "train_labels", "test_images", "test_labels", "class_set_images", "class_set_labels",
)  # fmt: skip
WORDS = ("name", "title", "source", "hashes", "splitting", "form_starts")


class Shelf:
    """Where a process puts what its children read. root: of the store · lease_id: that it holds"""

    def __init__(self, root: Path, lease_id: str) -> None:
        self._folder = root / "workers" / f"{lease_id}{SUFFIX}"
        self._paths: dict[int, tuple[NDArray[Any], str]] = {}  # id -> the array, so that it keeps its id, and its file
        for left in root.glob(f"workers/*{SUFFIX}"):
            if not is_alive(root, left.name.removesuffix(SUFFIX), tries=3):
                shutil.rmtree(left, ignore_errors=True)

    def put(self, dataset: Dataset) -> dict[str, Any]:
        """Write what is not there yet; returns what ``dataset_at`` takes. Raises OSError."""
        return {**words_of(dataset), "files": {name: self._put(getattr(dataset, name)) for name in ARRAYS}}

    def clear(self) -> None:
        """Remove all files; nobody reads them any more."""
        self._paths.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _put(self, array: NDArray[Any]) -> str:
        if id(array) not in self._paths:
            path = self._folder / f"{content_hash(array)}.npy"
            if not path.exists():
                self._folder.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:
                    np.save(file, array)
            self._paths[id(array)] = array, str(path)
            for old in list(self._paths)[:-MAX_REMEMBERED_ARRAYS]:
                del self._paths[old]
        return self._paths[id(array)][1]


def dataset_at(place: Mapping[str, Any]) -> Dataset:
    """The dataset that ``Shelf.put`` wrote, its arrays mapped and read-only."""
    arrays = {name: np.asarray(np.load(path, mmap_mode="r")) for name, path in place["files"].items()}
    return dataset_of(place, arrays)


def words_of(dataset: Dataset) -> dict[str, Any]:
    """What a dataset says of itself, as plain values."""
    return {**{name: getattr(dataset, name) for name in WORDS}, "hashes": dict(dataset.hashes)}


def dataset_of(words: Mapping[str, Any], arrays: Mapping[str, Any]) -> Dataset:
    """The dataset of which ``words_of`` wrote. arrays: each of ``ARRAYS`` by its name"""
    values = {name: words[name] for name in WORDS}
    return Dataset(**{**values, "form_starts": tuple(words["form_starts"])}, **arrays)


def content_hash(array: NDArray[Any]) -> str:
    """SHA-256 of what is in it and of what it is."""
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
