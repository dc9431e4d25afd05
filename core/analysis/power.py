"""How often a verdict would name the better of two contestants, before anything is trained. No torch in here."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from core.analysis.statistics import Numbers
from core.analysis.verdicts import ALPHA, MIN_WIN_RATE

RACES = 1_000  # made up for each figure: it is off by one or two in a hundred
ALL_SIGNS_UP_TO_SEEDS = 10  # beyond that as many patterns are drawn
N_STEPS, STEP_SD = 25, 0.25  # gaps looked at, in standard deviations over seeds; larger ones are found like the largest


def power(gap: float, sd: float, seeds: int, pairs: int) -> float:
    """The chance that one of two contestants is named the winner when its mean lies ``gap`` above the other's.

    Both are normal over seeds with standard deviation ``sd`` (> 0, the unit of the gap). pairs: judged together, of which
    this one has to pass Holm's first and hardest step. That the interval of the win rate lies above one half is not asked,
    which seldom decides.
    """
    return float(np.interp(gap / sd, STEP_SD * np.arange(N_STEPS), _curve(seeds, pairs)))


def interaction_power(contrast: float, sd: float, seeds: int, blocks: int) -> float:
    """The chance that four cells are said to interact when what both changes leave over is ``contrast`` on average.

    Cells as in ``power``, of which a contrast spreads by the root of two more than a gap. blocks: judged together
    """
    steps = STEP_SD * np.arange(N_STEPS)
    return float(np.interp(contrast / sd / np.sqrt(2), steps, _curve(seeds, blocks, min_win_rate=0.0)))


@lru_cache(maxsize=64)
def _curve(seeds: int, pairs: int, min_win_rate: float = MIN_WIN_RATE) -> Numbers:
    """The chance at each step, from the same made-up races, so that it rises with the gap."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(2, RACES, seeds)).astype(np.float32)
    if seeds <= ALL_SIGNS_UP_TO_SEEDS:
        bits = np.arange(2**seeds)[:, None] >> np.arange(seeds) & 1
    else:
        bits = rng.integers(0, 2, (2**ALL_SIGNS_UP_TO_SEEDS, seeds))
    signs = (1 - 2 * bits).astype(np.float32)
    chances = np.empty(N_STEPS)
    for place in range(N_STEPS):
        a, b = noise[0] + np.float32(STEP_SD * place), noise[1]
        sums = (a - b).sum(axis=1)
        p = (np.abs(signs @ (a - b).T) >= np.abs(sums) * (1 - 1e-5)).mean(axis=0)
        wins = (a[:, :, None] > b[:, None, :]).mean(axis=(1, 2))
        chances[place] = ((p * pairs < ALPHA) & (sums > 0) & (wins >= min_win_rate)).mean()
    return chances
