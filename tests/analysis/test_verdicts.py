"""What is said about a comparison: the default is no winner, and every sentence carries its numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analysis.statistics import Paired, Seeds, mcnemar, over_seeds, paired
from core.analysis.verdicts import FEWEST_SEEDS, Verdict, verdict_for_pair, verdict_over_seeds

CAVEAT = "This speaks about these two trained networks, not about their architectures."


def networks(only_a: int, only_b: int, n: int = 10_000) -> Paired:
    a, b = np.zeros((2, n), bool)
    a[:only_a], b[only_a : only_a + only_b] = True, True
    return paired(a, b)


def seeds(gaps: list[float], base: float = 0.96) -> Seeds:
    """b reads ``base`` with every seed, a so much more."""
    return over_seeds({seed: base + gap for seed, gap in enumerate(gaps)}, dict.fromkeys(range(len(gaps)), base))


def test_a_gap_that_luck_brings_up_often_has_no_winner() -> None:
    result = verdict_for_pair("A", "B", networks(152, 134), images="test images")
    assert result.winner == "none"
    assert result.sentence == (
        "A read 18 more of 10,000 test images than B; that could be luck. A alone read 152 of them, B alone 134. "
        f"A gap like this comes up by luck 29 times in 100. {CAVEAT}"
    )


def test_a_gap_that_luck_seldom_brings_up_has_a_winner_on_either_side() -> None:
    result = verdict_for_pair("A", "B", networks(160, 100))
    assert result.winner == "a"
    assert result.sentence == (
        "A read 60 more of 10,000 images than B; luck alone would hardly do that. A alone read 160 of them, B alone 100: a "
        "lead of 0.60 percentage points (95 % 0.28 to 0.92). A gap like this comes up by luck 2 times in 10,000. "
        f"{CAVEAT}"
    )
    assert result.finding == "A read 60 more of 10,000 images than B; luck alone would hardly do that."
    turned = verdict_for_pair("A", "B", networks(100, 160))
    assert turned.winner == "b"
    assert turned.finding == "B read 60 more of 10,000 images than A; luck alone would hardly do that."
    assert "A alone read 100 of them, B alone 160: a lead of 0.60" in turned.figures
    assert "(95 % 0.28 to 0.92)" in turned.sentence


def test_a_value_raised_for_many_pairs_decides_and_is_told() -> None:
    result = networks(60, 40)
    assert verdict_for_pair("A", "B", result).winner == "a"
    raised = verdict_for_pair("A", "B", result, 3 * result.mid_p)
    assert raised.winner == "none"
    assert "by luck 14 times in 100, counting all pairs compared." in raised.sentence
    assert "counting" not in verdict_for_pair("A", "B", result, result.mid_p).sentence


def test_networks_that_answer_alike_are_not_compared_by_luck() -> None:
    same = verdict_for_pair("A", "B", networks(0, 0))
    assert same.sentence == f"A and B read exactly the same 0 of 10,000 images. {CAVEAT}"
    level = verdict_for_pair("A", "B", networks(5, 5))
    assert level.winner == "none"
    assert level.finding == "A and B each read 5 of 10,000 images: there is no gap."
    assert level.figures == "A alone read 5 of them, B alone 5."


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (1.0, "nearly always"), (0.29, "29 times in 100"), (0.05, "5 times in 100"), (0.03125, "3 times in 100"),
        (0.0496, "496 times in 10,000"), (0.046, "46 times in 1,000"), (0.0499999, "just under 5 times in 100"),
        (0.01, "1 time in 100"), (0.004, "4 times in 1,000"), (0.00001, "less than once in 10,000 times"),
    ],
)  # fmt: skip
def test_rounding_never_moves_luck_across_the_level(p: float, words: str) -> None:
    verdict = verdict_for_pair("A", "B", replace(networks(160, 100), mid_p=p))
    assert f"comes up by luck {words}." in verdict.sentence
    assert (verdict.winner == "none") == (p >= 0.05)


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_pair_has_a_winner_exactly_where_its_mid_p_is_below_five_percent(only_a: int, only_b: int) -> None:
    verdict = verdict_for_pair("A", "B", networks(only_a, only_b, 200))
    expected = "none" if mcnemar(only_a, only_b)[1] >= 0.05 else "a" if only_a > only_b else "b"
    assert verdict.winner == expected
    assert ("luck alone would hardly do that" in verdict.finding) == (expected != "none")
    assert verdict.sentence.endswith(CAVEAT)


def test_six_seeds_that_agree_have_a_winner() -> None:
    result = seeds([0.0152, 0.0131, 0.0173, 0.0150, 0.0160, 0.0146])
    verdict = verdict_over_seeds("CNN", "MLP", result, measured="test accuracy")
    assert verdict.winner == "a"
    assert verdict.sentence == (
        "CNN wins more often than MLP: every run of CNN beat every run of MLP, and a gap like this comes up by luck 3 times in "
        "100. On average, rare bad runs aside, it is ahead by 1.52 percentage points of test accuracy over 6 seeds (95 % 1.37 "
        "to 1.67)."
    )
    turned = verdict_over_seeds("MLP", "CNN", seeds([-0.0152, -0.0131, -0.0173, -0.0150, -0.0160, -0.0146]))
    assert turned.winner == "b"
    assert turned.sentence == verdict.sentence.replace("test accuracy", "accuracy")


@pytest.mark.parametrize("n", range(1, FEWEST_SEEDS))
def test_fewer_than_six_seeds_never_have_a_winner_and_the_sentence_says_why(n: int) -> None:
    verdict = verdict_over_seeds("CNN", "MLP", seeds([0.02 + i / 1000 for i in range(n)]))
    assert FEWEST_SEEDS == 6
    assert verdict.winner == "none"
    assert verdict.sentence.startswith("Not distinguishable: CNN is ahead of MLP, on average ")
    assert verdict.sentence.endswith("At least 6 seeds are needed to tell.")
    assert ("one run each says nothing about which" if n == 1 else f"{n} seeds are too few: even") in verdict.sentence


def test_five_seeds_that_agree_are_what_luck_does_six_times_in_a_hundred() -> None:
    assert (
        "even if all of them agree, luck does that 6 times in 100."
        in verdict_over_seeds("A", "B", seeds([0.01] * 5)).sentence
    )


def test_seeds_that_disagree_have_no_winner() -> None:
    verdict = verdict_over_seeds("64", "32", seeds([0.004, -0.003, 0.005, -0.002, 0.001, 0.002]))
    assert verdict.winner == "none"
    assert verdict.sentence.startswith("Not distinguishable: 64 is ahead of 32, on average 0.12 percentage points")
    assert "(95 % -0.22 to 0.45)" in verdict.sentence
    assert verdict.sentence.endswith("; a gap like this comes up by luck 47 times in 100.")


def test_a_gap_much_smaller_than_the_spread_between_runs_has_no_winner_though_it_is_no_luck() -> None:
    b = {seed: 0.95 + seed / 100 for seed in range(6)}
    a = {seed: value + 0.001 for seed, value in b.items()}
    result = over_seeds(a, b)
    verdict = verdict_over_seeds("A", "B", result)
    assert result.p < 0.05
    assert verdict.winner == "none"
    assert "That is hardly luck, but a run of A beats a run of B 58 times in 100" in verdict.sentence
    assert verdict.sentence.endswith("for a winner we ask for 75, and an interval above 50.")


def test_a_share_of_won_pairs_that_may_be_one_half_is_not_enough() -> None:
    result = replace(seeds([0.01] * 6), win_rate=0.8, win_rate_low=0.5, win_rate_high=0.95)
    assert verdict_over_seeds("A", "B", result).winner == "none"
    assert verdict_over_seeds("A", "B", replace(result, win_rate_low=0.51)).winner == "a"
    assert verdict_over_seeds("A", "B", replace(result, win_rate_low=0.51, win_rate=0.74)).winner == "none"
    assert verdict_over_seeds("A", "B", replace(result, win_rate_low=0.51), p=0.05).winner == "none"


def test_a_share_just_below_what_is_asked_is_not_rounded_up_to_it() -> None:
    result = replace(seeds([0.01] * 6), win_rate=0.7475, win_rate_low=0.6, win_rate_high=0.9)
    assert (
        "74 times in 100 (95 % 60 to 90); for a winner we ask for 75" in verdict_over_seeds("A", "B", result).sentence
    )


def test_a_condition_against_itself_has_no_gap() -> None:
    verdict = verdict_over_seeds("A", "B", seeds([0.0] * 6))
    assert verdict.winner == "none"
    assert verdict.sentence == (
        "Not distinguishable: no gap on average, 0.00 percentage points of accuracy over 6 seeds (95 % 0.00 to 0.00); "
        "a gap like this comes up by luck nearly always."
    )


def with_failures(good: list[float | None], other: list[float | None], missing: tuple[int, int] = (0, 0)) -> Verdict:
    a, b = dict(enumerate(good)), dict(enumerate(other))
    return verdict_over_seeds("A", "B", over_seeds(a, b, missing=sum(missing)), missing=missing)


def test_nobody_wins_by_the_runs_that_did_not_diverge() -> None:
    steady = [0.96 + place / 10_000 for place in range(12)]
    better = [value + 0.005 for value in steady]
    assert with_failures(better, steady).winner == "a"
    verdict = with_failures([*better[:7], *[None] * 5], steady)
    assert verdict.winner == "none"
    assert "on average 0.50 percentage points of accuracy over the 7 seeds that both finished with" in verdict.sentence
    assert with_failures([*better[:11], None], steady).winner == "a", "11 of 12 are often enough"
    assert with_failures(steady, [*better[:1], *[None] * 11]).winner == "a", (
        "who always finishes wins against who never does"
    )
    assert with_failures([*steady[:11], None], [*steady[:11], None]).winner == "none", "two that diverged are even"


def test_who_diverges_with_every_seed_loses() -> None:
    steady: list[float | None] = [0.96] * 6
    verdict = with_failures([None] * 6, steady)
    assert verdict.winner == "b"
    assert verdict.sentence == (
        "B wins more often than A: every run of B beat every run of A, and a gap like this comes up by luck 3 times in 100. No "
        "seed finished with both, so there is no gap on average."
    )
    assert (
        "B is ahead of A, though no seed finished with both. But 2 seeds"
        in with_failures([None] * 2, [0.9] * 2).sentence
    )
    even = with_failures([0.9, 0.9, 0.9, None, None, None], [None, None, None, 0.9, 0.9, 0.9])
    assert even.sentence == "Not distinguishable: no seed finished with both A and B."


def test_who_misses_a_run_can_not_win_and_what_the_other_misses_counts_against_the_winner() -> None:
    steady = [0.96 + place / 10_000 for place in range(12)]
    better = [value + 0.005 for value in steady]
    for n in (1, 5):
        assert with_failures(better[n:], steady[n:], missing=(n, 0)).winner == "none"
    verdict = with_failures(better[:7], steady[:7], missing=(5, 0))
    assert verdict.sentence.startswith(
        "No winner: A is ahead of B, on average 0.50 percentage points of accuracy over 7 seeds"
    )
    assert verdict.sentence.endswith("But nobody knows what 5 of its runs would have shown.")
    # Whoever deletes the best runs of B makes no winner of A.
    assert with_failures(better[:11], steady[:11], missing=(0, 1)).winner == "a"
    assert with_failures(better[:7], steady[:7], missing=(0, 5)).winner == "none"


def test_a_winner_that_other_test_images_could_turn_round_says_so() -> None:
    result = seeds([0.0152, 0.0131, 0.0173, 0.0150, 0.0160, 0.0146])
    wide = verdict_over_seeds("A", "B", result, images="these 360 test images", wide=(-0.001, 0.03))
    assert wide.winner == "a"
    assert wide.sentence.startswith("A wins more often than B on these 360 test images: ")
    assert wide.sentence.endswith(
        "(95 % 1.37 to 1.67 with other seeds, -0.10 to 3.00 with other test images, too). With other test images it could be "
        "the other way round."
    )
    turned = verdict_over_seeds(
        "B", "A", over_seeds(*[dict.fromkeys(range(6), one) for one in (0.9, 0.91)]), wide=(-0.03, 0.0)
    )
    assert "0.00 to 3.00 with other test images, too" in turned.sentence
    assert "other way" not in verdict_over_seeds("A", "B", result, wide=(0.001, 0.03)).sentence


def test_a_winner_of_most_seeds_that_may_be_no_better_on_average_says_so() -> None:
    gaps = [0.02] * 11 + [-0.06]
    base = [0.95 + place / 100_000 for place in range(12)]
    a = {seed: base[seed] + gap for seed, gap in enumerate(gaps)}
    result = replace(over_seeds(a, dict(enumerate(base))), p=0.01)
    assert result.low is not None
    assert result.low < 0
    assert "On average it may be no better" in verdict_over_seeds("A", "B", result).sentence


accuracy_by_seed = st.dictionaries(st.integers(0, 9), st.integers(950, 990).map(lambda k: k / 1000), min_size=10)


@settings(deadline=None)  # a busy machine is no failure
@given(accuracy_by_seed, accuracy_by_seed)
def test_exchanging_two_conditions_exchanges_the_winner(a: dict, b: dict) -> None:
    there, back = verdict_over_seeds("A", "B", over_seeds(a, b)), verdict_over_seeds("B", "A", over_seeds(b, a))
    assert back.winner == {"a": "b", "b": "a", "none": "none"}[there.winner]
