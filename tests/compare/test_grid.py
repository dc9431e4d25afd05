"""A grid of two settings: every pair of values with every seed, and one verdict over all its blocks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from comparisons import planned
from stored_runs import N_TEST, ended, launched, read_back

from core.analysis.interactions import Contrast
from core.analysis.power import interaction_power
from core.compare.budget import Budget
from core.compare.forecast import forecast
from core.compare.grid_blocks import GridVerdict, n_blocks
from core.compare.kinds.grid import offered
from core.compare.plan import Factor, Plan
from core.compare.results import as_values, rounds
from core.config import run_config
from core.errors import ConfigError, RunError
from core.runs.group_bundles import GroupBundle
from core.runs.groups import Group, PlannedRun
from core.runs.rows import Run
from core.runs.store import Store, runs_root

N = 1415
TWO = (Factor("dropout", (0.3, 0)), Factor("weight_decay", ("0", "0.001")))


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store(runs_root())
    yield opened
    opened.close()


def grid(*factors: Factor, seeds: int = 6, budget: Budget | None = None, **values: Any) -> Plan:
    return planned("grid", [run_config("mlp", values)], range(seeds), budget, n_images=N, factors=factors)


def ended_as(run: PlannedRun, number: int, outcome: float | str | None) -> Run:
    """A run as the store reads it. outcome: test accuracy, how it ended otherwise, or None: not yet"""
    status: Any = "finished" if isinstance(outcome, float) else outcome or "queued"
    summary: dict[str, Any] = {} if outcome is None else {"status": status, "seconds": 1.0, "images_per_s": 1.0}
    if isinstance(outcome, float):
        summary |= {"test_acc": outcome, "n_test": N_TEST}
    return Run(
        run_id=f"{number:032x}", number=number, name="", group="g", tags=(), notes="", architecture="mlp", created_utc="",
        config=run.config.model_dump(mode="json"), manifest={}, status=status, request="run", reason="", queue_position=None,
        version=1, epoch=None, epochs=1, checkpoint_epoch=None, step=0, n_params=None, device="cpu", started={}, latest={},
        summary=summary, contestant=run.contestant,
    )  # fmt: skip


def made(plan: Plan, accuracy: Callable[[int, int], float | str | None]) -> tuple[Group, list[Run]]:
    """A grid and its runs. accuracy: (cell, seed) -> outcome, as above"""
    runs = [
        ended_as(run, number, accuracy(run.contestant, run.config.training.seed))
        for number, run in enumerate(plan.runs, start=1)
    ]
    return Group("g", 1, plan.name, plan.kind, plan.kept, "", len(runs)), runs


def judged(plan: Plan, accuracy: Callable[[int, int], float | str | None]) -> GridVerdict:
    (only,) = rounds(*made(plan, accuracy))
    assert only.comparisons == ()
    assert only.grid is not None
    return only.grid


def spoilt(cell: int, seed: int) -> float:
    """Of 200 images: both changes bring no more than one of them."""
    return (0.7, 0.8, 0.82, 0.82)[cell] + 0.005 * (seed % 3)


def test_every_value_meets_every_other_and_numbers_ascend() -> None:
    plan = grid(*TWO)
    assert plan.name == "Dropout and weight decay (L2): MLP"
    labels = [contestant["label"] for contestant in plan.details["contestants"]]
    assert labels == [
        "dropout 0, weight decay (L2) 0", "dropout 0, weight decay (L2) 0.001",
        "dropout 0.3, weight decay (L2) 0", "dropout 0.3, weight decay (L2) 0.001",
    ]  # fmt: skip
    assert plan.details["factors"] == [
        {"name": "dropout", "title": "dropout", "unit": "", "values": ["0", "0.3"]},
        {"name": "weight_decay", "title": "weight decay (L2)", "unit": "", "values": ["0", "0.001"]},
    ]
    assert plan.details["exempt"] == ["dropout", "weight_decay"]
    assert [run.contestant for run in plan.runs[:5]] == [0, 1, 2, 3, 0], "seed by seed"
    assert len(plan.runs) == 24
    assert [(config.model.dropout, config.training.weight_decay) for config in plan.firsts] == [  # type: ignore[attr-defined]
        (0.0, 0.0), (0.0, 0.001), (0.3, 0.0), (0.3, 0.001),
    ]  # fmt: skip
    assert plan.notes[0].startswith(
        "Every one of 2 values of dropout with every one of 2 of weight decay (L2): 4 cells"
    )


def test_any_two_settings_make_a_grid_also_how_many_images_there_are() -> None:
    plan = grid(Factor("optimizer", ("sgd", "adam")), Factor("n_train", (0, 300, 100)), seeds=1, batch_size=50)
    assert [factor["values"] for factor in plan.details["factors"]] == [["SGD", "Adam"], ["100", "300", "all"]]
    shapes = grid(Factor("widths", ("128,64", "16")), Factor("batch_norm", ("true", "false")), seeds=1)
    assert [factor["values"] for factor in shapes.details["factors"]] == [["128-64", "16"], ["off", "on"]]
    assert n_blocks(2, 3) == 2
    budgeted = grid(*TWO, budget=Budget("steps", 30), seeds=1)
    assert {config.training.max_steps for config in budgeted.configs} == {30}
    names = {setting.name for setting in offered("mlp")}
    assert {"dropout", "widths", "lr", "n_train"} <= names
    assert not {"seed", "device", "dataset", "val_fraction", "snapshots"} & names
    seconds = planned(
        "grid", [run_config("mlp", {})], (0,), Budget("seconds", 0.1), n_images=N, factors=TWO,
        images_per_s=lambda config: 6_400 if config.training.weight_decay else 12_800,
    )  # fmt: skip
    assert [config.training.max_steps for config in seconds.firsts] == [20, 10, 20, 10], "each cell by its own speed"
    largest = grid(Factor("lr", (1e-4, 1e-3, 1e-2, 1e-1)), Factor("dropout", (0, 0.1, 0.2, 0.3)), seeds=12)
    assert len(largest.runs) == 192


@pytest.mark.parametrize(
    ("factors", "sentence"),
    [
        ((), "The settings of a grid are none, allowed are two different ones"),
        ((TWO[0], TWO[0]), "The settings of a grid are dropout, dropout, allowed are two"),
        ((TWO[0], Factor("val_fraction", (0.1, 0.2))), "val_fraction can not be varied in a grid"),
        ((TWO[0], Factor("<b>", (0.1, 0.2))), "<b> can not be varied in a grid"),
        ((TWO[0], Factor("lr", (0.1,))), r"Learning rate \(lr\) has 1 values in a grid, allowed are 2 to 4"),
        ((TWO[0], Factor("lr", (1, 2, 3, 4, 5))), "has 5 values in a grid"),
        ((TWO[0], Factor("lr", (0.1, "fast"))), r"Learning rate \(lr\) is 'fast'"),
        ((TWO[0], Factor("lr", ("0.1", "0.10"))), "Two values of dropout or learning rate are the same"),
        ((TWO[0], Factor("n_train", (0, 5_000))), "Two values of dropout or training images are the same"),
        ((TWO[0], Factor("momentum", (0.5, 0.9))), r"Momentum \(momentum\) does nothing while Optimizer \(optimizer\) is SGD"),
    ],
)  # fmt: skip
def test_what_can_not_be_varied_is_said(factors: tuple[Factor, ...], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        grid(*factors, seeds=1, optimizer="sgd")


def test_a_grid_is_of_one_network_at_most_200_runs_and_what_a_budget_sets_is_no_factor() -> None:
    with pytest.raises(ConfigError, match="one network, not of 2"):
        planned("grid", [run_config("mlp", {}), run_config("cnn", {})], (0,), n_images=N, factors=TWO)
    with pytest.raises(ConfigError, match="204 runs, allowed are at most 200"):
        grid(*TWO, seeds=51)
    with pytest.raises(ConfigError, match="epochs can not be varied"):
        grid(TWO[0], Factor("epochs", (1, 2)), budget=Budget("steps", 30))


def test_an_interaction_that_six_seeds_agree_on_is_claimed(store: Store) -> None:
    plan = grid(*TWO)
    group_id, run_ids = launched(store, plan)
    for run, run_id in zip(plan.runs, run_ids, strict=True):
        ended(store, run_id, val=None, test=spoilt(run.contestant, run.config.training.seed))
    (only,) = rounds(*read_back(store, group_id), store.evaluation)
    verdict = only.grid
    assert verdict is not None
    (block,) = verdict.blocks
    assert isinstance(block.figures, Contrast)
    assert (verdict.outcome, block.p, block.figures.mean) == ("interact", 2 / 2**6, pytest.approx(-0.1))
    assert (block.figures.first, block.figures.second, block.figures.both) == pytest.approx((0.12, 0.1, 0.12))
    assert verdict.sentence.startswith(
        "Dropout and weight decay (L2): their gains do not add up on these 200 test images. Dropout from 0 to 0.3 alone "
        "changes test accuracy by +12.00 percentage points, weight decay (L2) from 0 to 0.001 alone by +10.00, both together "
        "by +12.00: 10.00 less than the sum, over 6 seeds (less with 6 of them; "
    )
    assert block.wide is not None
    assert block.wide[0] < block.figures.mean < block.wide[1]
    values = json.loads(json.dumps(as_values(*read_back(store, group_id), store.evaluation), allow_nan=False))
    assert (values["outcome"], values["verdict"], values["comparisons"]) == ("interact", verdict.sentence, [])
    (row,) = values["blocks"]
    assert (row["first_setting"], row["first_from"], row["first_to"], row["p_holm"]) == (
        "dropout",
        "0",
        "0.3",
        2 / 2**6,
    )
    assert (row["wide_low"], row["wide_high"]) == block.wide
    assert [(cell["dropout"], cell["weight_decay"]) for cell in values["conditions"]] == [
        ("0", "0"), ("0", "0.001"), ("0.3", "0"), ("0.3", "0.001"),
    ]  # fmt: skip


def test_fewer_than_six_seeds_never_claim_and_gains_that_add_up_are_said_to() -> None:
    few = judged(grid(*TWO, seeds=5), spoilt)
    assert (few.outcome, few.sentence.endswith("5 seeds are too few: at least 6 are needed to tell.")) == (
        "unknown",
        True,
    )
    even = (0.6, 0.7, 0.8, 0.9)
    added = judged(grid(*TWO), lambda cell, seed: even[cell] + 0.005 * ((seed + cell) % 3 - 1))
    assert added.outcome == "add up"
    assert "their gains add up on these 200 test images, as far as 6 seeds can tell." in added.sentence


@pytest.mark.parametrize(
    ("last", "sentence"),
    [
        (None, "It is too early: 1 run has not ended yet"),
        ("stopped", "Nobody knows what 1 of the runs would have shown. Missing, because stopped, failed or deleted: 1 run of "
         "dropout 0.3, weight decay (L2) 0.001; nothing is claimed without them."),
    ],
)  # fmt: skip
def test_nothing_is_claimed_while_runs_are_missing(last: str | None, sentence: str) -> None:
    verdict = judged(grid(*TWO, seeds=7), lambda cell, seed: last if (cell, seed) == (3, 6) else spoilt(cell, seed))
    assert verdict.blocks[0].p == 2 / 2**6, "the six others agree"
    assert verdict.outcome == "unknown"
    assert sentence in verdict.sentence


def test_runs_that_diverge_count_as_below_all_others_and_deleted_ones_are_missed() -> None:
    plan = grid(*TWO, seeds=7)
    verdict = judged(plan, lambda cell, seed: "diverged" if (cell, seed) == (3, 6) else spoilt(cell, seed))
    assert (verdict.outcome, verdict.blocks[0].p) == ("interact", 2 / 2**7)
    assert (
        "Diverged: 1 run of dropout 0.3, weight decay (L2) 0.001; such a run counts as lying below all"
        in verdict.sentence
    )
    nothing = judged(plan, lambda cell, seed: "diverged" if cell == 3 else 0.8)
    assert nothing.outcome == "unknown"
    assert nothing.sentence.startswith(
        "Dropout and weight decay (L2): no seed has finished in all four cells. Diverged: 7"
    )
    group, runs = made(plan, spoilt)
    (only,) = rounds(group, [run for run in runs if run.contestant != 2])
    assert only.grid is not None
    assert (only.grid.outcome, only.grid.blocks[0].figures) == ("unknown", None)
    assert (
        "Missing, because stopped, failed or deleted: 7 runs of dropout 0.3, weight decay (L2) 0;" in only.grid.sentence
    )


def test_all_blocks_of_a_larger_grid_are_judged_together() -> None:
    wide = (Factor("dropout", (0, 0.2, 0.4)), Factor("lr", (0.001, 0.01, 0.1)))

    def corner(cell: int, seed: int) -> float:
        row, column = divmod(cell, 3)
        return 0.5 + 0.1 * row + 0.05 * column - 0.3 * (cell == 8) + 0.005 * ((seed + cell) % 3 - 1)

    verdict = judged(grid(*wide, seeds=8), corner)
    assert [block.outcome for block in verdict.blocks] == ["add up", "add up", "add up", "interact"]
    assert verdict.blocks[3].p == pytest.approx(4 * 2 / 2**8)
    assert verdict.sentence.startswith(
        "Dropout and learning rate: their effects do not add up, in 1 of 4 blocks of neighbouring values. Dropout and learning "
        "rate: their gains do not add up on these 200 test images. Dropout from 0.2 to 0.4 alone changes"
    )
    assert "counting all 4 blocks." in verdict.sentence
    few = judged(grid(*wide, seeds=6), corner)
    assert few.sentence == (
        "Dropout and learning rate: whether their effects add up can not be told in any of the 4 blocks of neighbouring "
        "values. At least 8 seeds are needed to tell: 4 blocks are 4 chances for luck."
    )


def test_values_can_be_written_at_every_moment() -> None:
    for n_ended in range(5):
        shown = made(grid(*TWO, seeds=1), lambda cell, seed, n=n_ended: 0.5 if cell < n else None)  # type: ignore[misc]
        values = json.loads(json.dumps(as_values(*shown), allow_nan=False))
        assert (values["outcome"], len(values["blocks"])) == ("unknown", 1)
    assert values["blocks"][0]["by_seed"] == [0.0]


def test_what_a_grid_can_show_is_said_before_it_starts(store: Store) -> None:
    assert forecast(grid(*TWO, seeds=5), store) == [
        "In this grid at least 6 seeds are needed to tell whether two effects add up. With 5 nothing will be claimed, however "
        "clear it looks."
    ]
    three = forecast(grid(TWO[0], Factor("lr", (0.001, 0.01, 0.1))), store)
    assert three[0].startswith(
        "In this grid at least 7 seeds are needed to tell whether two effects add up: 2 blocks of neighbouring values are 2"
    )
    (sentence,) = forecast(grid(*TWO), store)
    assert sentence.startswith("With 6 seeds and an assumed spread of 1 percentage point from seed to seed")
    assert (
        ", an interaction of 5 percentage points is found nearly always, one of 3 percentage points 7 times" in sentence
    )
    assert (
        interaction_power(0.0, 1.0, 6, 1) < 0.05 < interaction_power(2.0, 1.0, 6, 1) < interaction_power(4.0, 1.0, 6, 1)
    )


def bundle_values(change: Callable[[dict[str, Any]], object]) -> GroupBundle:
    plan = json.loads(json.dumps(grid(*TWO, seeds=1).kept))
    change(plan)
    return GroupBundle("0" * 32, "A grid", "grid", plan, "2026-01-01T00:00:00+00:00", {}, {})


def test_a_hostile_plan_of_a_grid_is_refused() -> None:
    from core.compare.taken_in import check_plan

    check_plan(bundle_values(lambda plan: None))
    changes: Mapping[str, Callable[[dict[str, Any]], object]] = {
        "none": lambda plan: plan.pop("factors"), "one": lambda plan: plan["factors"].pop(),
        "number": lambda plan: plan["factors"][0].update(values=[0, 1]),
        "cells": lambda plan: plan["factors"][0].update(values=["0", "0.3", "0.5"]),
        "title": lambda plan: plan["factors"][1].update(title="a\nb"), "list": lambda plan: plan.update(factors="ab"),
        "unit": lambda plan: plan["factors"][0].update(unit=1), "no values": lambda plan: plan["factors"][0].pop("values"),
    }  # fmt: skip
    for change in changes.values():
        hostile = bundle_values(change)
        with pytest.raises(RunError, match="factors of its plan"):
            check_plan(hostile)
