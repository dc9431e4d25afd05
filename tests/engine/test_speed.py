"""Speed is measured on the code that trains and answers, and disturbs nobody."""

from __future__ import annotations

import threading

import pytest
import torch

from core import models
from core.config import RunConfig, run_config
from core.engine import speed
from core.engine.learner import Learner

NAMES = list(models.TABLE)


@pytest.mark.parametrize("name", NAMES)
def test_every_architecture_can_be_measured_without_drawing_a_random_number(name: str) -> None:
    before = torch.random.get_rng_state()
    speeds = speed.measure(name, seconds=0.0)
    assert 0 < speeds.train_images_per_s < float("inf")
    assert 0 < speeds.infer_images_per_s < float("inf")
    assert (speeds.train_batch, speeds.infer_batch, speeds.threads) == (64, 250, torch.get_num_threads())
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


@pytest.mark.parametrize(("faster", "slower", "taken"), [("bf16", "fp32", "bf16"), ("fp32", "bf16", "fp32")])
def test_automatic_precision_is_the_one_that_learns_clearly_faster(
    faster: str, slower: str, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def learning_speed(config: RunConfig, _seconds: float) -> float:
        asked.append(config.training.precision)
        return {faster: 150.0, slower: 100.0}[config.training.precision]

    monkeypatch.setattr(speed, "learning_speed", learning_speed)
    speed._quicker.cache_clear()
    config, cpu = run_config("mlp", {"widths": (17,), "precision": "auto", "batch_size": 32}), torch.device("cpu")
    assert [speed.precision_of(config, cpu) for _ in range(3)] == [taken] * 3
    assert asked == ["fp32", "bf16"] * speed.PRECISION_TRIALS  # in turn, and not again for every run
    speed._quicker.cache_clear()


def test_automatic_precision_is_tried_on_this_machine_without_drawing_a_random_number() -> None:
    before = torch.random.get_rng_state()
    precision = speed.precision_of(
        run_config("cnn", {"channels": (4,), "dropout": 0.5, "precision": "auto"}), torch.device("cpu")
    )
    assert precision in ("fp32", "bf16")
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_given_precision_is_not_tried(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "_quicker", None)
    assert speed.precision_of(run_config("mlp", {"precision": precision}), torch.device("cpu")) == precision
