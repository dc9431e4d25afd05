"""Equal sizes: costs agree within five percent by formula and by torch's own count, or it is said who can not be matched."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest
from counted import count_multiply_adds, count_parameters

from core import models
from core.compare.size_match import MAX_COST_RATIO, Match, match_sizes, scaled
from core.config import RunConfig, run_config
from core.errors import ConfigError
from core.fields import settings

SIZABLE = [name for name in models.TABLE if models.get(name).sizes]
COUNTED: list[tuple[Match, Callable[[RunConfig], int]]] = [
    ("parameters", count_parameters), ("multiply-adds", count_multiply_adds),
]  # fmt: skip


def gap(configs: list[RunConfig], count: Callable[[RunConfig], float]) -> float:
    costs = [count(config) for config in configs]
    return max(costs) / min(costs)


def by_formula(config: RunConfig, by: Match) -> int:
    record = models.get(config.architecture)
    return record.n_params(config.model) if by == "parameters" else record.multiply_adds(config.model)


@pytest.mark.parametrize("by", ["parameters", "multiply-adds"])
@pytest.mark.parametrize("first", SIZABLE)
def test_every_two_architectures_that_have_sizes_can_be_matched(first: str, by: Match) -> None:
    for second in SIZABLE:
        sized, notes = match_sizes([run_config(first, {}), run_config(second, {"epochs": 7})], by)
        costs = [by_formula(one, by) for one in sized]
        assert max(costs) <= MAX_COST_RATIO * min(costs), (first, second, costs)
        assert notes[0].startswith(f"Equal {by}: ")
        assert all(f"{cost:,} {by}" in note for cost, note in zip(costs, notes[-2:], strict=True))


@pytest.mark.parametrize(("by", "count"), COUNTED)
def test_what_was_matched_is_equal_by_torchs_own_count(by: Match, count: Callable[[RunConfig], int]) -> None:
    sized, _ = match_sizes([run_config(name, {}) for name in ("cnn", "resnet", "vit", "lstm", "mixer")], by)
    assert gap(sized, count) <= MAX_COST_RATIO


def test_nothing_but_the_size_changes() -> None:
    before = [run_config("cnn", {"dropout": 0.3, "lr": 0.01, "kernel": 5}), run_config("vit", {"depth": 2})]
    after, _ = match_sizes(before, "parameters")
    for old, new in zip(before, after, strict=True):
        sizes = models.get(old.architecture).sizes
        kept = [{name: value for name, value in one.flat().items() if name not in sizes} for one in (old, new)]
        assert kept[0] == kept[1]


@pytest.mark.parametrize("name", SIZABLE)
@pytest.mark.parametrize("factor", [1e-6, 0.1, 0.7, 1.0, 1.3, 10.0, 1e6])
def test_every_scaled_network_is_an_allowed_one(name: str, factor: float) -> None:
    config = scaled(run_config(name, {}), factor)
    assert run_config(name, config.flat()) == config
    by_name = {setting.name: setting for setting in settings(type(config.model))}
    if factor in (1e-6, 1e6):
        values = config.model.model_dump()
        for size in models.get(name).sizes:
            end = by_name[size].low if factor < 1 else by_name[size].high
            assert set(values[size] if isinstance(values[size], tuple) else [values[size]]) == {end}
    if factor == 1.0:
        assert config == run_config(name, {})


@pytest.mark.parametrize("heads", [1, 2, 4, 8])
def test_the_heads_of_a_vision_transformer_keep_an_equal_share(heads: int) -> None:
    widths = [scaled(run_config("vit", {"heads": heads}), 1 + step / 200).flat()["width"] for step in range(200)]
    assert widths == sorted(widths)
    assert {width % heads for width in widths} == {0}
    assert len(set(widths)) > 64 // heads - 2, "every width that the heads allow can be reached"


def test_the_first_network_sets_the_mark_and_stays() -> None:
    (first, second), _ = match_sizes([run_config("mlp", {"widths": (100,)}), run_config("cnn", {})], "parameters")
    assert first == run_config("mlp", {"widths": (100,)})
    assert second != run_config("cnn", {})


def test_a_network_of_one_size_sets_the_mark_wherever_it_stands() -> None:
    sized, notes = match_sizes([run_config("cnn", {}), run_config("lenet", {})], "parameters")
    assert sized[1] == run_config("lenet", {})
    assert gap(sized, count_parameters) <= MAX_COST_RATIO
    assert notes[-1] == "LeNet-5: 61,706 parameters, its only size."


def test_where_the_mark_is_out_of_reach_it_moves_and_a_note_says_so() -> None:
    sized, notes = match_sizes([run_config("mlp", {}), run_config("resnet", {})], "multiply-adds")
    assert sized[1].flat()["width"] == 4, "the smallest ResNet works five times as much as the MLP"
    assert gap(sized, count_multiply_adds) <= MAX_COST_RATIO
    assert notes[1] == (
        "The mark moved from 109,184 multiply-adds per image: the nearest that ResNet comes to it is 592,864 multiply-adds "
        "per image."
    )


def test_two_networks_of_one_size_each_can_not_be_matched() -> None:
    with pytest.raises(
        ConfigError, match=r"LeNet-5 can not be matched: the mark is 7,850 parameters \(Softmax regression\)"
    ):
        match_sizes([run_config("softmax", {}), run_config("mlp", {}), run_config("lenet", {})], "parameters")


def test_a_mark_below_the_smallest_network_is_refused_with_how_near_it_comes() -> None:
    smallest = count_multiply_adds(run_config("cnn", {"channels": (1, 1), "widths": (1, 1)}))
    with pytest.raises(ConfigError, match=f"CNN can not be matched: .*nearest it comes is {smallest:,} ") as refused:
        match_sizes([run_config("softmax", {}), run_config("cnn", {})], "multiply-adds")
    assert refused.value.fields == ("channels", "widths")


def test_an_mlp_without_hidden_layers_has_one_size() -> None:
    sized, _ = match_sizes([run_config("cnn", {}), run_config("mlp", {"widths": ()})], "parameters")
    assert gap(sized, count_parameters) <= MAX_COST_RATIO
    assert count_parameters(sized[1]) == 7_850


def test_equal_seconds_ask_the_caller_and_remember_what_he_said() -> None:
    calls: list[RunConfig] = []

    def seconds(config: RunConfig) -> float:
        calls.append(config)
        return (
            1e-4
            + models.get(config.architecture).multiply_adds(config.model)
            * {"cnn": 3e-7, "mlp": 1e-7}[config.architecture]
        )

    sized, notes = match_sizes([run_config("cnn", {}), run_config("mlp", {})], "seconds", seconds)
    assert len(calls) == len(set(calls))
    assert gap(sized, seconds) <= MAX_COST_RATIO
    assert notes[1] == "CNN: 1.27 seconds per epoch, convolution blocks 32-64 and dense layers 128-64."
    with pytest.raises(ConfigError, match="speed"):
        match_sizes([run_config("cnn", {}), run_config("mlp", {})], "seconds")


def test_several_networks_agree_with_each_other_and_not_only_with_the_first() -> None:
    for by, count in COUNTED:
        for names in list(permutations(("mlp", "tinyvgg", "compact", "resnet"), 4))[::5]:
            sized, _ = match_sizes([run_config(name, {}) for name in names], by)
            assert gap(sized, count) <= MAX_COST_RATIO
