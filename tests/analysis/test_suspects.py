"""Digits that all networks misread: which ones, in which order, and the accuracy without some images."""

from __future__ import annotations

import numpy as np
import pytest

from core.analysis.suspects import misread_by_all, readings, right_without

LABELS = np.array([0, 1, 2, 3])


def sure(answers: list[int], probability: float) -> np.ndarray:
    """Logits of a network that gives this probability to each of its answers, and the rest evenly to the others."""
    probs = np.full((len(answers), 10), (1 - probability) / 9)
    probs[np.arange(len(answers)), answers] = probability
    return np.log(probs)


def test_only_what_every_network_misreads_is_suspect_and_the_least_believed_label_comes_first() -> None:
    a, b = sure([0, 5, 6, 7], 0.9), sure([4, 5, 8, 7], 0.8)
    b[3] = sure([7], 0.99)[0]
    table = misread_by_all(readings([a, b], LABELS), LABELS)
    assert table["index"].tolist() == [3, 1, 2]
    assert table["truth"].tolist() == [3, 1, 2]
    assert table["alike"].tolist() == [True, True, False]
    np.testing.assert_allclose(table["confidence"], [0.9, 0.8, 0.8])
    np.testing.assert_allclose(table["p_truth"], [(0.1 / 9 + 0.01 / 9) / 2, (0.1 + 0.2) / 18, (0.1 + 0.2) / 18])
    assert misread_by_all(readings([a, b], LABELS), LABELS, 0.85)["index"].tolist() == [3]


def test_readings_of_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match="logits are"):
        readings([], LABELS)
    with pytest.raises(ValueError, match=r"\(3, 10\)"):
        readings([np.zeros((4, 10)), np.zeros((3, 10))], LABELS)


def test_images_that_are_left_out_count_on_neither_side() -> None:
    right = np.array([True, False, True, False])
    assert right_without(right, ()) == (2, 4)
    assert right_without(right, {1, 2}) == (1, 2)
