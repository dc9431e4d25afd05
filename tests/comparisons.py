"""Plans for tests, asked for in one line: a question of each kind, planned as the page and the command line plan it.

``LENGTHS`` is a kind that the lab does not have, for tests of what a further record in the table changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.compare import kinds
from core.compare.budget import Budget, Speed, changed
from core.compare.conditions import Condition, condition_table
from core.compare.kinds.kind import Kind, Lineup
from core.compare.plan import SIZES, Plan, Question, check, entrants, plan_of
from core.compare.size_match import Match
from core.config import RunConfig
from core.runs.groups import PlannedRun


def planned(
    kind: str,
    contestants: Sequence[RunConfig],
    seeds: Sequence[int],
    budget: Budget | None = None,
    match: Match = "none",
    *,
    n_images: int,
    images_per_s: Speed | None = None,
    **options: Any,
) -> Plan:
    """options: others of the question"""
    question = Question(kind, tuple(contestants), tuple(seeds), budget, match, **options)
    return kinds.plan(question, n_images=n_images, images_per_s=images_per_s)


def race(contestants: Sequence[RunConfig], seeds: Sequence[int], *rules: Any, **options: Any) -> Plan:
    return planned("race", contestants, seeds, *rules, **options)


def aa_test(contestants: Sequence[RunConfig], seeds: Sequence[int], *rules: Any, **options: Any) -> Plan:
    return planned("aa_test", contestants, seeds, *rules, **options)


def data_efficiency(
    contestants: Sequence[RunConfig], seeds: Sequence[int], sizes: Sequence[int] = SIZES, *rules: Any, **options: Any
) -> Plan:
    return planned("data_efficiency", contestants, seeds, *rules, sizes=tuple(sizes), **options)


def tuning(
    contestants: Sequence[RunConfig], trials: int, low: float, high: float, seed: int = 0, *rules: Any, **options: Any
) -> Plan:
    return planned("tuning", contestants, (seed,), *rules, trials=trials, low=low, high=high, **options)


def plan_epochs(question: Question, n_images: int, images_per_s: Speed | None) -> Plan:
    """Every contestant with one epoch and with two."""
    check(question, 2 * len(question.contestants))
    competing = entrants(question.contestants, question.seeds)
    runs = [
        PlannedRun(changed(entrant.config, epochs=epochs, seed=question.seeds[0]), number)
        for epochs in (1, 2)
        for number, entrant in enumerate(competing)
    ]
    return plan_of(question, competing, runs, ["epochs"], [f"There are {n_images:,} images."], lengths=[1, 2])


def longest(plan: Mapping[str, Any], members: Sequence[Condition]) -> list[Lineup]:
    """One, of the longest run of each."""
    epochs = max(plan["lengths"])
    own = [tuple(run for run in member.runs if run.config["training"]["epochs"] == epochs) for member in members]
    return [Lineup(None, [replace(member, runs=runs) for member, runs in zip(members, own, strict=True)])]


LENGTHS = Kind(
    id="lengths",
    title="Lengths",
    help="One epoch against two.",
    options=frozenset({"networks"}),
    plan=plan_epochs,
    lineups=longest,
    table=condition_table,
    varies=("epochs",),
)
