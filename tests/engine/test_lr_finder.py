"""The finder's rate rises as declared, disturbs nobody, and suggests a rate that learns."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from core.config import RunConfig, TrainingConfig, run_config
from core.data.dataset import Dataset
from core.engine import lr_finder
from core.engine.events import Checkpoint, EpochEnd, Event
from core.engine.lr_finder import HIGH, IGNORED_SETTINGS, LOW, Point, find_lr, suggest
from core.engine.seeds import WithOwnRng
from core.engine.train import train
from core.errors import ConfigError
from core.fields import settings
from core.machine.threads import use_one_thread

QUICK = {"widths": "16", "batch_size": 32}


def small(**values: Any) -> RunConfig:
    return run_config("mlp", QUICK | values)


def weights_of(events: Iterator[Event]) -> dict[str, np.ndarray]:
    """The last weights that a run lets go of."""
    return dict([event for event in events if isinstance(event, Checkpoint)][-1].weights)


def equal(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def simulated_search(losses: Callable[[float], float], noise: float = 0.0, steps: int = 100) -> list[Point]:
    """A search on a made loss: log10 of the rate -> nats; smoothed as the finder does it."""
    drawn = np.random.default_rng(0).normal(0, noise, steps)
    points: list[Point] = []
    total = 0.0
    for step, lr in enumerate(np.geomspace(LOW, HIGH, steps)):
        loss = losses(math.log10(lr)) + drawn[step]
        total = lr_finder.SMOOTHING * total + (1 - lr_finder.SMOOTHING) * loss
        points.append(Point(float(lr), loss, total / (1 - lr_finder.SMOOTHING ** (step + 1))))
    return points


def test_the_rate_rises_by_equal_factors_over_the_declared_range(tiny: Dataset) -> None:
    (declared,) = (one for one in settings(TrainingConfig) if one.name == "lr")
    points = list(find_lr(small(optimizer="sgd", clip_norm=0.001), tiny))  # such short steps never fall apart
    assert (points[0].lr, points[-1].lr) == pytest.approx((declared.low, declared.high))
    assert len(points) == 100
    assert np.diff(np.log([point.lr for point in points])) == pytest.approx(math.log(1e6) / 99)


def test_the_smoothed_loss_is_a_mean_that_begins_without_bias(tiny: Dataset) -> None:
    points = list(find_lr(small(), tiny, steps=12))
    assert points[0].smoothed == pytest.approx(points[0].loss)
    for n, point in enumerate(points, 1):
        weights = lr_finder.SMOOTHING ** np.arange(n)[::-1]
        assert point.smoothed == pytest.approx(np.average([one.loss for one in points[:n]], weights=weights))


def test_it_ends_where_the_loss_shoots_up_and_every_point_is_a_number(tiny: Dataset) -> None:
    points = list(find_lr(small(optimizer="momentum", weight_decay=1.0, widths="64,64,64"), tiny))
    assert len(points) < 100
    assert all(math.isfinite(value) for point in points for value in (point.lr, point.loss, point.smoothed))
    inside = [point.smoothed for point in points[:-1]]
    assert all(now <= 4 * min(inside[: n + 1]) for n, now in enumerate(inside))


def test_a_loss_that_is_no_number_ends_it_without_a_point(tiny: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    learn = lr_finder.Learner.learn
    calls: list[int] = []

    def breaks(self: Any, *arguments: Any) -> torch.Tensor:
        calls.append(1)
        return learn(self, *arguments) * (math.nan if len(calls) == 6 else 1.0)

    monkeypatch.setattr(lr_finder.Learner, "learn", breaks)
    assert len(list(find_lr(small(), tiny))) == 5


@pytest.mark.parametrize("name", [one.name for one in settings(TrainingConfig)])
def test_a_setting_makes_a_difference_exactly_when_it_is_heeded(name: str, tiny: Dataset) -> None:
    other = {
        "epochs": 9, "max_steps": 3, "batch_size": 16, "optimizer": "sgd", "lr": 0.1, "schedule": "cosine", "momentum": 0.5,
        "weight_decay": 0.5, "l1": 0.01, "label_smoothing": 0.2, "clip_norm": 0.01, "shuffle": False, "monitor": "val_acc",
        "patience": 3, "min_delta": 0.1, "seed": 1, "tta_views": 5, "precision": "bf16", "snapshots": "early",
        "start_from": "a" * 32, "init": "he",
    }  # fmt: skip
    if name == "device":
        pytest.skip("another device needs another machine")
    searches = [list(find_lr(small(**values), tiny, low=0.001, steps=20)) for values in ({}, {name: other[name]})]
    assert (searches[0] == searches[1]) == (name in IGNORED_SETTINGS)


def test_variations_and_dropout_are_those_of_the_config(tiny: Dataset) -> None:
    plain, *varied = (
        [point.loss for point in find_lr(small(**values), tiny, steps=3)]
        for values in ({}, {"shift": 3}, {"dropout": 0.5})
    )
    assert all(losses[0] != plain[0] for losses in varied)


def test_the_first_loss_is_that_of_a_run_with_this_config(tiny: Dataset) -> None:
    """Same starting weights, same first batch: a run that is stopped after one step was right about as much."""
    asked = iter([False, True])
    first = [
        event
        for event in train(small(), tiny, should_stop=lambda: next(asked))
        if isinstance(event, EpochEnd) and event.epoch > 0
    ]
    assert next(find_lr(small(), tiny)).loss == pytest.approx(first[0].train_loss)


def test_it_stops_when_told(tiny: Dataset) -> None:
    asked: list[bool] = []

    def third() -> bool:
        asked.append(True)
        return len(asked) == 3

    assert len(list(find_lr(small(), tiny, should_stop=third))) == 2


@pytest.mark.parametrize("bounds", [{"low": LOW / 2}, {"high": HIGH * 2}, {"low": 1.0, "high": 0.1}, {"steps": 1}])
def test_bad_bounds_are_named_with_what_is_allowed(bounds: dict[str, Any], tiny: Dataset) -> None:
    with pytest.raises(ConfigError, match=r"allowed is 0\.00001 to 10"):
        next(find_lr(small(), tiny, **bounds))


def test_what_can_not_be_trained_is_refused_in_a_sentence(tiny: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="here there is only"):
        next(find_lr(small(device="cuda" if not torch.cuda.is_available() else "mps"), tiny))
    monkeypatch.setattr("core.machine.device.memory_bytes", lambda: 100_000)
    with pytest.raises(ConfigError, match="needs about"):
        next(find_lr(small(), tiny))


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_a_run_that_takes_turns_with_a_search_ends_as_alone(architecture: str, tiny: Dataset) -> None:
    config = run_config(architecture, {"dropout": 0.5, "epochs": 2, "batch_size": 64})
    alone = weights_of(WithOwnRng(train(config, tiny)))
    search = find_lr(config, tiny)
    seen: list[Event] = []
    for event in WithOwnRng(train(config, tiny, checkpoint_every=0)):
        next(search, None)
        seen.append(event)
    assert equal(weights_of(iter(seen)), alone)


def test_a_run_in_another_thread_ends_as_alone(tiny: Dataset) -> None:
    config = small(dropout=0.5, epochs=30)
    use_one_thread()
    alone = weights_of(WithOwnRng(train(config, tiny)))
    outcomes: list[dict[str, np.ndarray]] = []
    over = threading.Event()

    def run() -> None:
        use_one_thread()
        outcomes.append(weights_of(WithOwnRng(train(config, tiny))))
        over.set()

    thread = threading.Thread(target=run)
    thread.start()
    searches = 0
    while not over.is_set():
        list(find_lr(config, tiny, steps=20))
        searches += 1
    thread.join()
    assert searches > 1
    assert equal(outcomes[0], alone)


def test_the_same_search_gives_the_same_points_and_draws_from_nobody(tiny: Dataset) -> None:
    before = torch.get_rng_state()
    first = list(find_lr(small(dropout=0.5), tiny))
    torch.rand(3)
    torch.set_rng_state(before)
    assert list(find_lr(small(dropout=0.5), tiny)) == first
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("bottom", [-3.0, -2.0, -1.0])
def test_a_valley_gives_about_a_tenth_of_its_bottom(bottom: float, noise: float) -> None:
    """Flat, then down over a factor of a hundred, then up steeply."""

    def loss(at: float) -> float:
        return 0.4 + 1.9 * min(1.0, max(0.0, (bottom - at) / 2)) + 30 * max(0.0, at - bottom)

    suggestion = suggest(simulated_search(loss, noise))
    assert suggestion is not None
    assert math.log10(suggestion.lr) == pytest.approx(bottom - 1, abs=0.3)
    assert "nats" in suggestion.sentence
    assert suggestion.lr == float(f"{suggestion.lr:.2g}")


@pytest.mark.parametrize("loss", [lambda at: 2.3, lambda at: 2.3 + max(0.0, at) * 5, lambda at: 2.3 + (at + 5) ** 2])
def test_without_a_clear_fall_nothing_is_suggested(loss: Callable[[float], float]) -> None:
    assert suggest(simulated_search(loss, noise=0.05)) is None


def test_nothing_is_suggested_without_points() -> None:
    assert suggest([]) is None


def test_a_fall_to_the_end_is_said_and_a_very_low_bottom_stays_within_the_bounds() -> None:
    falling = suggest(simulated_search(lambda at: 2.0 - at / 5))
    assert falling is not None
    assert falling.lr == HIGH / 10
    assert "the highest that was tried. Training never fell apart" in falling.sentence
    early = suggest([Point(LOW * 2**n, loss, loss) for n, loss in enumerate([2.0, 2.0, 1.0, 2.0, 4.0, 8.0])])
    assert early is not None
    assert early.lr == LOW
    assert "0.00004" in early.sentence


@pytest.mark.parametrize(
    ("architecture", "values"),
    [
        ("mlp", {}),
        ("mlp", {"optimizer": "momentum", "batch_size": 16}),
        ("cnn", {"channels": "8,16"}),
        ("lstm", {"hidden": 32}),
    ],
)
def test_the_suggested_rate_beats_far_larger_and_far_smaller_ones(
    architecture: str, values: dict[str, Any], digits: Dataset
) -> None:
    suggestion = suggest(list(find_lr(run_config(architecture, values), digits)))
    assert suggestion is not None

    def val_loss(lr: float) -> float:
        config = run_config(architecture, values | {"epochs": 3, "lr": min(HIGH, max(LOW, lr))})
        last = [event for event in train(config, digits) if isinstance(event, EpochEnd)][-1]
        assert last.val_loss is not None
        return last.val_loss if math.isfinite(last.val_loss) else math.inf

    at_suggestion = val_loss(suggestion.lr)
    assert at_suggestion < val_loss(30 * suggestion.lr)
    assert at_suggestion < val_loss(suggestion.lr / 100)
