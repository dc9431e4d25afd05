"""What differs between runs: factors are named once and in words, and a pair with one factor is not confounded."""

from __future__ import annotations

from typing import Any

import pytest

from core.compare.differences import condition_labels, confounders, differing
from core.config import RunConfig, run_config


def config(architecture: str = "mlp", **values: Any) -> RunConfig:
    return run_config(architecture, values)


def test_runs_that_differ_in_the_seed_alone_differ_in_nothing() -> None:
    assert differing([config(seed=seed) for seed in range(3)]) == ()


def test_what_is_only_kept_of_a_run_is_no_difference() -> None:
    runs = [config(), config(snapshots="early", seed=1)]
    assert differing(runs) == ()
    assert condition_labels(runs) == ["MLP", "MLP"]
    assert runs[0].without_seed() == runs[1].without_seed()
    assert confounders([config(), config(snapshots="early", lr=0.1)]) == []


def test_differences_are_named_from_the_network_over_the_data_to_the_training() -> None:
    names = differing([config(), config(lr=0.1, shift=1.0, widths=(8,), dropout=0.5, seed=3)])
    assert names == ("widths", "dropout", "shift", "lr")


def test_the_settings_of_another_network_are_part_of_the_architecture() -> None:
    assert differing([config("mlp", dropout=0.5), config("cnn", kernel=5)]) == ("architecture",)
    assert differing([config("mlp"), config("cnn"), config("cnn", dropout=0.5)]) == ("architecture", "dropout")


@pytest.mark.parametrize(
    ("configs", "labels"),
    [
        ([config("mlp"), config("cnn"), config("softmax")], ["MLP", "CNN", "Softmax regression"]),
        ([config("mlp", lr=0.1), config("cnn", lr=0.01)], ["MLP", "CNN"]),
        ([config(batch_size=32), config(batch_size=64)], ["batch size 32", "batch size 64"]),
        ([config(), config(seed=1)], ["MLP", "MLP"]),
        (
            [config("softmax"), config(widths=(32,)), config(widths=(64, 16))],
            ["Softmax regression", "MLP, hidden layers 32", "MLP, hidden layers 64-16"],
        ),
        ([config(shift=1.5), config()], ["random shift 1.5", "random shift 0"]),
        ([config(n_train=1000), config()], ["training images 1,000", "training images all"]),
        ([config(l1=0.01), config()], ["L1 penalty 0.01", "L1 penalty 0"]),
        (
            [config(epochs=2, max_steps=50, batch_size=32), config(epochs=3, max_steps=60, batch_size=64)],
            ["batch size 32", "batch size 64"],
        ),
        (
            [config(lr=0.1, optimizer="sgd"), config(lr=0.1), config(optimizer="sgd")],
            ["optimizer SGD, lr 0.1", "optimizer Adam, lr 0.1", "optimizer SGD, lr 0.001"],
        ),
    ],
)  # fmt: skip
def test_a_condition_has_the_shortest_name_that_tells_it_apart(configs: list[RunConfig], labels: list[str]) -> None:
    assert condition_labels(configs) == labels


def test_one_factor_is_a_comparison_and_two_are_confounded() -> None:
    assert confounders([config(), config(batch_size=32, seed=4)]) == []
    assert confounders([config(), config("cnn", kernel=5)]) == []
    assert confounders([config(lr=0.001), config(lr=0.01, batch_size=128)]) == [
        "batch size 64 against 128", "learning rate 0.001 against 0.01",
    ]  # fmt: skip


def test_with_another_architecture_every_other_factor_confounds() -> None:
    names = confounders([config(schedule="cosine"), config("cnn", batch_size=128)])
    assert names == ["batch size 64 against 128", "schedule cosine, down to 0 against constant"]


def test_what_the_rules_set_confounds_nothing() -> None:
    a, b = config(epochs=3, max_steps=70, lr=0.1), config("cnn", epochs=9, max_steps=300)
    assert confounders([a, b], exempt=("epochs", "max_steps", "lr")) == []
    assert confounders([a, b], exempt=("epochs", "max_steps")) == ["learning rate 0.1 against 0.001"]


def test_a_group_names_each_factor_once_with_all_its_values() -> None:
    group = [
        config(architecture, batch_size=size, seed=seed)
        for seed in range(3) for architecture, size in (("mlp", 32), ("cnn", 64), ("softmax", 128))
    ]  # fmt: skip
    assert confounders(group) == ["batch size 32 against 64 against 128"]
    assert confounders([one for one in group if one.architecture == "mlp"]) == []


def test_a_sweep_of_one_setting_is_not_confounded() -> None:
    assert confounders([config(lr=lr, seed=seed) for lr in (0.1, 0.01, 0.001) for seed in range(2)]) == []


def test_what_does_nothing_makes_no_difference_but_tells_runs_apart_that_differ_in_nothing_else() -> None:
    plain, other = config(optimizer="sgd"), config(optimizer="sgd", momentum=0.5)
    assert differing([plain, other]) == ()
    assert condition_labels([plain, other]) == ["momentum 0.9", "momentum 0.5"]
    adam = config(momentum=0.5)
    assert differing([plain, adam]) == ("optimizer",)
    assert confounders([plain, adam]) == []
    assert condition_labels([plain, adam]) == ["optimizer SGD", "optimizer Adam"]
    assert differing([config(), adam, plain]) == ("optimizer", "momentum")
