"""When an image was learned and how often forgotten, recomputed by slow loops and read from hand-made histories."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analysis.forgetting import hard_digits, when_learned

histories = st.integers(0, 6).flatmap(
    lambda epochs: st.lists(st.lists(st.booleans(), min_size=epochs, max_size=epochs), min_size=1, max_size=20)
)


def test_the_history_of_four_images_is_told() -> None:
    right = np.array([[0, 1, 0, 0], [1, 1, 0, 1], [1, 0, 0, 0], [1, 1, 0, 1], [1, 0, 0, 1]], bool)
    table = when_learned(np.array([1.0, 2, 3, 4, 4.5]), right)
    assert list(table.columns) == ["index", "first", "forgotten", "right_share", "last"]
    assert table["index"].tolist() == [0, 1, 2, 3]
    assert table["first"].tolist()[:2] + table["first"].tolist()[3:] == [2, 1, 2]
    assert math.isnan(table["first"][2])
    assert table["forgotten"].tolist() == [0, 2, 0, 1]
    assert table["right_share"].tolist() == pytest.approx([0.8, 0.6, 0, 0.6])
    assert table["last"].tolist() == [True, False, False, True]


@settings(deadline=None)  # a busy machine is no failure
@given(histories)
def test_when_learned_agrees_with_a_slow_loop(images: list[list[bool]]) -> None:
    n_epochs = len(images[0])
    epochs = np.arange(1.0, n_epochs + 1) * 2
    table = when_learned(epochs, np.array(images, bool).reshape(len(images), n_epochs).T)
    assert len(table) == len(images)
    for row, answers in zip(table.itertuples(), images, strict=True):
        first, forgotten, before = math.nan, 0, False
        for epoch, right in zip(epochs, answers, strict=True):
            if right and math.isnan(first):
                first = epoch
            forgotten += before and not right
            before = right
        assert row.first == first or (math.isnan(row.first) and math.isnan(first))
        assert row.forgotten == forgotten
        assert row.last == before
        if n_epochs:
            assert row.right_share == pytest.approx(sum(answers) / n_epochs)
        else:
            assert math.isnan(row.right_share)


@settings(deadline=None)  # a busy machine is no failure
@given(histories)
def test_what_was_forgotten_and_never_learned_can_be_counted_in_two_ways(images: list[list[bool]]) -> None:
    right = np.array(images, bool).reshape(len(images), -1).T
    table = when_learned(np.arange(len(right), dtype=float), right)
    assert ((table["right_share"].fillna(0) == 0) == table["first"].isna()).all()
    # Learned as often as forgotten, or once more where it ends well.
    padded = np.vstack([np.zeros((1, len(images)), int), right.astype(int)])
    learned = (np.diff(padded, axis=0) == 1).sum(axis=0)
    np.testing.assert_array_equal(learned - table["last"], table["forgotten"])


def test_a_run_that_was_never_judged_has_no_images() -> None:
    table = when_learned(np.zeros(0), np.zeros((0, 0), bool))
    assert table.empty
    assert list(table.columns) == ["index", "first", "forgotten", "right_share", "last"]


@pytest.mark.parametrize(
    ("epochs", "right"),
    [([1.0, 2], np.zeros((3, 4))), ([2.0, 1], np.zeros((2, 4))), ([1.0, 1], np.zeros((2, 4))), ([1.0], np.zeros(4))],
    ids=["too few epochs", "falling", "twice the same", "one axis"],
)
def test_epochs_that_do_not_fit_are_refused(epochs: list[float], right: np.ndarray) -> None:
    with pytest.raises(ValueError, match="must rise"):
        when_learned(np.array(epochs), right.astype(bool))


def test_hard_digits_are_means_over_the_images_of_each_digit() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 9, 60)  # no nine
    epochs = np.array([1.0, 2, 3, 4])
    frame = when_learned(epochs, rng.random((4, 60)) < 0.3)
    table = hard_digits(frame, labels)
    assert list(table.columns) == ["digit", "n", "first", "forgotten", "never"]
    assert table["digit"].tolist() == [*range(10)]
    for row in table.itertuples():
        own = [one for one, label in zip(frame.itertuples(), labels, strict=True) if label == row.digit]
        assert row.n == len(own)
        if not own:
            assert row.digit == 9
            assert all(math.isnan(value) for value in (row.first, row.forgotten, row.never))
            continue
        read = [one.first for one in own if not math.isnan(one.first)]
        assert row.first == pytest.approx(sum(read) / len(read))
        assert row.forgotten == pytest.approx(sum(one.forgotten for one in own) / len(own))
        assert row.never == pytest.approx(1 - len(read) / len(own))


def test_hard_digits_of_other_images_are_refused() -> None:
    frame = when_learned(np.array([1.0]), np.ones((1, 4), bool))
    with pytest.raises(ValueError, match="judged on 4 images, there are 3 labels"):
        hard_digits(frame, np.arange(3))
