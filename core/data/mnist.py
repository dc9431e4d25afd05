"""MNIST from its four files, accepted only when every byte of them is the published one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from core.data import DATASETS, title
from core.data.dataset import SIDE, Dataset
from core.data.idx import payload_sha256, read_idx
from core.data.paths import data_root
from core.errors import DataError

SOURCE = (
    "MNIST, Y. LeCun, C. Cortes and C. Burges 1998, from NIST Special Databases 1 and 3, CC BY-SA 3.0: "
    "60,000 training and 10,000 test images, written by different people."
)
BY_HAND = DATASETS["mnist"].how_to_get.split(". ", 1)[1]  # for whom the download does not work


@dataclass(frozen=True, slots=True)
class Payload:
    """What an unpacked file must be. dims: lengths after the first, ``count``."""

    sha256: str
    count: int
    dims: tuple[int, ...]

    @property
    def unpacked_bytes(self) -> int:
        """Length of the file: a header of four bytes a number, then one byte a value."""
        return 4 * (2 + len(self.dims)) + math.prod((self.count, *self.dims))


FILES: Mapping[str, Payload] = MappingProxyType(
    {
        "train-images-idx3-ubyte": Payload(
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", 60_000, (SIDE, SIDE)
        ),
        "train-labels-idx1-ubyte": Payload(
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 60_000, ()
        ),
        "t10k-images-idx3-ubyte": Payload(
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", 10_000, (SIDE, SIDE)
        ),
        "t10k-labels-idx1-ubyte": Payload(
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 10_000, ()
        ),
    }
)


def is_present(root: Path | None = None) -> bool:
    """Whether the four files are there by name; whether they are genuine is for ``load`` to say."""
    return all(any(_candidates(root or data_root(), name)) for name in FILES)


def load(root: Path | None = None) -> Dataset:
    """MNIST from ``<root>/mnist`` or torchvision's ``<root>/MNIST/raw``, each file gzipped or not.

    root: None means ``data_root()``. Raises DataError naming the file that is missing, damaged or not genuine.
    """
    root = root or data_root()
    train_images, train_labels, test_images, test_labels = (read_file(root, name) for name in FILES)
    return Dataset(
        name="mnist",
        title=title("mnist"),
        source=SOURCE,
        train_images=train_images,
        train_labels=train_labels.astype(np.int64),
        test_images=test_images,
        test_labels=test_labels.astype(np.int64),
        hashes={name: payload.sha256 for name, payload in FILES.items()},
    )


def read_file(root: Path, name: str) -> NDArray[np.uint8]:
    """One of the four ``FILES``: the first copy under ``root`` that is genuine.

    A torn copy must not hide a good one beside it. Raises DataError: why the first copy is not, or that there is none.
    """
    first: DataError | None = None
    for path in _candidates(root, name):
        try:
            values = read_idx(path, expect=FILES[name].dims, count=FILES[name].count)
            return verified(values, name, path.name)
        except DataError as error:
            first = first or error
    raise first or DataError(f"{name} is missing. {DATASETS['mnist'].how_to_get}")


def verified(values: NDArray[np.uint8], name: str, called: str) -> NDArray[np.uint8]:
    """``values`` themselves, if they are what the file ``name`` of MNIST holds; else DataError about ``called``."""
    if payload_sha256(values) != FILES[name].sha256:
        raise DataError(f"{called}: has the form of MNIST but not its content (SHA-256 differs)")
    return values


def _candidates(root: Path, name: str) -> Iterator[Path]:
    """Copies of a file that exist, by the names under which they travel.

    With a dash or a dot before "idx", gzipped or not; some archives unpack into one folder a file, named like it.
    """
    names = [f"{stem}{ending}" for stem in (name, name.replace("-idx", ".idx")) for ending in (".gz", "")]
    for folder in (root / "mnist", root / "MNIST" / "raw"):
        for file in names:
            for path in (folder / file, *(folder / other / file for other in names)):
                if path.is_file():
                    yield path
