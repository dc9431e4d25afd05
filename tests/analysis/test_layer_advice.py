"""What the coach says of real networks: of those that can not learn what is wrong with them, of all others nothing."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from core import data, models
from core.analysis.coach import diagnose_layers
from core.config import run_config
from core.data.split import split
from core.engine.evaluate import Predictor
from core.engine.events import Checkpoint
from core.engine.train import train
from core.inspect.diagnostics import health

N_IMAGES = 100


def advice(architecture: str, **values: Any) -> str | None:
    """After a short training on the embedded digits."""
    short = {"dataset": "digits", "n_train": 200, "val_fraction": 0, "batch_size": 20, "device": "cpu"}
    config = run_config(architecture, {**short, "max_steps": 4, **values})
    digits = data.load("digits")
    parts = split(digits, config.data)
    last = [event for event in train(config, digits) if isinstance(event, Checkpoint)][-1]
    network = Predictor(config, last.weights, parts.mean, parts.std)
    indices = parts.train[:N_IMAGES]
    result = health(network.module, digits.train_images[indices], digits.train_labels[indices], parts.mean, parts.std)
    layers = [layer for layer in result.layers if layer.has_matrix]
    return diagnose_layers(
        [layer.name for layer in layers], np.array([layer.gradient_norm for layer in layers]),
        [(silence.behind, silence.n_silent, silence.n_units) for silence in result.silences], result.n_images,
    )  # fmt: skip


@pytest.mark.parametrize("architecture", list(models.TABLE))
def test_nothing_is_said_of_a_network_as_it_is_offered(architecture: str) -> None:
    assert advice(architecture) is None


def test_a_learning_rate_far_too_high_leaves_dead_relus() -> None:
    words = str(advice("mlp", lr=0.1, max_steps=30))
    assert "of 128 units behind hidden.0 answered 0 to all of 100 images" in words
    assert "Try a smaller learning rate" in words


def test_behind_many_sigmoids_the_gradient_vanishes() -> None:
    words = str(advice("mlp", activation="sigmoid", widths="64 64 64 64 64 64", max_steps=30))
    shorter = re.fullmatch(
        r"The gradient of hidden\.0 is ([\d,]+) times shorter than that of head: it hardly learns\. Try ReLU.*", words
    )
    assert shorter is not None, words
    assert int(shorter[1].replace(",", "")) > 1000
