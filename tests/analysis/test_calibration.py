"""Calibration against scikit-learn, against hand-made networks whose figures are known, and at its edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from core.analysis import calibration as own
from core.analysis.metrics import probabilities, wilson

N = 4_002  # 4,001 steps between them are no multiple of 3 or 5, so no quantile falls on an image, where rounding would decide


def network(n: int = N, sharpness: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels of a network that is perfectly calibrated at sharpness 1: labels are drawn by its probabilities."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2.5, (n, 10))
    labels = np.array([rng.choice(10, p=row) for row in probabilities(logits)])
    return sharpness * logits, labels


@pytest.fixture(scope="module")
def perfect() -> tuple[np.ndarray, np.ndarray]:
    return network()


@pytest.mark.parametrize(("binning", "strategy"), [("width", "uniform"), ("count", "quantile")])
def test_bins_and_their_error_agree_with_scikit_learn(perfect, binning, strategy: str) -> None:
    logits, labels = perfect
    answers = own.answers_of(logits, labels)
    bins = own.reliability(answers, own.bin_edges(answers.confidence, binning))
    there = bins[bins["n"] > 0]
    accuracy, confidence = calibration_curve(answers.right, answers.confidence, n_bins=15, strategy=strategy)
    np.testing.assert_allclose(there["accuracy"], accuracy)
    np.testing.assert_allclose(there["confidence"], confidence)
    assert own.expected_error(bins) == pytest.approx((there["n"] * abs(accuracy - confidence)).sum() / N)
    assert bins["n"].sum() == N
    if binning == "count":
        assert bins["n"].between(N // 15 - 1, N // 15 + 2).all()


def test_loss_and_brier_agree_with_scikit_learn(perfect) -> None:
    logits, labels = perfect
    figures, probs = own.calibration(3 * logits, labels), probabilities(3 * logits)
    assert figures.loss == pytest.approx(log_loss(labels, probs, labels=range(10)))
    assert figures.brier == pytest.approx(brier_score_loss(labels, probs, labels=range(10), scale_by_half=False))
    assert own.brier(np.zeros((1, 10)), np.array([3])) == pytest.approx(0.9)


def test_a_bin_holds_its_upper_end_and_not_its_lower_one() -> None:
    edges = own.bin_edges(np.ones(1))
    at_end = own.Answers(np.array([edges[4], np.nextafter(edges[4], 1), 1.0]), np.array([True, False, True]))
    bins = own.reliability(at_end, edges)
    assert bins.loc[bins["n"] > 0, "right"].to_dict() == {3: 1, 4: 0, 14: 1}
    low, high = bins.loc[4, ["wilson_low", "wilson_high"]]
    assert (low, high) == wilson(0, 1)
    assert bins.loc[0, ["confidence", "accuracy", "wilson_low", "wilson_high"]].isna().all()


def test_many_equal_confidences_share_one_bin_of_equal_counts() -> None:
    confidence = np.concatenate([np.full(900, 1.0), np.linspace(0.2, 0.9, 100)])
    edges = own.bin_edges(confidence, "count")
    assert (np.diff(edges) > 0).all()
    assert own.reliability(own.Answers(confidence, np.ones(1000, bool)), edges)["n"].sum() == 1000


def test_the_floor_is_what_luck_makes_of_a_perfect_network() -> None:
    confidence = np.full(400, 0.7)
    floor = own.noise_floor(confidence, own.bin_edges(confidence))
    spread = np.sqrt(0.7 * 0.3 / 400)  # of the share that is right: half normal, 0.674 and 1.96 spreads
    assert floor.median == pytest.approx(0.674 * spread, rel=0.1)
    assert floor.high == pytest.approx(1.96 * spread, rel=0.1)
    assert floor == own.noise_floor(confidence, own.bin_edges(confidence)), "seeded"
    assert own.noise_floor(np.ones(5), own.bin_edges(np.ones(5))) == (0, 0)


def test_perfect_networks_lie_within_the_floor_about_95_times_in_100() -> None:
    inside = [own.calibration(*network(500, seed=seed)).is_within_floor for seed in range(60)]
    assert 50 <= sum(inside) < 60
    assert not own.calibration(*network(sharpness=2.0)).is_within_floor


def test_the_temperature_undoes_what_made_a_network_too_sure(perfect) -> None:
    logits, labels = perfect
    fitted = own.fit_temperature(3 * logits, labels)
    assert fitted is not None
    assert fitted == pytest.approx(3, rel=0.05)
    label_logits = 3 * logits[np.arange(N), labels]

    def slope(t: float) -> float:  # of the loss: it is 0 where the mean logit is that of the labels
        return float((probabilities(3 * logits / t) * 3 * logits).sum(1).mean() - label_logits.mean())

    assert fitted == pytest.approx(brentq(slope, 0.1, 50), rel=1e-4)
    before, after = own.calibration(3 * logits, labels), own.calibration(3 * logits, labels, temperature=fitted)
    assert after.is_within_floor
    assert not before.is_within_floor
    assert after.loss < before.loss
    assert after.accuracy == before.accuracy


def test_there_is_no_temperature_without_a_mistake_and_no_calibration_without_an_image() -> None:
    assert own.fit_temperature(np.eye(10), np.arange(10)) is None
    assert own.fit_temperature(np.empty((0, 10)), np.empty(0, np.int64)) is None
    with pytest.raises(ValueError, match="one image"):
        own.calibration(np.empty((0, 10)), np.empty(0, np.int64))


def test_the_threshold_splits_images_into_four_counts() -> None:
    answers = own.Answers(np.array([0.5, 0.9, 0.9, 0.99]), np.array([True, True, False, False]))
    assert own.abstaining(answers, 0.0) == own.Abstaining(4, 2, 2, 0, 0)
    assert own.abstaining(answers, 0.9) == own.Abstaining(4, 1, 2, 1, 0)
    assert own.abstaining(answers, 1.0).answered == 0


def test_coverage_rises_to_all_images_and_keeps_equal_confidences_together(perfect) -> None:
    answers = own.Answers(np.array([0.5, 0.9, 0.9, 0.99]), np.array([True, True, False, True]))
    curve = own.coverage_curve(answers)
    assert curve["answered"].tolist() == [1, 3, 4]
    assert curve["accuracy"].tolist() == [1, 2 / 3, 3 / 4]
    whole = own.answers_of(*perfect)
    curve = own.coverage_curve(whole, points=50)
    assert len(curve) <= 50
    assert (curve["coverage"].iloc[-1], curve["accuracy"].iloc[-1]) == (1, whole.right.mean())
    for row in curve.itertuples():
        split = own.abstaining(whole, row.threshold)
        assert (split.answered, split.right) == (row.answered, round(row.accuracy * row.answered))
