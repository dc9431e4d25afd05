"""A step in slow motion is the step of the training loop, and equals a computation by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from core.config import TrainingConfig, run_config
from core.data.dataset import SplitIndices
from core.engine.learner import Learner
from core.engine.optimizers import build_optimizer
from core.inspect.copies import separate_copy
from core.inspect.one_step import one_step
from core.machine.precision import with_private_init
from tests.inspect.networks import MEAN, STD, digit, network, nothing_changed, taken

IMAGES, LABELS = np.stack([digit(i) for i in range(4)]), np.array([3, 1, 4, 1])


def test_softmax_regression_by_hand() -> None:
    module = network("softmax")
    plan = TrainingConfig(optimizer="sgd", lr=0.01)
    with nothing_changed(module):
        step = one_step(module, IMAGES, LABELS, MEAN, STD, plan, build_optimizer)
    x = torch.cat([taken(image) for image in IMAGES]).flatten(1).double().numpy()
    weight, bias = module.head.weight.detach().double().numpy(), module.head.bias.detach().double().numpy()
    truth = np.eye(10)[LABELS]

    def loss_of(weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits = x @ weight.T + bias
        probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        return -np.log((probs * truth).sum(1)), probs

    losses, probs = loss_of(weight, bias)
    slope, bias_slope = (probs - truth).T @ x / 4, (probs - truth).mean(0)
    np.testing.assert_allclose(step.probs, probs, atol=1e-5)
    np.testing.assert_allclose(step.losses, losses, rtol=1e-4, atol=1e-5)
    assert step.loss == pytest.approx(losses.mean(), rel=1e-5)
    after, _ = loss_of(weight - 0.01 * slope, bias - 0.01 * bias_slope)
    assert step.loss_after == pytest.approx(after.mean(), rel=1e-4)
    square = (slope**2).sum() + (bias_slope**2).sum()
    assert step.gradient_norm == pytest.approx(square**0.5, rel=1e-4)
    assert step.expected_change == pytest.approx(-0.01 * square, rel=1e-3)
    assert step.weights[0].name == "head.weight"
    assert abs(step.weights[0].gradient) == pytest.approx(np.abs(slope).max(), rel=1e-4)
    for moved in step.weights:
        assert moved.before == pytest.approx(weight[moved.index], rel=1e-5)
        assert moved.gradient == pytest.approx(slope[moved.index], rel=1e-3)
        assert moved.after == pytest.approx(moved.before - 0.01 * moved.gradient, rel=1e-4)


@pytest.mark.parametrize(
    "values",
    [{"optimizer": "adamw", "weight_decay": 0.1}, {"optimizer": "muon"}, {"optimizer": "nesterov", "clip_norm": 0.1},
     {"optimizer": "sgd", "label_smoothing": 0.1, "l1": 0.001}],
    ids=str,
)  # fmt: skip
def test_it_is_the_first_step_of_the_training_loop(values: dict[str, Any]) -> None:
    config = run_config("mlp", {"widths": "16", "lr": 0.01, **values})
    module = with_private_init("mlp", config.model).eval()
    parts = SplitIndices(np.arange(4), np.empty(0, np.int64), MEAN, STD)
    learner = Learner(config, parts, torch.device("cpu"), 10, separate_copy(module))
    learner.learn(torch.from_numpy(IMAGES), torch.from_numpy(LABELS), torch.Generator())
    with nothing_changed(module):
        step = one_step(module, IMAGES, LABELS, MEAN, STD, config.training, build_optimizer)
    learned = dict(learner.module.named_parameters())
    for moved in step.weights:
        assert moved.after == pytest.approx(learned[moved.name][moved.index].item(), rel=1e-4, abs=1e-6)
        assert moved.after != moved.before
    assert step.gradient_norm == pytest.approx(learner.gradient_norm(), rel=1e-4)
    if "l1" not in values and "label_smoothing" not in values:
        assert step.loss == pytest.approx(float(step.losses.mean()), rel=1e-5)
    assert step.loss_after < step.loss


def test_a_schedule_can_have_changed_the_learning_rate() -> None:
    plan = TrainingConfig(optimizer="sgd", lr=0.01)
    small, large = (
        one_step(network("softmax"), IMAGES, LABELS, MEAN, STD, plan, build_optimizer, lr).weights[0]
        for lr in (0.001, 0.01)
    )
    assert small.gradient == large.gradient
    assert (large.after - large.before) == pytest.approx(10 * (small.after - small.before), rel=1e-2)
    assert replace(large, after=small.after) == small
