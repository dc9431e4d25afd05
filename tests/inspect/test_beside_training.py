"""Whoever looks inside while a run trains changes nothing of that run, down to the last bit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import cycle

import numpy as np

from core.config import run_config
from core.data.dataset import Dataset
from core.engine.evaluate import Predictor
from core.engine.events import Arrays, Checkpoint
from core.engine.train import train
from core.inspect.activations import activations
from core.inspect.attribution import TITLES, attribute
from core.inspect.counterfactual import dream, smallest_change
from core.inspect.damage import DAMAGES
from core.inspect.diagnostics import health
from core.inspect.embedding import embeddings
from core.inspect.maps import tsne
from core.inspect.robustness import points, sweep
from tests.inspect.networks import MEAN, STD, digit, network

VALUES = {"epochs": 2, "widths": "16", "dropout": 0.5, "lr": 0.01}


def weights_of_a_run(dataset: Dataset) -> Arrays:
    *_, last = (event for event in train(run_config("mlp", VALUES), dataset) if isinstance(event, Checkpoint))
    return last.weights


def test_a_run_in_training_ends_with_the_same_weights(tiny: Dataset) -> None:
    module, image = network("lenet"), digit()
    alone = weights_of_a_run(tiny)
    images = np.stack([digit(i) for i in range(8)])
    predictor = Predictor(run_config("mlp", {**VALUES, "tta_views": 5}), alone, MEAN, STD)
    plan = points(("noise", "geometry", "corruption:fog", "corruption:glass_blur"))
    looks: list[Callable[[], object]] = [
        lambda: activations(module, image, MEAN, STD),
        *(lambda method=method: attribute(module, image, MEAN, STD, method, randomised=True) for method in TITLES),
        lambda: smallest_change(module, image, MEAN, STD, "pgd"),
        lambda: dream(module, 3, MEAN, STD),
        lambda: tsne(embeddings(module, images, MEAN, STD)),
        *(lambda damage=damage: damage.apply(module, damage.amounts[-1]) for damage in DAMAGES.values()),
        lambda: health(module, images, np.arange(8), MEAN, STD),
        lambda: list(sweep({"mlp": predictor}, images, np.arange(8), plan)),
    ]
    stop, faults, done = threading.Event(), [], []

    def look() -> None:
        try:
            for one in cycle(looks):
                one()
                done.append(one)
                if stop.is_set():
                    return
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            faults.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        runs = [weights_of_a_run(tiny) for _ in range(2)]
    finally:
        stop.set()
        thread.join()
    assert not faults
    assert done
    assert all(np.array_equal(run[name], alone[name]) for run in runs for name in alone)


def test_a_run_is_looked_into_through_its_predictor(tiny: Dataset) -> None:
    predictor = Predictor(run_config("mlp", VALUES), weights_of_a_run(tiny), 0.2, 0.4)
    image = tiny.test_images[0]
    steps = activations(predictor.module, image, predictor.mean, predictor.std)
    np.testing.assert_allclose(steps[-1].values, predictor.logits(image[None])[0], atol=1e-5)
    assert predictor.module.head.weight.grad is None
