"""Several networks on the same images, against scikit-learn and slow loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from bench.reliability.laws import check
from core.analysis.metrics import probabilities
from core.analysis.pairs import agreement, contingency_cells, ensemble
from core.analysis.statistics import paired

answers = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=50).map(
    lambda pairs: np.array(pairs).T
)


def some_logits(seed: int, n: int = 200) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 4, (n, 10)).astype(np.float32)


@given(answers)
def test_each_image_is_in_the_one_cell_that_describes_it(right: np.ndarray) -> None:
    a, b = right
    cells = contingency_cells(a, b)
    names = {(True, True): "both", (True, False): "only_a", (False, True): "only_b", (False, False): "neither"}
    slow: dict[str, list[int]] = {name: [] for name in names.values()}
    for image in range(len(a)):
        slow[names[bool(a[image]), bool(b[image])]].append(image)
    assert {name: indices.tolist() for name, indices in cells.items()} == slow
    counts = paired(a, b)
    assert {name: len(indices) for name, indices in cells.items()} == {
        name: getattr(counts, name) for name in ("both", "only_a", "only_b", "neither")
    }


@given(answers)
def test_exchanging_two_networks_exchanges_what_each_alone_read(right: np.ndarray) -> None:
    there, back = contingency_cells(*right), contingency_cells(*right[::-1])
    for name, other in (("both", "both"), ("only_a", "only_b"), ("only_b", "only_a"), ("neither", "neither")):
        np.testing.assert_array_equal(there[name], back[other])


def test_agreement_is_the_accuracy_of_one_network_with_another_as_the_truth() -> None:
    predictions = np.random.default_rng(0).integers(0, 3, (4, 101))
    shares = agreement(predictions)
    expected = [[accuracy_score(a, b) for a in predictions] for b in predictions]
    np.testing.assert_allclose(shares, expected)
    np.testing.assert_array_equal(np.diag(shares), 1)


def test_an_ensemble_answers_by_its_mean_probability() -> None:
    logits = [some_logits(seed) for seed in range(3)]
    together = ensemble(logits)
    mean = np.mean([probabilities(one) for one in logits], axis=0)
    np.testing.assert_allclose(np.exp(together), mean, rtol=1e-9)
    np.testing.assert_allclose(probabilities(together), mean, rtol=1e-9)
    check(together, mean.argmax(axis=1), acc=1.0)
    np.testing.assert_allclose(ensemble(logits[::-1]), together, rtol=1e-9)


def test_logits_that_differ_by_a_constant_have_the_same_vote() -> None:
    first, second = some_logits(0), some_logits(1)
    np.testing.assert_allclose(ensemble([first, second + 100]), ensemble([first, second]), atol=1e-4)


@given(st.lists(st.lists(st.integers(-3000, 3000), min_size=10, max_size=10), min_size=1, max_size=20))
def test_an_ensemble_of_one_keeps_its_answers_and_copies_change_nothing(rows: list[list[int]]) -> None:
    logits = np.array(rows, np.float32) / 64
    np.testing.assert_array_equal(ensemble([logits]).argmax(axis=1), logits.argmax(axis=1))
    np.testing.assert_allclose(ensemble([logits] * 3), ensemble([logits]), atol=1e-9)


def test_certainty_does_not_overflow() -> None:
    sure = np.array([[5000.0] + [0.0] * 9])
    together = ensemble([sure, np.roll(sure, 1, axis=1)])
    np.testing.assert_allclose(np.exp(together[0, :2]), 0.5)
    assert np.isfinite(together).all()


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        contingency_cells(np.ones(3, bool), np.ones(4, bool))
    with pytest.raises(ValueError, match="one image"):
        agreement(np.zeros((3, 0), int))
    for bad in ([], [some_logits(0, 3), some_logits(0, 4)]):
        with pytest.raises(ValueError, match="for all"):
            ensemble(bad)
