"""The optimizers: torch's own steps, without what torch does around them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from core import models
from core.config import TrainingConfig, run_config
from core.data.dataset import Dataset
from core.engine.events import Checkpoint
from core.engine.optimizers import build_optimizer, muon_matrices, muon_sentence
from core.engine.train import train
from core.experiments.presets import PRESETS
from core.experiments.recipes import BEST, BLINK, PATIENT, Recipe
from core.fields import settings


def weights() -> list[nn.Parameter]:
    private = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=private)) for shape in ((7, 5), (7,), (3, 7))]


def descend(optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter], steps: int) -> None:
    """Towards zero by known gradients; with Adam, the last weight has one only from the third step on."""
    private = torch.Generator().manual_seed(1)
    for step in range(steps):
        for index, weight in enumerate(parameters):
            late = isinstance(optimizer, torch.optim.Adam) and index == len(parameters) - 1 and step < 2
            weight.grad = None if late else weight.detach() * torch.rand(weight.shape, generator=private)
        optimizer.step()


OWN: list[tuple[dict[str, Any], type[torch.optim.Optimizer], dict[str, Any]]] = [
    ({"optimizer": "adam"}, torch.optim.Adam, {"betas": (0.9, 0.999)}),
    ({"optimizer": "adam", "momentum": 0.5}, torch.optim.Adam, {"betas": (0.5, 0.999)}),
    ({"optimizer": "adamw"}, torch.optim.AdamW, {"betas": (0.9, 0.999)}),
    ({"optimizer": "sgd"}, torch.optim.SGD, {}),
    ({"optimizer": "momentum"}, torch.optim.SGD, {"momentum": 0.9}),
    ({"optimizer": "nesterov"}, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
]


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(("asked", "torchs", "how"), OWN)
def test_the_bits_are_those_of_torch(
    asked: dict[str, Any], torchs: type[torch.optim.Optimizer], how: dict[str, Any], decay: float
) -> None:
    config = TrainingConfig(lr=0.05, weight_decay=decay, **asked)
    ours, theirs = weights(), weights()
    optimizer = build_optimizer(config, ours)
    other = torchs(theirs, lr=0.05, weight_decay=decay, fused=True, **how)
    descend(optimizer, ours, 12)
    descend(other, theirs, 12)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert optimizer.state_dict()["state"].keys() == other.state_dict()["state"].keys()
    for index, state in other.state_dict()["state"].items():
        for name, value in state.items():
            assert value is None or torch.equal(optimizer.state_dict()["state"][index][name], value)


def test_a_changed_learning_rate_counts_from_the_next_step_on() -> None:
    parameters = weights()
    optimizer = build_optimizer(TrainingConfig(optimizer="adam", lr=0.1), parameters)
    descend(optimizer, parameters, 5)
    before = [weight.detach().clone() for weight in parameters]
    optimizer.param_groups[0]["lr"] = 0.0
    descend(optimizer, parameters, 1)
    assert all(torch.equal(a, b) for a, b in zip(before[:2], parameters[:2], strict=True))


@pytest.mark.parametrize("name", models.TABLE)
def test_muon_moves_what_it_is_said_to_move(name: str, tiny: Dataset) -> None:
    config = run_config(name, {**models.get(name).tiny, "optimizer": "muon", "max_steps": 1})
    (last,) = [event for event in train(config, tiny) if isinstance(event, Checkpoint)]
    weights = [key for key, weight in models.get(name).build(config.model).named_parameters() if weight.requires_grad]
    with_momentum = {key.split(".")[0] for key in last.optimizer if key.endswith(".momentum_buffer")}
    assert {weights[int(index)] for index in with_momentum} == set(muon_matrices(name, config.model))


def test_what_muon_leaves_alone_is_said_in_a_sentence() -> None:
    def sentence(name: str, **values: Any) -> str:
        return muon_sentence(run_config(name, {"optimizer": "muon", **values}))

    assert sentence("softmax").startswith("Muon moves no weight of Softmax regression")
    assert sentence("tinyvgg").startswith("Muon moves no weight of Tiny VGG")
    assert sentence("mlp", widths="16") == (
        "Muon moves 1 matrix of Multilayer perceptron (MLP) (12,544 of 12,730 weights), AdamW the others."
    )
    assert sentence("mlp", widths="10").startswith("Muon moves no weight of")
    assert sentence("mlp", optimizer="adamw") == ""


def test_without_a_matrix_muon_is_adamw_with_the_betas_that_it_names() -> None:
    config = run_config("tinyvgg", {"optimizer": "muon", "lr": 0.05, "weight_decay": 0.1, "momentum": 0.5}).training
    ours, theirs = weights(), weights()
    descend(build_optimizer(config, ours), ours, 12)
    descend(torch.optim.AdamW(theirs, lr=0.05, betas=(0.9, 0.99), weight_decay=0.1, fused=True), theirs, 12)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("name", BEST)
def test_a_recipe_names_what_moves_its_weights(name: str) -> None:
    (config,) = PRESETS[f"best-{name}"].configs()
    is_adamw = config.training.optimizer == "muon" and not muon_matrices(config.architecture, config.model)
    assert bool(BEST[name].moved_by) == is_adamw
    assert ("AdamW" in PRESETS[f"best-{name}"].sentence) == (is_adamw or config.training.optimizer == "adamw")


@pytest.mark.parametrize(
    "recipe", [*BLINK.values(), *(BEST[name] for name in PATIENT)], ids=lambda recipe: recipe.label
)
def test_no_other_preset_is_called_after_an_optimizer_that_moves_nothing(recipe: Recipe) -> None:
    config = run_config(recipe.architecture, recipe.settings)
    assert config.training.optimizer != "muon" or muon_matrices(config.architecture, config.model)


COUPLED, DECOUPLED = ("momentum", "nesterov", "adam", "rmsprop"), ("adamw", "muon")


@pytest.mark.parametrize("name", [*COUPLED, *DECOUPLED])
def test_weight_decay_reaches_the_moments_of_those_it_is_said_to_be_coupled_with(name: str) -> None:
    weight, bias = nn.Parameter(torch.ones(12, 12)), nn.Parameter(torch.ones(12))
    optimizer = build_optimizer(TrainingConfig.model_validate({"optimizer": name, "weight_decay": 0.1}), [weight, bias])
    for _ in range(2):
        weight.grad, bias.grad = torch.zeros_like(weight), torch.zeros_like(bias)
        optimizer.step()
    assert (weight < 1).all()
    assert (bias < 1).all()
    moments = [value for key, value in optimizer.state[weight].items() if key != "step"]
    assert moments
    assert any(bool(moment.any()) for moment in moments) == (name in COUPLED)
    help = next(setting.help for setting in settings(TrainingConfig) if setting.name == "weight_decay")
    assert "SGD, Adam and RMSprop add it to the gradient (coupled), AdamW and Muon keep it apart (decoupled)" in help
