"""Plans for tests, asked for in one line: a question of each kind, planned as the page and the command line plan it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.compare import kinds
from core.compare.budget import Budget, Speed
from core.compare.plan import SIZES, Plan, Question
from core.compare.size_match import Match
from core.config import RunConfig


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
