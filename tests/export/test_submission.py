"""A Kaggle submission: its form to the letter, what may not be submitted, and, scored, the run's own accuracy."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from core.data.dataset import Dataset, Images
from core.engine.evaluate import Predictor
from core.errors import InputError
from core.export import submission as kaggle
from core.export.submission import FIRST_DIGITS, LAST_DIGITS, N_TEST_IMAGES, submission

RNG = np.random.default_rng(4)


class Reader:
    """Answers the digit that stands in an image's first pixel."""

    def logits(self, images: Images, on_images: object = None) -> np.ndarray:
        return np.eye(10, dtype=np.float32)[images[:, 0, 0]]


def pictures(digits: np.ndarray) -> Images:
    images = np.zeros((len(digits), 28, 28), np.uint8)
    images[:, 0, 0] = digits
    return images


READER = cast(Predictor, Reader())
DIGITS = RNG.integers(0, 10, N_TEST_IMAGES)
OWN = DIGITS.copy()
OWN[: len(FIRST_DIGITS)], OWN[-len(LAST_DIGITS) :] = FIRST_DIGITS, LAST_DIGITS
OWN_BYTES = 51_118_296


def test_the_file_is_what_the_competition_asks_for() -> None:
    made = submission(READER, pictures(OWN), file_bytes=OWN_BYTES, accuracy=0.99)
    lines = made.content.decode("ascii").split("\n")
    assert lines[0] == "ImageId,Label"
    assert lines[1:4] == ["1,2", "2,0", "3,9"]
    assert lines[-2:] == ["28000,2", ""]
    assert len(lines) == 28_002
    assert np.array_equal(made.digits, OWN)
    assert np.array_equal(kaggle.read(made.content), OWN)
    assert (made.warning, made.n_seen) == ("", 0)


@pytest.mark.parametrize("n", [0, 1, N_TEST_IMAGES - 1, N_TEST_IMAGES + 1])
def test_another_number_of_images_is_refused(n: int) -> None:
    with pytest.raises(InputError, match=rf"test\.csv has {n:,} images, expected 28,000"):
        submission(READER, pictures(np.zeros(n, int)), accuracy=0.99)


@pytest.mark.parametrize("order", ["reversed", "shuffled", "by digit", "one row on"])
def test_kaggles_own_file_in_another_order_is_refused(order: str) -> None:
    moved = {
        "reversed": OWN[::-1], "shuffled": RNG.permutation(OWN), "by digit": np.sort(OWN), "one row on": np.roll(OWN, 1),
    }[order]  # fmt: skip
    with pytest.raises(InputError, match="in another order"):
        submission(READER, pictures(moved), file_bytes=OWN_BYTES, accuracy=0.97)
    made = submission(READER, pictures(moved), file_bytes=7, accuracy=0.97)  # somebody's own 28,000 images
    assert "not Kaggle's own" in made.warning


def test_a_poor_reader_is_not_taken_for_another_order() -> None:
    for accuracy in (0.1, 0.3, 0.6, 0.9):
        answers = np.where(RNG.random(N_TEST_IMAGES) < accuracy, OWN, RNG.integers(0, 10, N_TEST_IMAGES))
        assert not kaggle.is_other_order(answers, accuracy)


def test_images_that_the_run_was_trained_on_are_counted(tiny: Dataset) -> None:
    rows = np.concatenate([tiny.test_images, tiny.train_images[:7]])
    learned = {image.tobytes() for image in tiny.train_images}
    assert kaggle.count_seen(rows, tiny.train_images) == sum(image.tobytes() in learned for image in rows) >= 7


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"ImageId,Label", b"imageid,label", "line 1"),
        (b"\n7,", b"\n0,", "line 8"),
        (b"\n7,", b"\n6,", "line 8: id 6 stands there twice"),
        (b"\n7,", b"\n07,", "line 8"),
        (b"\n28000,2\n", b"\n", "27,999 rows"),
        (b"\n28000,2\n", b"\n28000,2.0\n", "line 28,001"),
        (b"\n28000,2\n", b"\n28000,2\n28001,2\n", "line 28,002"),
        (b"\n1,2\n", b"\n0,1,2\n", "line 2"),
        (b"\n1,2\n", "\n1,\uff12\n".encode(), "digits and commas"),
    ],
)
def test_what_kaggle_would_refuse_is_refused(old: bytes, new: bytes, reason: str) -> None:
    content = kaggle.to_csv(OWN)
    assert content.count(old) == 1
    with pytest.raises(InputError, match=reason):
        kaggle.read(content.replace(old, new))
