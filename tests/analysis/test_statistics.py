"""Statistics against statsmodels and scipy, against the reference vectors, and on what must hold whatever the numbers."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import cochrans_q as sm_cochrans_q
from statsmodels.stats.contingency_tables import mcnemar as sm_mcnemar
from statsmodels.stats.multitest import multipletests

from core.analysis.statistics import (
    IMAGE_RESAMPLES,
    cochran_q,
    expected_best,
    holm,
    mcnemar,
    mean_sd,
    over_seeds,
    paired,
    resampled_accuracies,
    sign_flip,
    wide_interval,
    win_rate,
)

answers = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80).map(
    lambda pairs: np.array(pairs).T
)
counts = st.integers(0, 200)
# Accuracies of 1,000 images: ties happen, and differences are not exact in binary.
accuracies = st.lists(st.integers(900, 1000).map(lambda k: k / 1000), min_size=1, max_size=8)


def answered(only_a: int, only_b: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Right answers of two networks on n images; they agree on all others, being right on every second."""
    a = np.arange(n) % 2 == 0
    b = a.copy()
    a[: only_a + only_b], b[: only_a + only_b] = False, True
    a[:only_a], b[:only_a] = True, False
    return a, b


@pytest.mark.parametrize(
    ("b", "c", "exact", "mid_p"),
    [
        (7, 1, 0.070312, 0.039062), (10, 25, 0.016674, 0.011331), (0, 5, 0.0625, 0.03125),
        (40, 60, 0.056888, 0.046044), (5, 5, 1, 0.876953), (152, 134, 0.314785, 0.287988),
    ],
)  # fmt: skip
def test_mcnemar_gives_the_reference_values(b: int, c: int, exact: float, mid_p: float) -> None:
    assert mcnemar(b, c) == pytest.approx((exact, mid_p), abs=5.1e-7)
    result = paired(*answered(b, c, 10_000))
    assert (result.only_a, result.only_b, result.exact, result.mid_p) == (b, c, *mcnemar(b, c))


@settings(deadline=None)  # a busy machine is no failure
@given(counts, counts)
def test_mcnemar_agrees_with_statsmodels_and_with_scipys_binomial(b: int, c: int) -> None:
    exact, mid_p = mcnemar(b, c)
    assert 0 <= mid_p <= exact <= 1
    assert mcnemar(c, b) == (exact, mid_p)
    if b + c:
        half = stats.binom(b + c, 0.5)
        assert exact == pytest.approx(min(1, sm_mcnemar([[3, b], [c, 4]], exact=True).pvalue), rel=1e-9)
        by_definition = 1 - half.pmf(b) / 2 if b == c else 2 * half.cdf(min(b, c)) - half.pmf(min(b, c))
        assert mid_p == pytest.approx(by_definition, rel=1e-9)


def test_mcnemar_of_no_disagreement_is_one_and_of_very_much_stays_a_probability() -> None:
    assert mcnemar(0, 0) == (1, 1)
    assert mcnemar(5000, 4900)[0] == pytest.approx(2 * stats.binom.cdf(4900, 9900, 0.5), rel=1e-9)
    assert mcnemar(0, 9000) == (0, 0)  # below the smallest number there is
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 3)


@pytest.mark.parametrize(("discordant", "mid_p_gap", "exact_gap"), [(100, 20, 22), (200, 28, 30)])
def test_the_smallest_gap_that_reaches_five_percent_is_the_rule_of_thumb(discordant, mid_p_gap, exact_gap) -> None:
    values = {gap: mcnemar((discordant + gap) // 2, (discordant - gap) // 2) for gap in range(0, discordant + 1, 2)}
    assert min(gap for gap, (_, mid_p) in values.items() if mid_p < 0.05) == mid_p_gap
    assert min(gap for gap, (exact, _) in values.items() if exact < 0.05) == exact_gap


@given(answers)
def test_the_four_cells_add_up_and_the_errors_differ_by_b_minus_c(right: np.ndarray) -> None:
    a, b = right
    result = paired(a, b)
    assert result.both + result.only_a + result.only_b + result.neither == result.n == len(a)
    # Of two networks, the one with more errors is the one whose rival alone read more.
    assert (~b).sum() - (~a).sum() == result.only_a - result.only_b
    assert result.difference == pytest.approx(a.mean() - b.mean(), abs=1e-12)
    assert -1 <= result.low <= result.difference <= result.high <= 1
    assert 0 <= result.mid_p <= result.exact <= 1


@given(answers)
def test_exchanging_two_networks_mirrors_their_comparison(right: np.ndarray) -> None:
    there, back = paired(*right), paired(*right[::-1])
    mirrored = replace(
        back, only_a=back.only_b, only_b=back.only_a, difference=-back.difference, low=-back.high, high=-back.low
    )
    assert there == mirrored


def test_a_copy_against_itself_shows_nothing() -> None:
    right = np.random.default_rng(0).random(500) < 0.98
    result = paired(right, right.copy())
    assert (result.difference, result.low, result.high, result.exact, result.mid_p) == (0, 0, 0, 1, 1)


def test_the_interval_of_the_paired_difference_is_that_of_the_mean_of_minus_one_zero_one() -> None:
    a, b = answered(160, 100, 10_000)
    result = paired(a, b)
    gaps = a.astype(float) - b
    half = stats.norm.ppf(0.975) * gaps.std() / math.sqrt(len(gaps))
    assert (result.low, result.high) == pytest.approx((0.006 - half, 0.006 + half), rel=1e-6)


@pytest.mark.parametrize(
    ("a", "b"),
    [([], []), ([True], [True, False]), ([1, 0], [0, 1]), ([[True]], [[False]])],
    ids=["no images", "two lengths", "numbers", "two axes"],
)
def test_what_is_no_list_of_right_answers_is_refused(a: list, b: list) -> None:
    with pytest.raises(ValueError, match="must be bool"):
        paired(np.array(a, bool if not a else None), np.array(b, bool if not b else None))


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_is_monotone_and_never_below_the_raw_value(p: list[float]) -> None:
    raised = holm(p)
    assert all(raw <= high <= 1 for raw, high in zip(p, raised, strict=True))
    in_order = [high for _, high in sorted(zip(p, raised, strict=True))]
    assert in_order == sorted(in_order)


@pytest.mark.parametrize("n", range(1, 13))
def test_holm_agrees_with_statsmodels(n: int) -> None:
    p = np.random.default_rng(n).random(n).round(1) ** 3  # with ties, zeros and ones
    np.testing.assert_allclose(holm(p.tolist()), multipletests(p, method="holm")[1], atol=1e-12)


def test_holm_leaves_one_test_alone_and_refuses_what_is_no_probability() -> None:
    assert holm([0.03]) == [0.03]
    for bad in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            holm([0.5, bad])


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(2, 6), st.integers(1, 60), st.integers(0, 999))
def test_cochrans_q_agrees_with_statsmodels(networks: int, n: int, seed: int) -> None:
    right = np.random.default_rng(seed).random((networks, n)) < 0.7
    q, df, p = cochran_q(right)
    assert df == networks - 1
    assert 0 <= p <= 1
    if (right == right[0]).all():
        assert (q, p) == (0, 1)
    else:
        expected = sm_cochrans_q(right.T.astype(int))
        assert (q, p) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9, abs=1e-12)


def test_cochrans_q_of_two_is_mcnemars_statistic_and_one_network_is_refused() -> None:
    q, df, _ = cochran_q(np.array(answered(25, 10, 100)))
    assert (q, df) == (pytest.approx((25 - 10) ** 2 / 35), 1)
    with pytest.raises(ValueError, match="two networks"):
        cochran_q(np.ones((1, 9), bool))


def test_spread_is_students_interval_and_one_value_has_none() -> None:
    values = [0.9719, 0.9731, 0.9699, 0.9742, 0.9725, 0.9708]
    result = mean_sd(values)
    expected = stats.t.interval(0.95, 5, loc=np.mean(values), scale=stats.sem(values))
    assert (result.n, result.mean, result.sd) == (
        6,
        pytest.approx(np.mean(values)),
        pytest.approx(np.std(values, ddof=1)),
    )
    assert (result.low, result.high) == pytest.approx(expected, rel=1e-9)
    alone = mean_sd([0.5])
    assert (alone.n, alone.mean, alone.sd, alone.low, alone.high) == (1, 0.5, None, None, None)


@pytest.mark.parametrize(("seeds", "multiplier"), [(3, 2.48), (5, 1.24), (10, 0.72)])
def test_the_interval_is_so_many_standard_deviations_wide(seeds: int, multiplier: float) -> None:
    result = mean_sd(list(range(seeds)))
    assert (result.high - result.mean) / result.sd == pytest.approx(multiplier, abs=0.006)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.integers(-40, 40).map(lambda k: k / 1000), min_size=1, max_size=9))
def test_sign_flip_counts_all_patterns_of_signs(gaps: list[float]) -> None:
    p = sign_flip(gaps)
    # Slowly, and in whole numbers, where equal sums are equal.
    whole = [round(1000 * gap) for gap in gaps]
    sums = [abs(sum(np.multiply(signs, whole))) for signs in itertools.product((-1, 1), repeat=len(whole))]
    assert p == np.mean([other >= abs(sum(whole)) for other in sums])
    assert 2 / 2 ** len(gaps) <= p <= 1
    assert sign_flip([-gap for gap in gaps]) == p


def test_sign_flip_is_scipys_paired_permutation_test() -> None:
    gaps = np.array([0.31, 0.12, -0.08, 0.4, 0.22, 0.05, 0.17])
    expected = stats.permutation_test((gaps,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(gaps) == pytest.approx(expected.pvalue)


@given(st.lists(st.floats(-1, 1), min_size=5, max_size=5))
def test_five_seeds_can_never_reach_five_percent(gaps: list[float]) -> None:
    assert sign_flip(gaps) >= 0.0625


def test_six_seeds_can_reach_five_percent() -> None:
    assert sign_flip([0.001, 0.002, 0.005, 0.0001, 0.003, 0.004]) == 0.03125


def test_beyond_sixteen_seeds_random_signs_come_close_to_all_and_repeat() -> None:
    gaps = np.random.default_rng(3).normal(0.3, 1, 17)
    signs = 1 - 2 * (np.arange(2**17)[:, None] >> np.arange(17) & 1)
    exact = (np.abs(signs @ gaps) >= abs(gaps.sum()) - 1e-9).mean()
    assert 0.01 < exact < 0.9
    assert sign_flip(gaps) == pytest.approx(exact, abs=0.006)
    assert sign_flip(gaps) == sign_flip(gaps)
    assert 0 < sign_flip([1.0] * 40) < 1e-4


@settings(deadline=None)  # a busy machine is no failure
@given(accuracies, accuracies)
def test_win_rate_is_mann_whitneys_share_and_mirrors(a: list[float], b: list[float]) -> None:
    share, low, high = win_rate(a, b)
    assert share == pytest.approx(stats.mannwhitneyu(a, b).statistic / (len(a) * len(b)))
    assert 0 <= low <= high <= 1
    assert win_rate(b, a) == pytest.approx((1 - share, 1 - high, 1 - low), abs=1e-12)


def test_the_interval_of_the_win_rate_agrees_with_a_slow_bootstrap() -> None:
    rng = np.random.default_rng(5)
    # In order and of one length: drawn together instead of apart, they would vary far less.
    a, b = np.sort(rng.normal(0.5, 1, 12)), np.sort(rng.normal(0, 1, 12))
    share, low, high = win_rate(a, b)
    slow = [np.mean(rng.choice(a, len(a))[:, None] > rng.choice(b, len(b))) for _ in range(4000)]
    assert low < share < high
    assert (low, high) == pytest.approx(np.quantile(slow, (0.025, 0.975)), abs=0.03)


def test_over_seeds_looks_only_at_seeds_that_both_have() -> None:
    a, b = {3: 0.98, 1: 0.97, 2: 0.99, 7: 0.1}, {2: 0.96, 1: 0.965, 3: 0.97, 9: 1.0}
    result = over_seeds(a, b)
    gaps = [0.97 - 0.965, 0.99 - 0.96, 0.98 - 0.97]
    assert result.seeds == (1, 2, 3)
    mean = mean_sd(gaps)
    assert (result.difference, result.low, result.high) == pytest.approx((mean.mean, mean.low, mean.high))
    assert result.p == sign_flip(gaps)
    assert result.win_rate == pytest.approx((9 - 0.5) / 9)  # 0.97 against 0.97 is a tie
    with pytest.raises(ValueError, match="none in common"):
        over_seeds({1: 0.9}, {2: 0.9})


def test_a_run_that_diverged_is_lost_by_as_much_as_the_largest_gap() -> None:
    a = {seed: 0.97 + seed / 1000 for seed in range(6)}
    b: dict[int, float | None] = {0: 0.96, 1: None, 2: 0.95, 3: 0.98, 4: None, 5: 0.96}
    result = over_seeds(a, b)
    gaps = [0.97 - 0.96, 0.972 - 0.95, 0.973 - 0.98, 0.975 - 0.96]
    mean = mean_sd(gaps)
    assert (result.seeds, result.diverged_a, result.diverged_b) == ((0, 1, 2, 3, 4, 5), (), (1, 4))
    assert (result.difference, result.low, result.high) == pytest.approx((mean.mean, mean.low, mean.high))
    assert result.p == sign_flip([*gaps, 0.022, 0.022])
    assert result.win_rate == pytest.approx(30 / 36), "0.98 is above all six of the other side"
    assert result.a_is_ahead
    mirrored = over_seeds(b, a)
    assert (mirrored.p, mirrored.win_rate, mirrored.a_is_ahead) == (result.p, pytest.approx(6 / 36), False)
    both = over_seeds({0: 0.9, 1: None}, {0: 0.8, 1: None})
    assert both.p == sign_flip([0.1, 0.0]), "two that diverged are even"


def test_who_diverges_always_loses_as_surely_as_who_diverges_mostly() -> None:
    steady: dict[int, float | None] = {seed: 0.9 + seed / 1000 for seed in range(6)}
    never, once = dict.fromkeys(range(6)), {**dict.fromkeys(range(6)), 3: 0.5}
    result = over_seeds(never, steady)
    assert (result.difference, result.low, result.high) == (None, None, None)
    assert (result.p, result.win_rate, result.a_is_ahead) == (2 / 2**6, 0, False)
    assert over_seeds(once, steady).p == result.p
    assert over_seeds(once, {**steady, 3: 0.5}).p == 2 / 2**5, "the only gap is 0, and the others still count"
    apart = over_seeds({0: 0.9, 1: 0.9, 2: None, 3: None}, {0: None, 1: None, 2: 0.9, 3: 0.9})
    assert (apart.difference, apart.p, apart.win_rate) == (None, 1, 0.5)
    assert over_seeds(steady, never, missing=2).p > 0.05, "what is missing counts against whoever is ahead"


def test_what_is_missing_counts_against_whoever_is_ahead() -> None:
    a, b = dict.fromkeys(range(7), 0.98), {seed: 0.97 - seed / 1000 for seed in range(7)}
    gaps = [a[seed] - b[seed] for seed in range(7)]
    assert over_seeds(a, b).p == sign_flip(gaps)
    assert over_seeds(a, b, missing=2).p == over_seeds(b, a, missing=2).p == sign_flip([*gaps, -0.016, -0.016])
    assert over_seeds({0: 0.9, 1: 0.8}, {0: 0.8, 1: 0.9}, missing=3).p == 1, "never smaller than without"


def test_the_ends_of_the_win_rate_are_those_of_very_many_resamples() -> None:
    """From 2,000 the low end of these came out as 0.361."""
    a, b = [3, 5, 7, 8, 12, 14], [0, 0, 9, 4, 10, 4]
    assert win_rate(a, b)[1:] == pytest.approx((14 / 36, 1.0)), "of 400,000 resamples"


def test_redrawn_images_keep_runs_paired_and_vary_as_much_as_drawing_does() -> None:
    rng = np.random.default_rng(0)
    right = rng.random((3, 400)) < [[0.9], [0.9], [0.6]]
    right[1] = right[0]
    redrawn = resampled_accuracies(right)
    assert redrawn.shape == (IMAGE_RESAMPLES, 3)
    assert (redrawn[:, 0] == redrawn[:, 1]).all(), "both read the same images, whichever are drawn"
    accuracy = right.mean(axis=1)
    assert redrawn.mean(axis=0) == pytest.approx(accuracy, abs=0.002)
    assert redrawn.std(axis=0) == pytest.approx(np.sqrt(accuracy * (1 - accuracy) / 400), rel=0.06)
    for wrong in (np.ones(5, bool), np.ones((2, 0), bool)):
        with pytest.raises(ValueError, match="at least"):
            resampled_accuracies(wrong)


def test_the_wide_interval_is_students_where_images_do_not_matter_and_adds_their_luck_where_they_do() -> None:
    gaps = [0.012, 0.015, 0.009, 0.013, 0.016, 0.011]
    student = mean_sd(gaps)
    alike = np.full(IMAGE_RESAMPLES, student.mean)
    assert wide_interval(alike, gaps) == pytest.approx((student.low, student.high), abs=2e-5)
    moved = alike + np.random.default_rng(1).normal(0, 0.004, IMAGE_RESAMPLES)
    low, high = wide_interval(moved, gaps)
    half = math.hypot((student.high - student.low) / 2, 1.96 * 0.004)
    assert (high - low) / 2 == pytest.approx(half, rel=0.05)
    assert wide_interval(-moved, [-gap for gap in gaps]) == pytest.approx((-high, -low))
    two = mean_sd([0.01, 0.2])
    low, high = wide_interval(np.full(IMAGE_RESAMPLES, two.mean), [0.01, 0.2])
    assert low <= two.low < two.high <= high, "never narrower, however long the tail of two seeds"
    with pytest.raises(ValueError, match="two at least"):
        wide_interval(alike, [0.01])


def test_a_condition_against_itself_over_seeds_shows_nothing() -> None:
    same = {seed: 0.97 + seed / 1000 for seed in range(6)}
    result = over_seeds(same, dict(same))
    assert (result.difference, result.low, result.high, result.p, result.win_rate) == (0, 0, 0, 1, 0.5)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.integers(-50, 50).map(lambda k: k / 7), min_size=1, max_size=8))
def test_expected_best_is_the_mean_over_all_choices_of_trials(values: list[float]) -> None:
    curve = expected_best(values)
    slow = [np.mean([max(some) for some in itertools.combinations(values, k)]) for k in range(1, len(values) + 1)]
    np.testing.assert_allclose(curve, slow, atol=1e-12)
    assert (np.diff(curve) >= -1e-12).all()
    assert (curve[0], curve[-1]) == pytest.approx((np.mean(values), max(values)))


def test_the_best_of_equals_looks_better_by_so_many_standard_errors() -> None:
    equals = stats.norm.ppf((np.arange(1000) + 0.5) / 1000)
    curve = expected_best(equals)
    assert [curve[k - 1] for k in (3, 10, 20)] == pytest.approx([0.85, 1.54, 1.87], abs=0.01)


@pytest.mark.parametrize("function", [mean_sd, sign_flip, expected_best, lambda values: win_rate(values, [0.5])])
@pytest.mark.parametrize("values", [[], [0.9, math.nan], [math.inf]])
def test_no_value_and_no_number_are_refused(function, values: list[float]) -> None:
    with pytest.raises(ValueError, match="at least one finite number"):
        function(values)
