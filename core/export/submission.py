"""A submission to Kaggle's Digit Recognizer: the answers of a run to the competition's 28,000 unlabelled images.

The form is the competition's (kaggle.com/c/digit-recognizer, "Evaluation" and "Data"): a header ``ImageId,Label``, one row
an image, ids from 1 in the order of ``test.csv``, labels 0 to 9, nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from core.data import kaggle
from core.data.dataset import Images, Labels
from core.errors import InputError
from core.export.source import Exported, File, Source

if TYPE_CHECKING:
    from core.engine.evaluate import Predictor

FILE = "submission.csv"
HEADER = "ImageId,Label"
N_TEST_IMAGES = 28_000
OWN_BYTES = frozenset(
    {51_118_296, 51_118_296 + N_TEST_IMAGES + 1}
)  # of Kaggle's own test.csv, and with Windows' line ends
# Which digits its first ten and last three rows show: every published notebook that reads them prints these.
FIRST_DIGITS, LAST_DIGITS = (2, 0, 9, 0, 3, 7, 0, 3, 0, 3), (3, 9, 2)
MIN_LIKELIHOOD_RATIO = 1000.0  # how much likelier "another order" has to be before it is said
_ROW = re.compile(r"([1-9][0-9]{0,4}),([0-9])")


def make(source: Source) -> Exported:
    """Of a run and the uploaded ``test.csv``, else the one in the data folder. Raises InputError, DataError."""
    from core.engine.evaluate import Predictor

    content = source.test_csv if source.test_csv is not None else kaggle.unlabelled_file()
    images = kaggle.read_test_csv(content)
    about, weights = source.store.snapshot(source.run.run_id)
    predictor = Predictor(source.run.run_config(), weights, about["mean"], about["std"])
    summary = source.run.summary
    made = submission(
        predictor, images, file_bytes=len(content), accuracy=summary.get("test_acc") or summary.get("val_acc") or 0.0,
        trained_on=source.trained_on(), on_images=source.on_images,
    )  # fmt: skip
    views = predictor.config.training.tta_views
    sentence = f"{N_TEST_IMAGES:,} images read" + (f", each {views} times, slightly moved" if views > 1 else "") + "."
    warning = made.warning
    if made.n_seen:
        warning = (
            f"{made.n_seen:,} of these {N_TEST_IMAGES:,} images are among those that the run was trained on, so its score at "
            f"Kaggle would say little about new digits. {warning}"
        ).strip()
    figures = {"n": N_TEST_IMAGES, "n_seen": made.n_seen, "tta_views": views}
    return Exported((File(FILE, made.content, "text/csv"),), sentence, warning, figures)


@dataclass(frozen=True, slots=True)
class Submission:
    """content: the file · digits (28000,) int64: the same as numbers · n_seen: of the images, how many the run was trained on
    warning: a sentence for people, "" for none"""

    content: bytes
    digits: Labels
    n_seen: int
    warning: str


def submission(
    predictor: Predictor,
    images: Images,
    *,
    file_bytes: int = 0,
    accuracy: float = 0.0,
    trained_on: Images | None = None,
    on_images: Callable[[int], None] | None = None,
) -> Submission:
    """Answer the test images as the run answers any other, with its own number of views, and write the file.

    images (28000, 28, 28) uint8: the rows of ``test.csv`` in their order · file_bytes: how large that file is, 0 if unknown
    accuracy: of the run, a fraction; what it reads wrong is no sign of another order
    trained_on (N, 28, 28) uint8: the images it learned from
    on_images: told how many images have been read
    Raises InputError for a file that is cut off or longer, and for Kaggle's own file in another order.
    """
    if len(images) != N_TEST_IMAGES:
        amount = "is cut off" if len(images) < N_TEST_IMAGES else "is no test.csv of the Digit Recognizer"
        raise InputError(f"The file test.csv has {len(images):,} images, expected {N_TEST_IMAGES:,}: it {amount}.")
    digits = predictor.logits(images, on_images).argmax(1).astype(np.int64)
    warning = ""
    if is_other_order(digits, accuracy):
        expected = " ".join(map(str, FIRST_DIGITS))
        actual = " ".join(map(str, digits[: len(FIRST_DIGITS)]))
        differs = f"the run reads {actual} in the first rows, and in Kaggle's own test.csv they show {expected}"
        if file_bytes in OWN_BYTES:
            raise InputError(
                f"The rows of this test.csv stand in another order: {differs}. Get the file from Kaggle anew."
            )
        warning = f"This is not Kaggle's own test.csv: {differs}. Kaggle would count these answers as wrong."
    content = to_csv(digits)
    if not np.array_equal(read(content), digits):
        raise AssertionError("a submission does not say what was answered")
    return Submission(content, digits, count_seen(images, trained_on), warning)


def is_other_order(digits: Labels, accuracy: float) -> bool:
    """Whether answers to the first and last rows fit another order far better than the order of Kaggle's own file.

    A likelihood ratio: a run answers a row of its own order right in a share ``accuracy`` of cases, one of another order in a
    tenth. A run that only guesses can tell nothing, and is not held to it.
    """
    expected = np.array([*FIRST_DIGITS, *LAST_DIGITS])
    actual = np.concatenate([digits[: len(FIRST_DIGITS)], digits[-len(LAST_DIGITS) :]])
    right = np.clip(accuracy, 0.1, 0.999)
    likelihoods = np.where(actual == expected, right / 0.1, (1 - right) / 0.9)
    return bool(np.prod(likelihoods) < 1 / MIN_LIKELIHOOD_RATIO)


def count_seen(images: Images, trained_on: Images | None) -> int:
    """How many of the images are, pixel by pixel, among those of a training: the 70,000 digits of MNIST are Kaggle's."""
    if trained_on is None:
        return 0
    learned = {sha256(image).digest() for image in np.ascontiguousarray(trained_on)}
    return sum(sha256(image).digest() in learned for image in np.ascontiguousarray(images))


def to_csv(digits: Labels) -> bytes:
    """digits (N,) 0 to 9 -> the file."""
    rows = (f"{image_id},{digit}\n" for image_id, digit in enumerate(digits.tolist(), start=1))
    return f"{HEADER}\n{''.join(rows)}".encode()


def read(content: bytes) -> Labels:
    """The labels (28000,) of a submission in the order of their ids. Raises InputError naming the first line at fault."""
    try:
        lines = content.decode("ascii").removesuffix("\n").split("\n")
    except UnicodeDecodeError:
        raise InputError(f"{FILE}: holds something else than digits and commas") from None
    if lines[0].removesuffix("\r") != HEADER:
        raise InputError(f"{FILE}, line 1: is {lines[0][:40]!a}, expected {HEADER!r}")
    labels = np.full(N_TEST_IMAGES, -1, np.int64)
    for number, line in enumerate(lines[1:], start=2):
        match = _ROW.fullmatch(line.removesuffix("\r"))
        image_id = int(match[1]) if match else 0
        if match is None or image_id > N_TEST_IMAGES:
            text = ascii(line[:40])
            raise InputError(
                f"{FILE}, line {number:,}: is {text}, expected an id from 1 to {N_TEST_IMAGES:,} and a digit"
            )
        if labels[image_id - 1] >= 0:
            raise InputError(f"{FILE}, line {number:,}: id {image_id:,} stands there twice")
        labels[image_id - 1] = int(match[2])
    if len(lines) - 1 != N_TEST_IMAGES:
        raise InputError(f"{FILE}: has {len(lines) - 1:,} rows, expected {N_TEST_IMAGES:,}")
    return labels
