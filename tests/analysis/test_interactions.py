"""Whether two settings' effects add up: figures by hand, false claims counted over made-up grids, and sentences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.analysis.interactions import BlockNames, Contrast, Outcome, contrast, outcome_of, sentence_of
from core.analysis.statistics import Numbers, holm
from core.analysis.verdicts import fewest_seeds

NAMES = BlockNames("dropout", "weight decay", ("0", "0.3"), ("0", "0.001"))
Noise = Callable[[np.random.Generator, tuple[int, ...]], Numbers]  # points, (rows, columns, seeds)


def four(
    first: float, second: float, both: float, seeds: int = 6, sway: float = 0.001
) -> list[dict[int, float | None]]:
    """Four cells with these mean effects, which the seed moves a little: alike in three of them, half as much in the last."""
    moves = [sway * (seed - (seeds - 1) / 2) for seed in range(seeds)]
    return [
        {seed: 0.9 + effect + share * move for seed, move in enumerate(moves)}
        for effect, share in ((0.0, 1.0), (first, 1.0), (second, 1.0), (both, 0.5))
    ]


def sentence(figures: Contrast, p: float | None = None, blocks: int = 1, images: str = "these 360 test images") -> str:
    p = figures.p if p is None else p
    return sentence_of(
        NAMES, figures, outcome_of(figures, p, blocks), p, blocks=blocks, measured="test accuracy", images=images
    )


def test_a_contrast_is_what_the_sum_of_both_effects_leaves_over() -> None:
    cells: list[dict[int, float | None]] = [
        {0: 0.90, 1: 0.91, 2: 0.5}, {0: 0.92, 1: 0.92}, {0: 0.93, 1: 0.95}, {0: 0.94, 1: 0.97, 3: 0.5},
    ]  # fmt: skip
    figures = contrast(cells)
    assert figures.seeds == (0, 1), "those that all four have"
    assert figures.by_seed == pytest.approx((-0.01, 0.01))
    assert (figures.first, figures.second, figures.both) == pytest.approx((0.015, 0.035, 0.05))
    assert figures.mean == pytest.approx(0.0, abs=1e-12)
    assert figures.smaller == pytest.approx(0.015)
    assert figures.p == 1.0
    half = 12.706 * np.std([0.01, -0.01], ddof=1) / np.sqrt(2)  # Student's t, 1 degree of freedom, 97.5 %
    assert (figures.low, figures.high) == pytest.approx((-half, half), rel=1e-4)
    with pytest.raises(ValueError, match="no seed in common"):
        contrast([{0: 0.9}, {1: 0.9}, {0: 0.9}, {0: 0.9}])


def test_six_seeds_that_agree_are_the_fewest_that_can_tell() -> None:
    figures = contrast(four(0.03, 0.02, 0.03))
    assert figures.p == 2 / 2**6
    assert outcome_of(figures, figures.p) == "interact"
    assert outcome_of(figures, 4 * figures.p, 4) == "unknown", "four blocks are four chances for luck"
    five = contrast(four(0.03, 0.02, 0.03, seeds=5))
    assert outcome_of(five, five.p) == outcome_of(five, 0.001) == "unknown"
    assert sentence(five).endswith("5 seeds are too few: at least 6 are needed to tell.")
    assert sentence(five).startswith("Dropout and weight decay: whether their gains add up can not be told on these")
    alone = contrast(four(0.03, 0.02, 0.03, seeds=1))
    assert (alone.low, alone.high) == (None, None)
    assert sentence(alone).endswith("over 1 seed. 1 seed is too few: at least 6 are needed to tell.")


def test_what_is_said_carries_its_figures() -> None:
    assert sentence(contrast(four(0.03, 0.02, 0.03))) == (
        "Dropout and weight decay: their gains do not add up on these 360 test images. Dropout from 0 to 0.3 alone changes "
        "test accuracy by +3.00 percentage points, weight decay from 0 to 0.001 alone by +2.00, both together by +3.00: 2.00 "
        "less than the sum, over 6 seeds (less with 6 of them; what is left over: 95 % -2.10 to -1.90). Luck alone leaves as "
        "much over 3 times in 100."
    )
    even = contrast(four(0.03, -0.02, 0.01))
    assert sentence(even, images="").startswith(
        "Dropout and weight decay: their effects add up, as far as 6 seeds can tell. Dropout from 0 to 0.3 alone changes test "
        "accuracy by +3.00 percentage points, weight decay from 0 to 0.001 alone by -2.00, both together by +1.00: 0.00 "
    )
    assert sentence(even).endswith("Had one change spoilt what the other brings, it would have been seen.")
    small = contrast(four(0.03, 0.0005, 0.0305))
    assert sentence(small).startswith("Dropout and weight decay: whether their gains add up can not be told")
    assert sentence(small).endswith("But what is left over could be as large as the smaller effect itself.")
    figures = contrast(four(0.03, 0.02, 0.03), blocks=4)
    assert "95 % for all 4 blocks together -2.1" in sentence(figures, 0.125, 4)
    other = sentence_of(NAMES, figures, "interact", 0.01, wide=(-0.03, 0.01))
    assert "With other test images it could be the other way round." in other
    early = sentence_of(NAMES, figures, "unknown", 0.01, early="It is too early.")
    assert early.endswith("It is too early.")


def test_a_run_that_diverged_counts_as_the_largest_contrast_of_the_others() -> None:
    cells = four(0.03, 0.02, 0.03, seeds=7)
    cells[3][6] = None  # both changes together fall below all: as the others say, less than the sum
    figures = contrast(cells)
    assert (figures.seeds, len(figures.by_seed), figures.n_diverged) == (tuple(range(7)), 6, 1)
    assert figures.p == 2 / 2**7
    assert "over 6 seeds with which all four finished (less with 6" in sentence(figures)
    cells[1][6] = None  # pulls to the other side as well
    assert contrast(cells).p > 2 / 2**7
    cells = four(0.03, 0.02, 0.05, seeds=7)
    cells[0][6] = None
    figures = contrast(cells)
    assert outcome_of(figures, figures.p) == "unknown", "it can not be told what its accuracy would have been"
    assert sentence(figures).endswith("A run that diverged has no accuracy to add.")


def _symmetric(rng: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    return 0.2 * rng.standard_normal(shape)


def _unequal(rng: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    sd = np.where(np.arange(shape[0] * shape[1]) % 2, 0.05, 0.4).reshape(*shape[:2], 1)
    return sd * rng.standard_normal(shape)


def _skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    """In every cell 15 of 100 runs fall 1.5 points behind."""
    return 0.2 * rng.standard_normal(shape) - 1.5 * (rng.random(shape) < 0.15)


def outcomes(noise: Noise, effects: Numbers, seeds: int, grids: int = 300) -> list[list[Outcome]]:
    """Of each block of made-up grids. effects: (rows, columns) points; accuracies are those of 10,000 images"""
    rng, judged = np.random.default_rng(0), []
    rows, columns = effects.shape
    for _ in range(grids):
        points = effects[..., None] + noise(rng, (rows, columns, seeds))
        accuracies = np.round((0.95 + points / 100) * 10_000) / 10_000
        blocks = [
            [
                dict(enumerate(accuracies[row + down, column + right].tolist()))
                for down, right in ((0, 0), (1, 0), (0, 1), (1, 1))
            ]
            for row in range(rows - 1)
            for column in range(columns - 1)
        ]
        figures = [contrast(cells, len(blocks)) for cells in blocks]
        raised = holm([block.p for block in figures])
        judged.append([outcome_of(block, p, len(blocks)) for block, p in zip(figures, raised, strict=True)])
    return judged


@pytest.mark.parametrize("noise", [_symmetric, _unequal, _skewed])
@pytest.mark.parametrize("side", [2, 3, 4])
def test_where_effects_add_up_at_most_5_of_100_grids_claim_anything_else(noise: Noise, side: int) -> None:
    additive = np.arange(side)[:, None] * 0.4 + np.arange(side)[None, :] * 0.3
    judged = outcomes(noise, additive, fewest_seeds((side - 1) ** 2))
    assert sum("interact" in blocks for blocks in judged) <= 0.05 * len(judged)


def test_a_clear_interaction_is_seen_and_never_said_to_add_up() -> None:
    spoilt = np.array([[0.0, 1.0], [1.0, 1.0]])  # both changes bring no more than one of them
    judged = [blocks[0] for blocks in outcomes(_symmetric, spoilt, 6)]
    assert judged.count("interact") >= 0.9 * len(judged)
    assert "add up" not in judged
    weak = [blocks[0] for blocks in outcomes(_symmetric, spoilt / 4, 6)]
    assert weak.count("add up") <= 0.05 * len(weak), "too small to be seen is not the same as adding up"
    corner = np.zeros((3, 3))
    corner[2, 2] = -2.0
    assert sum(blocks[3] == "interact" for blocks in outcomes(_symmetric, corner, 8)) >= 270, "in 9 of 10"


def test_large_effects_without_an_interaction_are_said_to_add_up() -> None:
    judged = [blocks[0] for blocks in outcomes(_symmetric, np.array([[0.0, 1.5], [2.0, 3.5]]), 6)]
    assert judged.count("add up") >= 0.8 * len(judged)
    assert judged.count("interact") <= 0.05 * len(judged)
