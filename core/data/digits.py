"""The embedded digits: 1,797 small pictures that come with scikit-learn, redrawn with MNIST's geometry. Always there."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.data import DATASETS, FORMS_HASH, title
from core.data.dataset import N_CLASSES, Dataset, Images, Labels
from core.data.drawn import to_digit
from core.errors import DataError

N = 1_797
FORM_STARTS = DATASETS["digits"].form_starts
N_TEST_FORMS = 3
FIRST_TEST = FORM_STARTS[-N_TEST_FORMS]
OLDER_FIRST_TEST = 1_437  # four fifths, in the middle of a form: where runs of earlier versions were split

SOURCE = (
    "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak 1998, UCI Machine Learning Repository, "
    f"CC BY 4.0: {N:,} digits of 13 writers, enlarged from 8 × 8 to 28 × 28 pixels. They stand form by form, each of one "
    f"writer, and are split between forms: the last {N_TEST_FORMS} of {len(FORM_STARTS)}, with {N - FIRST_TEST} digits, are "
    "the test set."
)

OUTLINE_SCALE = 8  # how much larger the outline is drawn before it shrinks to its 20 pixels
OUTSIDE_FILLING, INSIDE_FILLING = 0.30, 0.70  # cell fillings that become the outside and the inside of a stroke


def is_present() -> bool:
    """Whether scikit-learn's file is there."""
    return _file() is not None


def load() -> Dataset:
    """Raises DataError when scikit-learn, or its file, is not there or not as it should be."""
    path = _file()
    if path is None:
        raise DataError("The embedded digits come with scikit-learn, which is not installed.")
    try:
        table = np.loadtxt(path, np.uint8, delimiter=",")
    except (OSError, EOFError, zlib.error, ValueError):
        table = np.empty((0, 0), np.uint8)
    if table.shape != (N, 65) or table[:, :-1].max() > 16 or table[:, -1].max() >= N_CLASSES:
        raise DataError("The embedded digits come with scikit-learn, whose file of them (digits.csv.gz) is damaged.")
    cells, labels = table[:, :-1].reshape(N, 8, 8), table[:, -1].astype(np.int64)
    images = _redrawn(cells.tobytes())
    hashes = {"digits.csv.gz": hashlib.sha256(table.tobytes()).hexdigest()}
    older = _split_at(OLDER_FIRST_TEST, images, labels, hashes)
    borders = np.array(FORM_STARTS, "<i8").tobytes()
    return _split_at(
        FIRST_TEST, images, labels, {**hashes, FORMS_HASH: hashlib.sha256(borders).hexdigest()},
        form_starts=FORM_STARTS[:-N_TEST_FORMS], older=older,
    )  # fmt: skip


def _split_at(
    first_test: int,
    images: Images,
    labels: Labels,
    hashes: Mapping[str, str],
    form_starts: tuple[int, ...] = (),
    older: Dataset | None = None,
) -> Dataset:
    return Dataset(
        name="digits", title=title("digits"), source=SOURCE, train_images=images[:first_test],
        train_labels=labels[:first_test], test_images=images[first_test:], test_labels=labels[first_test:], hashes=hashes,
        splitting="blocks", form_starts=form_starts, older=older,
    )  # fmt: skip


def _file() -> Path | None:
    """Read as a file, because to import scikit-learn takes a second and brings pandas and SciPy along."""
    spec = find_spec("sklearn")
    folders = spec.submodule_search_locations if spec else None
    path = Path(folders[0]) / "datasets" / "data" / "digits.csv.gz" if folders else None
    return path if path and path.is_file() else None


@lru_cache(maxsize=1)
def _redrawn(cells: bytes) -> Images:
    """All digits as (N, 28, 28), kept: to draw them takes half a second, and every run and every visitor asks for them."""
    images = np.stack([_redraw(cell) for cell in np.frombuffer(cells, np.uint8).reshape(-1, 8, 8)])
    images.flags.writeable = False
    return images


def _redraw(cells: NDArray[np.uint8]) -> Images:
    """One digit of 8 x 8 cells, each 0..16 parts ink, as (28, 28) uint8 of pen strokes that reach 255.

    Each cell says how much of it the pen covered. Smooth interpolation gives a hilly landscape; cutting it between two
    heights gives back an outline with the width of a pen.
    """
    padded = Image.fromarray(np.pad(cells, 1).astype(np.float32) / 16)
    side = padded.width * OUTLINE_SCALE
    hills = np.asarray(padded.resize((side, side), Image.Resampling.BICUBIC))
    outline = ((hills - OUTSIDE_FILLING) / (INSIDE_FILLING - OUTSIDE_FILLING)).clip(0, 1)
    return to_digit(np.rint(outline * 255).astype(np.uint8)).image
