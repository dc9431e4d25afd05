"""Shuffled pixels: one order for all images, inside the network, behind everything that is done to an image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from core import models
from core.config import run_config
from core.data.dataset import Dataset
from core.engine.evaluate import Predictor
from core.engine.events import Checkpoint
from core.engine.train import train
from core.inspect.activations import activations
from core.inspect.anatomy import IMAGE, layers
from core.inspect.attribution import attribute
from core.models.pixel_order import put_back, reads_shuffled, shuffled, shuffled_order

SHUFFLED = {"pixel_order": "shuffled"}


def predictors(name: str) -> tuple[Predictor, Predictor]:
    """The same weights behind natural and behind shuffled pixels."""
    torch.manual_seed(0)
    weights = {
        key: tensor.numpy() for key, tensor in models.get(name).build(run_config(name, {}).model).state_dict().items()
    }
    natural, mixed = (Predictor(run_config(name, values), weights, 0.13, 0.31) for values in ({}, SHUFFLED))
    return natural, mixed


def test_the_order_moves_every_pixel_and_never_changes() -> None:
    order = shuffled_order()
    assert sorted(order) == list(range(784))
    assert list(order[:4]) == [52, 757, 10, 713], "stored runs were trained with it"
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28), dtype=np.uint8)
    mixed = shuffled(images)
    assert (np.sort(mixed, axis=None) == np.sort(images, axis=None)).all()
    assert mixed[1].flat[3] == images[1].flat[order[3]]
    assert (put_back(mixed[1].astype(np.float32)) == images[1]).all()


@pytest.mark.parametrize("name", list(models.TABLE))
def test_whoever_asks_such_a_network_hands_it_the_natural_image(name: str) -> None:
    natural, mixed = predictors(name)
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    np.testing.assert_allclose(mixed.logits(images), natural.logits(shuffled(images)), atol=1e-5)
    config = run_config(name, SHUFFLED)
    steps, plain = layers(config), layers(run_config(name, {}))
    assert steps == plain, "an order is no layer"
    assert steps[0].inputs == (IMAGE,)
    inside = activations(mixed.module, images[0], 0.13, 0.31)
    outside = activations(natural.module, shuffled(images)[0], 0.13, 0.31)
    for one, other in zip(inside, outside, strict=True):
        np.testing.assert_allclose(one.values, other.values, atol=1e-5)


def test_an_explanation_lies_where_the_pixel_lies_in_the_natural_image() -> None:
    natural, mixed = predictors("cnn")
    image = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    assert reads_shuffled(mixed.module)
    assert not reads_shuffled(natural.module)
    for method in ("saliency", "grad-cam"):
        made = attribute(mixed.module, image, 0.13, 0.31, method, 3).values
        other = attribute(natural.module, shuffled(image[None])[0], 0.13, 0.31, method, 3).values
        np.testing.assert_allclose(made, put_back(other), atol=1e-5, err_msg=method)


def test_a_training_with_it_is_one_on_shuffled_images(tiny: Dataset) -> None:
    """Without variation the two are the same; the starting weights and the split are, too."""
    values = {"dataset": "digits", "epochs": 2, "batch_size": 16, "seed": 3}
    mixed = replace(tiny, train_images=shuffled(tiny.train_images), test_images=shuffled(tiny.test_images))
    inside, outside = (
        [event for event in train(run_config("mlp", values | more), images) if isinstance(event, Checkpoint)][-1]
        for more, images in ((SHUFFLED, tiny), ({}, mixed))
    )  # fmt: skip
    assert inside.best_value == outside.best_value
    assert all(np.array_equal(inside.weights[key], outside.weights[key]) for key in outside.weights)
