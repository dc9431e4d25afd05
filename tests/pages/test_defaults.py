"""Whoever presses a button with everything as it is waits two minutes at most, on two ordinary cores."""

from __future__ import annotations

from typing import Any

import pytest
from comparisons import planned

from core import models
from core.analysis.verdicts import FEWEST_SEEDS
from core.compare import quick
from core.compare.cost import Pace, estimate
from core.compare.plan import TRIALS
from core.config import RunConfig, run_config
from core.engine.work import Images
from core.experiments.presets import PRESETS
from pages.lab.race.form import START
from pages.lab.train.settings_form import FIRST_TRAINING_IMAGES

# Images per second while learning and answering, measured on two cores with AVX2 and no AVX-512.
SPEEDS = {
    "softmax": (125_000, 813_000), "mlp": (73_000, 348_000), "lenet": (12_000, 36_000), "cnn": (3_400, 14_000),
    "compact": (1_500, 6_200),
}  # fmt: skip
DATASETS = {"mnist": Images(60_000, 10_000), "digits": Images(1_437, 360)}


def seconds(configs: list[RunConfig]) -> float:
    guess = estimate(
        configs, [], DATASETS.__getitem__, lambda config: Pace(*SPEEDS[config.architecture], 1.0, "measured there")
    )
    assert guess is not None
    return guess.seconds


@pytest.mark.parametrize("dataset", DATASETS)
def test_train(dataset: str) -> None:
    n_train = FIRST_TRAINING_IMAGES if dataset == "mnist" else 0
    assert seconds([run_config(models.RECOMMENDED, {"dataset": dataset, "n_train": n_train})]) < 120


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("kind", ["race", "data_efficiency", "tuning", "aa_test"])
def test_race(kind: str, dataset: str) -> None:
    n_images = DATASETS[dataset].train
    values: dict[str, Any] = {"dataset": dataset, **quick.images(n_images)}
    competing = [run_config(name, values) for name in START[: 1 if kind == "aa_test" else None]]
    n_seeds = 1 if kind == "tuning" else FEWEST_SEEDS
    plan = planned(kind, competing, range(n_seeds), quick.budget(), n_images=n_images, sizes=quick.SIZES, trials=TRIALS)
    assert seconds(list(plan.configs)) < 120


def test_first_experiment() -> None:
    assert seconds(PRESETS["first-look"].configs()) < 60
