"""The contract of every architecture; the list of tests is the registry."""

from __future__ import annotations

import contextlib
import random
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from counted import count_multiply_adds, count_parameters
from torch import nn

from core import models
from core.compare.size_match import scaled
from core.config import RunConfig, run_config
from core.errors import ConfigError
from core.fields import Setting, settings
from core.machine.device import preflight
from core.machine.precision import without_dropout
from core.models.counting import count_activations, count_params

NAMES = list(models.TABLE)
HEADINGS = ("Idea", "Source", "Differs", "Shapes", "Teaches")


def build(name: str, **values: Any) -> nn.Module:
    torch.manual_seed(0)
    return models.get(name).build(run_config(name, values).model)


def ends(setting: Setting) -> list[Any]:
    """The values at both ends of a setting, small enough to build here."""
    if setting.kind == "bool":
        return [False, True]
    if setting.kind == "choice":  # 784 steps take seconds to count, and 196 are counted by the same formula
        return [choice for choice in setting.choices if choice != "pixels-28"]
    if setting.kind == "ints":
        longest = setting.max_length or 1
        return [(int(setting.low or 1),) * (setting.min_length or 0), (3,) * longest, (int(setting.high or 1),)]
    return [setting.low, setting.high]


def all_ends() -> list[tuple[str, str, Any]]:
    return [
        (name, setting.name, value)
        for name in NAMES
        for setting in settings(models.get(name).config)
        for value in ends(setting)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_defaults_give_finite_logits(name: str) -> None:
    logits = build(name)(torch.randn(3, 1, 28, 28))
    assert logits.shape == (3, 10)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize(("name", "field", "value"), all_ends())
def test_each_end_of_each_field_builds_and_answers_and_counts_right(name: str, field: str, value: Any) -> None:
    config = run_config(name, {field: value})
    architecture = models.get(name)
    module = architecture.build(config.model)
    logits = module(torch.randn(2, 1, 28, 28))
    assert logits.shape == (2, 10)
    assert torch.isfinite(logits).all()
    n_params = sum(weight.numel() for weight in module.parameters())
    counted = replace(architecture, n_params_formula=None, multiply_adds_formula=None)
    assert n_params == counted.n_params(config.model) == architecture.n_params(config.model) == count_parameters(config)
    n_multiply_adds = count_multiply_adds(config)
    assert n_multiply_adds == counted.multiply_adds(config.model) == architecture.multiply_adds(config.model)


@pytest.mark.parametrize(
    ("name", "n_params"),
    [
        ("softmax", 7_850),
        ("mlp", 109_386),
        ("cnn", 429_258),
        ("lenet", 61_706),
        ("tinyvgg", 7_740),
        ("compact", 157_714),
        ("resnet", 75_002),
        ("rnn", 21_514),
        ("gru", 61_962),
        ("lstm", 82_186),
        ("vit", 138_890),
        ("mixer", 75_530),
        ("keras-dense", 109_386),
        ("keras-cnn", 429_258),
    ],
)
def test_the_size_at_defaults_is_the_one_that_texts_and_docs_quote(name: str, n_params: int) -> None:
    assert count_parameters(run_config(name, {})) == n_params


@pytest.mark.parametrize("name", NAMES)
def test_what_makes_it_larger_is_named_and_makes_it_larger(name: str) -> None:
    architecture, default = models.get(name), run_config(name, {})
    by_name = {setting.name: setting for setting in settings(architecture.config)}
    assert {by_name[size].kind for size in architecture.sizes} <= {"int", "ints"}
    small, large = (scaled(default, factor) for factor in (0.5, 2.0))
    if not architecture.sizes:
        assert small == default == large
        return
    for count in (architecture.n_params, architecture.multiply_adds):
        assert count(small.model) < count(default.model) < count(large.model)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_whether_it_averages_over_a_batch_while_it_learns(name: str) -> None:
    """Nobody reads the logits of one image from others of its batch unless the record says so; at both ends of each setting."""
    for values in [{}, *({field: value} for owner, field, value in all_ends() if owner == name)]:
        config = run_config(name, values).model
        torch.manual_seed(0)
        module = models.get(name).build(without_dropout(config)).train()
        first, second = torch.randn(2, 1, 28, 28), torch.randn(2, 1, 28, 28)
        with torch.no_grad():
            alone = module(torch.cat([first, second]))[:2]
            beside_others = module(torch.cat([first, 3 * second]))[:2]
        assert models.get(name).needs_batch_statistics(config) != torch.allclose(alone, beside_others, atol=1e-5), (
            values
        )


@pytest.mark.parametrize("name", ["mlp", "keras-dense"])
def test_without_a_bend_many_layers_are_one_weighted_sum(name: str) -> None:
    first, second = torch.randn(2, 5, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    for activation, is_one_sum in (("none", True), ("relu", False), ("elu", False)):
        module = build(name, activation=activation).eval()
        with torch.no_grad():
            together, apart = module((first + second) / 2), (module(first) + module(second)) / 2
        assert torch.allclose(together, apart, atol=1e-5) == is_one_sum, activation


@pytest.mark.parametrize("name", NAMES)
def test_its_dropout_is_declared_as_such(name: str) -> None:
    for values in [{}, *({field: value} for owner, field, value in all_ends() if owner == name)]:
        config = run_config(name, values).model
        module = models.get(name).build(without_dropout(config)).train()
        before = torch.get_rng_state()
        module(torch.randn(3, 1, 28, 28, generator=torch.Generator().manual_seed(0)))
        assert torch.equal(torch.get_rng_state(), before), values


@pytest.mark.parametrize("name", NAMES)
def test_its_tiny_version_is_valid_and_no_larger(name: str) -> None:
    architecture, tiny = models.get(name), run_config(name, models.get(name).tiny)
    assert architecture.n_params(tiny.model) <= architecture.n_params(architecture.config())


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_gets_a_gradient(name: str) -> None:
    module = build(name)
    F.cross_entropy(module(torch.randn(8, 1, 28, 28)), torch.arange(8)).backward()
    for weight_name, weight in module.named_parameters():
        assert weight.grad is not None, weight_name
        assert weight.grad.abs().sum() > 0, weight_name


@pytest.mark.parametrize("name", NAMES)
def test_in_eval_mode_the_order_of_a_batch_does_not_matter(name: str) -> None:
    module = build(name).eval()
    images, order = torch.randn(16, 1, 28, 28), torch.randperm(16)
    with torch.no_grad():
        torch.testing.assert_close(module(images)[order], module(images[order]))


@pytest.mark.parametrize("name", NAMES)
def test_it_can_memorise_32_images(name: str) -> None:
    module = build(name)
    images, labels = torch.randn(32, 1, 28, 28), torch.arange(32) % 10
    optimizer = torch.optim.Adam(module.parameters(), 0.01)
    for _ in range(200):
        optimizer.zero_grad()
        loss = F.cross_entropy(module(images), labels)
        loss.backward()
        optimizer.step()
        right = int((module(images).argmax(1) == labels).sum())
        if right == 32:
            break
    assert right == 32


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_weights(name: str) -> None:
    first, second = build(name).state_dict(), build(name).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("name", NAMES)
def test_a_text_exists_and_the_module_explains_itself(name: str) -> None:
    text_file = Path(__file__).parents[2] / "assets" / "architectures" / f"{name}.md"
    assert len(text_file.read_text(encoding="utf-8").split()) > 60
    import importlib

    text = importlib.import_module(models.TABLE[name].module).__doc__ or ""
    assert all(f"\n{heading} " in text for heading in HEADINGS)


def test_a_network_that_does_not_fit_is_refused_with_numbers() -> None:
    big: RunConfig = run_config("cnn", {"channels": "512,512", "batch_size": 4096})
    with pytest.raises(ConfigError, match=r"needs about \d.*GB, allowed is"):
        preflight(big)


def test_a_batch_may_hold_all_images_and_needs_no_more_memory_than_there_are() -> None:
    config = run_config("cnn", {"batch_size": 60_000})
    assert preflight(config, 1_500) < preflight(config, 3_000) < 3e9
    with pytest.raises(ConfigError, match=r"batches of 60,000 images needs about \d"):
        preflight(config)


def test_a_network_that_fits_passes_with_an_estimate_of_its_memory() -> None:
    assert 1e6 < preflight(run_config("mlp", {})) < 1e7


def some_configs(name: str) -> list[Any]:
    """The defaults, both ends of every setting, and six mixtures of ends."""
    draw, configs = random.Random(name), [run_config(name, {}).model]
    all_settings = settings(models.get(name).config)
    for values in [{field: value} for which, field, value in all_ends() if which == name] + [
        {setting.name: draw.choice(ends(setting)) for setting in all_settings} for _ in range(6)
    ]:
        with contextlib.suppress(ConfigError):  # a width that heads can not share
            config = run_config(name, values).model
            if models.get(name).n_params(config) < 1e7:
                configs.append(config)
    return configs


@pytest.mark.parametrize("name", NAMES)
def test_the_formula_of_its_memory_is_what_its_layers_hand_on(name: str) -> None:
    architecture = models.get(name)
    configs = some_configs(name)
    for config in configs:
        counted = count_activations(architecture.build, config)
        # The gated memory of an LSTM comes in a pair, which is not counted; all others agree to the last number.
        assert counted <= architecture.activations(config) <= (1.2 if name == "lstm" else 1) * counted, config
        assert architecture.n_params(config) == count_params(architecture.build, config)
    assert len(configs) > 1 or not settings(architecture.config)


def test_pre_flight_takes_no_time_and_no_random_number_whatever_is_asked_for() -> None:
    draw, state = random.Random(0), torch.get_rng_state()
    seconds, refused = [], 0
    for name in NAMES:
        import_module(models.TABLE[name].module)
        preflight(run_config(name, {}))
        for _ in range(14):
            values = {setting.name: draw.choice(ends(setting)) for setting in settings(models.get(name).config)}
            with contextlib.suppress(ConfigError):
                config = run_config(name, values | {"batch_size": draw.choice([2, 64, 60_000])})
                began = time.process_time()
                try:
                    preflight(config)
                except ConfigError as error:
                    refused += "quarter of this machine" in str(error)
                seconds.append(time.process_time() - began)
    assert len(seconds) > 150
    assert 0 < refused < len(seconds)
    assert max(seconds) < 0.05
    assert torch.equal(state, torch.get_rng_state())


def test_a_device_that_is_not_here_is_refused_by_name() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ConfigError, match="cuda"):
        preflight(run_config("mlp", {"device": "cuda"}))
