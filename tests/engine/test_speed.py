"""Speed is measured on the code that trains and answers, and disturbs nobody."""

from __future__ import annotations

import threading

import pytest
import torch

from core import models
from core.config import run_config
from core.engine import speed
from core.engine.learner import Learner

NAMES = list(models.TABLE)


@pytest.mark.parametrize("name", NAMES)
def test_every_architecture_can_be_measured_without_drawing_a_random_number(name: str) -> None:
    before = torch.random.get_rng_state()
    found = speed.measure(name, seconds=0.0)
    assert 0 < found.train_images_per_s < float("inf")
    assert 0 < found.infer_images_per_s < float("inf")
    assert (found.train_batch, found.infer_batch, found.threads) == (64, 250, torch.get_num_threads())
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("name", ["mlp", "cnn", "lstm"])
def test_one_step_can_be_timed_with_any_settings_without_drawing_a_random_number(name: str) -> None:
    values = {"dropout": 0.5} | ({"layers": 2} if name == "lstm" else {"batch_norm": True})
    before = torch.random.get_rng_state()
    assert 0 < speed.step_seconds(name, run_config(name, values).model, 8) < 60
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_run_in_another_thread_gets_the_random_numbers_it_would_have_had_alone() -> None:
    torch.manual_seed(0)
    alone = torch.stack([torch.rand(3) for _ in range(2_000)])
    drawn: list[torch.Tensor] = []
    measured = threading.Event()

    def draw() -> None:
        torch.manual_seed(0)
        drawn.extend(torch.rand(3) for _ in range(1_000))
        measured.wait()
        drawn.extend(torch.rand(3) for _ in range(1_000))

    thread = threading.Thread(target=draw)
    thread.start()
    speed.measure("cnn", seconds=0.05)
    measured.set()
    thread.join()
    assert torch.equal(torch.stack(drawn), alone)


def test_it_is_the_learner_that_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    learn = Learner.learn

    def watched(self: Learner, images: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        seen.append(len(images))
        return learn(self, images, *rest)

    monkeypatch.setattr(Learner, "learn", watched)
    speed.measure("softmax", seconds=0.05)
    assert set(seen) == {64}
    assert len(seen) > 10


def test_more_work_takes_longer() -> None:
    light, heavy = speed.measure("softmax", 0.05), speed.measure("cnn", 0.05)
    assert light.train_images_per_s > 3 * heavy.train_images_per_s
    assert light.infer_images_per_s > 3 * heavy.infer_images_per_s
