"""What a plan can show, said before it starts: how many seeds a winner takes, and which gaps would be found how often.

The page and the command line both say these sentences.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.analysis.power import interaction_power, power
from core.analysis.statistics import mean_sd
from core.analysis.verdicts import fewest_seeds
from core.compare import kinds
from core.compare.conditions import conditions, judged_split
from core.compare.grid_blocks import n_blocks
from core.compare.plan import Plan
from core.data import EMBEDDED, DatasetName, title
from core.runs.groups import Group, groups
from core.runs.rows import Run
from core.runs.store import Store

GAPS_POINTS = (
    0.05,
    0.1,
    0.2,
    0.3,
    0.5,
    1.0,
    2.0,
    3.0,
    5.0,
    10.0,
    20.0,
)  # percentage points, of which a forecast names two
MIN_CHANCE = 0.85  # of the larger one; it reads as 9 times in 10
# Standard deviations over seeds where nothing is known, in percentage points. The embedded digits have few test images.
ASSUMED_POINTS, ASSUMED_EMBEDDED_POINTS = 0.2, 1.0
MIN_SPREAD_SEEDS = 3  # of a contestant, to learn a spread from it


@dataclass(frozen=True, slots=True)
class Spread:
    """How far runs that differ in the seed alone lie apart: the standard deviation, in percentage points, and whose it is."""

    points: float
    words: str


def contestant_pairs(n_contestants: int) -> int:
    """How many pairs are judged together, at least one."""
    return max(1, math.comb(n_contestants, 2))


def forecast(plan: Plan, store: Store) -> list[str]:
    """Sentences about what a plan can show; none for one that compares nobody over seeds."""
    kind, n, seeds = kinds.get(plan.kind), len(plan.details["contestants"]), len(plan.details["seeds"])
    if "seeds" not in kind.options or n < 2:
        return []
    if factors := plan.details.get("factors"):
        n_rows, n_columns = (len(factor["values"]) for factor in factors)
        return _grid_forecast(plan, n_blocks(n_rows, n_columns), store)
    needed = fewest_seeds(contestant_pairs(n))
    if seeds < needed:
        many = "" if n == 2 else ": everybody is compared with everybody, and many pairs are many chances for luck"
        return [
            f"With {n} contestants at least {needed} seeds are needed to tell who is better{many}. With "
            f"{seeds} nobody can win, however large the gaps."
        ]
    if "networks" not in kind.options:  # a network and its copy: there is no gap to find
        return []
    spread = seen_spread(store, plan.configs[0].data.dataset)
    chances = [power(gap, spread.points, seeds, contestant_pairs(n)) for gap in GAPS_POINTS]
    return [f"With {seeds} seeds and {spread.words}, {_likely('a gap', chances)}."]


def _grid_forecast(plan: Plan, blocks: int, store: Store) -> list[str]:
    """The same of a grid with so many blocks of neighbouring values."""
    seeds, needed = len(plan.details["seeds"]), fewest_seeds(blocks)
    if seeds < needed:
        many = "" if blocks == 1 else f": {blocks} blocks of neighbouring values are {blocks} chances for luck"
        return [
            f"In this grid at least {needed} seeds are needed to tell whether two effects add up{many}. With {seeds} nothing "
            "will be claimed, however clear it looks."
        ]
    spread = seen_spread(store, plan.configs[0].data.dataset)
    chances = [interaction_power(contrast, spread.points, seeds, blocks) for contrast in GAPS_POINTS]
    return [
        f"With {seeds} seeds and {spread.words}, {_likely('an interaction', chances)}. An interaction is what both changes "
        "together bring more, or less, than the sum of what each brings alone."
    ]


def _likely(what: str, chances: Sequence[float]) -> str:
    """Which gaps are found how often. chances: of each of ``GAPS_POINTS``"""
    large = next((place for place, chance in enumerate(chances) if chance >= MIN_CHANCE), len(chances) - 1)
    likely = f"{what} of {_points(GAPS_POINTS[large])} is found {_in_10(chances[large])}"
    if large:
        likely += f", one of {_points(GAPS_POINTS[large - 1])} {_in_10(chances[large - 1])}"
    return likely


def seen_spread(store: Store, dataset: DatasetName) -> Spread:
    """The spread over seeds in the newest comparison on this dataset that has one, else an assumed one."""
    for group in groups(store):
        runs = store.runs(group=group.group_id)
        if group.kind in kinds.KINDS and {run.config["data"]["dataset"] for run in runs} == {dataset}:
            points = _spread_points(group, runs)
            if points:
                whose = f"the spread of your last comparison, “{group.name}”"
                return Spread(points, f"{whose} ({points:.2f} points from seed to seed)")
    points = ASSUMED_EMBEDDED_POINTS if dataset == EMBEDDED else ASSUMED_POINTS
    nothing = f"no comparison on {title(dataset)} has ended here yet"
    return Spread(points, f"an assumed spread of {_points(points)} from seed to seed ({nothing})")


def _spread_points(group: Group, runs: list[Run]) -> float:
    """Pooled over the contestants, of the lineup with the most images; 0 where too few runs have finished."""
    members = kinds.get(group.kind).lineups(group.plan, conditions(group, runs))[-1].members
    split = judged_split(members)
    over = [
        mean_sd(list(values.values())) for member in members if len(values := member.values(split)) >= MIN_SPREAD_SEEDS
    ]
    freedom = sum(one.n - 1 for one in over)
    return 100 * math.sqrt(sum((one.n - 1) * (one.sd or 0) ** 2 for one in over) / freedom) if freedom else 0.0


def _points(points: float) -> str:
    return f"{points:g} percentage point{'s' * (points != 1)}"


def _in_10(chance: float) -> str:
    """ "9 times in 10", "nearly always"."""
    times = math.floor(10 * chance + 0.5)
    return "nearly always" if times == 10 else "hardly ever" if times == 0 else f"{times} time{'s' * (times > 1)} in 10"
