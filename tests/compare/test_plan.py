"""Plans: every contestant gets the same images, seeds and budget, and what a plan says is what the training loop does."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pytest
from comparisons import aa_test, data_efficiency, race, tuning

from core import models
from core.compare.budget import Budget, spend
from core.compare.differences import confounders
from core.compare.plan import Plan
from core.config import RunConfig, run_config
from core.data.config import DataConfig
from core.data.dataset import Dataset
from core.data.split import part_sizes, split
from core.engine.events import EpochEnd, Finished, Started
from core.engine.optimizers import muon_sentence
from core.engine.train import train
from core.errors import ConfigError

N = 60_000  # 50,000 to learn from, with the share that is usual


def config(architecture: str = "mlp", **values: Any) -> RunConfig:
    return run_config(architecture, {"dataset": "mnist", **values})


PAIR = (config("mlp"), config("cnn"))


def lengths(configs: Sequence[RunConfig]) -> list[tuple[int, int]]:
    return [(one.training.epochs, one.training.max_steps) for one in configs]


def test_a_race_runs_seed_by_seed_on_the_same_images() -> None:
    plan = race(PAIR, (3, 4, 5), n_images=N)
    assert [(one.architecture, one.training.seed) for one in plan.configs] == [
        ("mlp", 3), ("cnn", 3), ("mlp", 4), ("cnn", 4), ("mlp", 5), ("cnn", 5),
    ]  # fmt: skip
    assert len({one.data for one in plan.configs}) == 1
    assert (plan.name, plan.kind, plan.notes) == ("MLP against CNN", "race", ())
    assert [one["label"] for one in plan.details["contestants"]] == ["MLP", "CNN"]


@pytest.mark.parametrize(
    ("kind", "amount", "expected"),
    [
        ("epochs", 3, [(3, 0)]),
        ("epochs", 0.5, [(1, 390)]),  # 25,000 images are 390.6 batches of 64; one more would spend too much
        ("steps", 782, [(1, 0)]),
        ("steps", 783, [(2, 783)]),
        ("steps", 0.2, [(1, 1)]),
        ("examples", 100_000, [(2, 0)]),
        ("examples", 50_064, [(2, 783)]),
        ("examples", 1, [(1, 1)]),
        ("seconds", 2, [(1, 625)]),  # at 20,000 images/s
        ("multiply-adds", 3 * 109_184 * 64 * 100, [(1, 100)]),
    ],
)
def test_a_budget_becomes_epochs_and_steps(kind: Any, amount: float, expected: list[tuple[int, int]]) -> None:
    ready, notes = spend([PAIR[0]], Budget(kind, amount), N, lambda _: 20_000.0)
    assert lengths(ready) == expected
    steps = expected[0][1] or expected[0][0] * 782
    assert f"({steps:,} step" in notes[0]


def test_seconds_give_the_faster_network_more_epochs_and_say_so() -> None:
    speeds = {"mlp": 30_000.0, "cnn": 1_750.0}
    plan = race(PAIR, (0, 1), Budget("seconds", 60), n_images=N, images_per_s=lambda run: speeds[run.architecture])
    assert plan.notes[0] == (
        "Budget 60 seconds: MLP 36.0 epochs (28,152 steps, at 30,000 images/s measured here), "
        "CNN 2.1 epochs (1,642 steps, at 1,750 images/s measured here)."
    )
    assert confounders(plan.configs, plan.details["exempt"]) == []


def test_a_plan_says_where_muon_has_nothing_to_move() -> None:
    networks = [config(name, optimizer="muon") for name in ("mlp", "tinyvgg")]
    for plan in (race(networks, (0, 1), n_images=N), data_efficiency(networks, (0,), n_images=N)):
        assert [note for note in plan.notes if "Muon" in note] == [muon_sentence(networks[1])]
    assert not [note for note in race(PAIR, (0, 1), n_images=N).notes if "Muon" in note]


def test_equal_multiply_adds_are_equal_to_within_a_step() -> None:
    plan = race(PAIR, (0,), Budget("multiply-adds", 1e12), n_images=N)
    for run in plan.configs:
        each = 3 * models.get(run.architecture).multiply_adds(run.model)
        steps = run.training.max_steps
        images = steps // 782 * 50_000 + steps % 782 * 64
        assert images * each <= 1e12 < (images + 64) * each


@pytest.mark.parametrize("values", [{}, {"val_fraction": 0.0}, {"n_train": 97}, {"n_train": 1}, {"val_fraction": 0.5}])
def test_the_number_of_training_images_is_that_of_the_split(digits: Dataset, values: dict[str, Any]) -> None:
    plan = DataConfig(**values)
    parts = split(digits, plan)
    assert part_sizes(len(digits.train_images), plan) == (len(parts.train), len(parts.val))


@pytest.mark.parametrize(
    ("budget", "batch_size", "n_train"),
    [
        (Budget("epochs", 2), 32, 97),
        (Budget("steps", 5), 32, 0),
        (Budget("examples", 300), 64, 0),
        (Budget("steps", 7), 32, 97),
    ],
)
def test_the_training_loop_takes_the_steps_that_were_planned(
    tiny: Dataset, budget: Budget, batch_size: int, n_train: int
) -> None:
    small = config("softmax", batch_size=batch_size, n_train=n_train, epochs=9)
    ((planned,), notes) = spend([small], budget, len(tiny.train_images))
    stream = list(train(planned, tiny))
    started, finished = stream[0], stream[-1]
    assert isinstance(started, Started)
    assert isinstance(finished, Finished)
    assert f"({finished.step:,} steps)" in notes[0]
    assert finished.step == (planned.training.max_steps or planned.training.epochs * started.steps_per_epoch)
    if budget.kind == "steps":
        assert finished.step == budget.amount
    if budget.kind == "examples":
        assert finished.epoch * started.n_train <= budget.amount
    assert max(one.epoch for one in stream if isinstance(one, EpochEnd)) == finished.epoch


def test_a_budget_of_more_epochs_than_a_run_may_have_is_refused_with_the_bound() -> None:
    with pytest.raises(
        ConfigError, match=r"Budget \(budget\) is 2,000 epochs, .*allowed are at most 1,000 epochs"
    ) as refused:
        race(PAIR, (0,), Budget("epochs", 2000), n_images=N)
    assert refused.value.fields == ("budget",)


@pytest.mark.parametrize("amount", [0, -1, math.inf, math.nan])
def test_a_budget_is_a_number_above_nothing(amount: float) -> None:
    with pytest.raises(ConfigError, match="above 0"):
        Budget("steps", amount)


def test_seconds_that_nobody_measured_are_refused() -> None:
    with pytest.raises(ConfigError, match="speed"):
        race(PAIR, (0,), Budget("seconds", 5), n_images=N)
    with pytest.raises(ConfigError, match="speed"):
        race(PAIR, (0,), match="seconds", n_images=N)


def test_a_fair_fight_says_what_it_chose() -> None:
    plan = race(PAIR, (0,), match="parameters", n_images=N)
    parameters = [one["parameters"] for one in plan.details["contestants"]]
    assert max(parameters) <= 1.05 * min(parameters)
    assert plan.details["contestants"][1]["sizes"] == {
        "channels": list(plan.configs[1].flat()["channels"]), "widths": list(plan.configs[1].flat()["widths"]),
    }  # fmt: skip
    assert any("instead of 32-64" in note for note in plan.notes)


def test_a_match_in_seconds_uses_the_speed_that_a_budget_would_use() -> None:
    def speed(run: RunConfig) -> float:
        return 1e10 / models.get(run.architecture).multiply_adds(run.model)

    plan = race(PAIR, (0,), match="seconds", n_images=N, images_per_s=speed)
    assert "seconds per epoch" in plan.notes[1]
    assert max(map(speed, plan.configs)) <= 1.05 * min(map(speed, plan.configs))


@pytest.mark.parametrize(
    ("contestants", "seeds", "options", "sentence"),
    [
        ((), (0,), {}, "no network"),
        (PAIR[:1], (0,), {}, "no race"),
        (PAIR, (), {}, "Seeds"),
        (PAIR, (1, 1), {}, "each once"),
        ((config(), config(seed=7)), (0, 1), {}, "equal under these rules: MLP"),
        ((config(epochs=3), config(epochs=4)), (0,), {"budget": Budget("steps", 9)}, "equal under these rules"),
        ((config(), config("cnn", split_seed=1)), (0,), {}, "same images, but split seed differs"),
        ((config(), config("cnn", n_train=100, val_fraction=0.5)), (0,), {}, "validation share and training images"),
        (PAIR, range(101), {}, "202 runs, allowed are at most 200"),
        (PAIR, (2**31,), {}, r"Seed \(seed\)"),
    ],
)  # fmt: skip
def test_what_is_no_comparison_is_refused(contestants: Any, seeds: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        race(contestants, seeds, n_images=N, **options)


def test_one_network_with_several_seeds_shows_how_much_luck_does() -> None:
    plan = race(PAIR[:1], range(4), n_images=N)
    assert [one.training.seed for one in plan.configs] == [0, 1, 2, 3]
    assert plan.name == "MLP"


@pytest.mark.parametrize(("seeds", "copies"), [(range(6), range(100, 106)), ((0, 100), (200, 300)), ((7,), (107,))])
def test_an_aa_test_has_two_conditions_that_differ_in_luck_alone(seeds: Sequence[int], copies: Sequence[int]) -> None:
    plan = aa_test(PAIR[:1], seeds, n_images=N)
    assert [(one["label"], one["seeds"]) for one in plan.details["contestants"]] == [
        ("MLP", list(seeds)), ("MLP (copy)", list(copies)),
    ]  # fmt: skip
    assert [one.training.seed for one in plan.configs] == [
        seed for pair in zip(seeds, copies, strict=True) for seed in pair
    ]
    assert [run.contestant for run in plan.runs] == [0, 1] * len(seeds)
    with pytest.raises(ConfigError, match="one network against its copy, not 2 networks"):
        aa_test(PAIR, seeds, n_images=N)


def test_augmentation_may_be_what_is_compared() -> None:
    plan = race((config(), config(shift=1.0)), (0,), n_images=N)
    assert [one["label"] for one in plan.details["contestants"]] == ["random shift 0", "random shift 1"]


def test_data_efficiency_takes_equal_steps_but_does_not_chew_a_small_set_for_ever() -> None:
    plan = data_efficiency(PAIR, (0, 1), n_images=N)
    first = plan.configs[: len(plan.configs) // 2]
    assert [one.data.n_train for one in first[::2]] == [100, 300, 1_000, 3_000, 10_000, 0]
    assert lengths(first[::2]) == [(200, 0), (200, 0), (200, 0), (84, 3_910), (25, 3_910), (5, 0)]
    assert lengths(first[::2]) == lengths(first[1::2])
    assert {one.training.seed for one in first} == {0}
    assert confounders(plan.configs, plan.details["exempt"]) == []
    assert plan.details["sizes"] == [100, 300, 1_000, 3_000, 10_000, 0]
    assert any(note.startswith("All 50,000 images: Budget 3,910 steps: ") for note in plan.notes)


def test_sizes_that_are_not_there_are_left_out_with_a_note() -> None:
    pair = [config(name, dataset="digits") for name in ("mlp", "cnn")]
    plan = data_efficiency(pair, (0,), n_images=1_415)
    assert [one.data.n_train for one in plan.configs[::2]] == [100, 300, 1_000, 0]
    assert plan.notes[0] == "Left out 3,000 and 10,000 images: there are only 1,157 to learn from."
    with pytest.raises(ConfigError, match="allowed are at least 2"):
        data_efficiency(pair, (0,), sizes=(100, 2_000), n_images=1_415)


def test_a_budget_holds_at_every_number_of_images() -> None:
    plan = data_efficiency(PAIR[:1], (0,), sizes=(1_000, 0), budget=Budget("examples", 64_000), n_images=N)
    assert lengths(plan.configs) == [
        (64, 0),
        (2, 782 + 218),
    ]  # 64 times 1,000 images; once 50,000 and 218 batches of 64
    with pytest.raises(ConfigError, match="at most 1,000 epochs"):
        data_efficiency(PAIR, (0,), budget=Budget("steps", 3_000), n_images=N)


def test_tuning_draws_the_same_rates_for_every_network_evenly_over_the_decades() -> None:
    plan = tuning(PAIR, 90, 1e-4, 1e-1, seed=5, n_images=N)
    drawn = {name: [one.training.lr for one in plan.configs if one.architecture == name] for name in ("mlp", "cnn")}
    assert drawn["mlp"] == drawn["cnn"] == plan.details["lrs"]
    assert all(1e-4 <= lr <= 1e-1 for lr in drawn["mlp"])
    decades = [sum(10.0**-low <= lr < 10.0 ** (1 - low) for lr in drawn["mlp"]) for low in (4, 3, 2)]
    assert min(decades) >= 18, "thirty would be even"
    assert {one.training.seed for one in plan.configs} == {5}
    assert confounders(plan.configs, plan.details["exempt"]) == []
    assert plan.configs == tuning(PAIR, 90, 1e-4, 1e-1, seed=5, n_images=N).configs
    assert drawn["mlp"] != tuning(PAIR, 90, 1e-4, 1e-1, seed=6, n_images=N).details["lrs"]


@pytest.mark.parametrize(
    ("contestants", "trials", "low", "high", "sentence"),
    [
        (PAIR, 1, 1e-4, 1e-1, "at least 2"),
        (PAIR, 5, 1e-1, 1e-4, r"Learning rate \(lr\)"),
        (PAIR, 5, 1e-6, 1e-4, "0.00001 to 10"),
        (PAIR, 5, 1e-3, 11.0, "0.00001 to 10"),
        (PAIR, 101, 1e-4, 1e-1, "202 runs"),
        ((config(val_fraction=0.0),), 5, 1e-4, 1e-1, "validation images"),
        ((config(val_fraction=1 / (3 * N)),), 5, 1e-4, 1e-1, "validation images"),
        ((config(lr=0.1), config(lr=0.2)), 5, 1e-4, 1e-1, "equal under these rules"),
    ],
)
def test_a_tuning_that_would_be_unfair_or_empty_is_refused(
    contestants: Any, trials: int, low: float, high: float, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        tuning(contestants, trials, low, high, n_images=N)


@pytest.mark.parametrize(
    "plan",
    [
        race(PAIR, (0, 1), Budget("steps", 9), "parameters", n_images=N),
        data_efficiency(PAIR, (0,), n_images=N),
        tuning(PAIR, 3, 1e-4, 1e-2, n_images=N),
    ],
    ids=lambda plan: plan.kind,
)
def test_what_a_plan_tells_can_be_stored_and_its_notes_are_sentences(plan: Plan) -> None:
    assert json.loads(json.dumps(plan.details, allow_nan=False)) == plan.details
    assert all(note.endswith(".") and (note[0].isupper() or note[0].isdigit()) for note in plan.notes)
    assert len(plan.name) <= 80
    assert {"contestants", "budget", "match", "seeds", "exempt"} <= set(plan.details)


@pytest.mark.parametrize("match", ["none", "parameters"])
def test_a_plan_keeps_every_setting_of_a_contestant_but_the_seed(match: Any) -> None:
    plan = race(PAIR, (0, 1), Budget("steps", 9), match, n_images=N)
    for contestant, planned in zip(plan.details["contestants"], plan.configs[:2], strict=True):
        nested = planned.model_dump(mode="json")
        kept = nested["model"] | nested["data"] | nested["training"]
        assert contestant["settings"] == {name: value for name, value in kept.items() if name != "seed"}


def test_the_name_of_a_large_race_still_fits() -> None:
    plan = race([config(name) for name in models.TABLE], (0,), n_images=N)
    assert plan.name == f"{len(models.TABLE)} networks"
