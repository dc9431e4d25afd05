"""Data efficiency: the same race again and again with more and more training images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.compare.budget import Budget, Speed, changed, spend, steps_per_epoch
from core.compare.conditions import Condition, judged_split
from core.compare.differences import LENGTH
from core.compare.kinds.kind import Kind, Lineup
from core.compare.plan import (
    SPLIT_SETTINGS,
    Plan,
    Question,
    check,
    check_distinct,
    check_number,
    entrants,
    matched,
    plan_of,
    set_by_rules,
)
from core.config import RunConfig
from core.data.split import part_sizes
from core.errors import ConfigError
from core.runs.groups import PlannedRun

if TYPE_CHECKING:
    import pandas as pd

MOST_EPOCHS = 200  # passes over a small training set that are enough where nobody sets a budget


def plan(question: Question, n_images: int, images_per_s: Speed | None) -> Plan:
    """Every contestant with every seed at growing numbers of training images, small ones first within each seed.

    Sizes that are not there are left out, and a note says so. Without a budget: equal steps at every number of images, as
    many as the first contestant's epochs take with all of them, but no more than 200 passes over a small set.
    Raises ConfigError as a race does, and when fewer than two sizes are left.
    """
    question = replace(question, contestants=tuple(changed(config, n_train=0) for config in question.contestants))
    n_pairs = len(question.seeds) * len(question.contestants)
    check(question, n_pairs, SPLIT_SETTINGS)
    there, _ = part_sizes(n_images, changed(question.contestants[0], class_set=0.0).data)
    wanted = sorted(set(question.sizes), key=lambda size: size or math.inf)
    sizes = [size for size in wanted if size < there or (size == there and 0 not in wanted)]
    if len(sizes) < 2:
        raise ConfigError(
            f"Numbers of images (sizes): {len(sizes)} of these can be used, allowed are at least 2 up to {there:,}",
            ("sizes",),
        )
    check_number(n_pairs * len(sizes))
    configs, notes = matched(question.contestants, question.match, n_images, images_per_s)
    if missing := [f"{size:,}" for size in wanted if size > there]:
        notes.append(f"Left out {' and '.join(missing)} images: there are only {there:,} to learn from.")
    first = configs[0].training
    steps = min(first.epochs * steps_per_epoch(configs[0], n_images), first.max_steps or math.inf)
    if question.budget is None:
        notes.append(f"Equal steps at every number of images, but at most {MOST_EPOCHS} passes over a small set.")
    by_size: list[list[RunConfig]] = []
    budget_notes: list[str] = []
    for size in sizes:
        own = [changed(config, n_train=size) for config in configs]
        most = MOST_EPOCHS * min(steps_per_epoch(config, n_images) for config in own)
        budget = question.budget or Budget("steps", min(steps, most))
        own, budget_notes = spend(own, budget, n_images, images_per_s)
        by_size.append(own)
        notes.append(f"{f'{size:,}' if size else f'All {there:,}'} images: {budget_notes[0]}")
    check_distinct(by_size[0])
    runs = [
        PlannedRun(changed(config, seed=seed), number)
        for seed in question.seeds
        for own in by_size
        for number, config in enumerate(own)
    ]
    exempt = [*LENGTH, "n_train", *set_by_rules(replace(question, budget=None), configs)]
    competing = entrants(by_size[0], question.seeds)
    return plan_of(
        question, competing, runs, exempt, [*notes, *budget_notes[1:]], prefix="Data efficiency: ", sizes=sizes
    )


def lineups(plan: Mapping[str, Any], members: Sequence[Condition]) -> list[Lineup]:
    """One for each number of images, ascending."""
    return [
        Lineup(
            size,
            [
                replace(member, runs=tuple(run for run in member.runs if run.config["data"]["n_train"] == size))
                for member in members
            ],
        )
        for size in plan["sizes"]
    ]


def table(members: Sequence[Condition]) -> pd.DataFrame:
    """One row per finished run: label · number · n_train (images really learned from) · seed · accuracy (fraction, of
    ``judged_split``) · run_id; by condition, then images, then seed."""
    import pandas as pd

    name = f"{judged_split(members)}_acc"
    rows = [
        (member.label, member.number, run.started["n_train"], run.config["training"]["seed"], run.summary[name], run.run_id)
        for member in members for run in member.runs if run.status == "finished" and name in run.summary
    ]  # fmt: skip
    columns = ["label", "number", "n_train", "seed", "accuracy", "run_id"]
    return pd.DataFrame(rows, columns=columns).sort_values(["number", "n_train", "seed"], ignore_index=True)


KIND = Kind(
    id="data_efficiency",
    title="Data efficiency",
    help="The same race again and again with more and more training images: who needs how many?",
    options=frozenset({"networks", "settings", "match", "seeds", "sizes"}),
    plan=plan,
    lineups=lineups,
    table=table,
    view="sizes",
    varies=("n_train",),
    without_budget="the same number of steps everywhere",
    caveat="Each number of images is a question of its own: only the pairs at the same number are counted together.",
)
