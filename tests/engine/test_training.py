"""The loop, seen from outside: which events come, what they say, and that nothing else decides a run's weights."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from bench.reliability.laws import check
from core import models
from core.config import RunConfig, TrainingConfig, run_config
from core.data.class_set import Digits, learned_from, with_class_set
from core.data.config import DataConfig
from core.data.dataset import Dataset, Images
from core.data.split import part_sizes, split
from core.engine import learner as learner_module
from core.engine import speed
from core.engine.batches import batch_borders
from core.engine.evaluate import TTA_SHIFTS, Predictor, evaluate, score
from core.engine.events import (
    TERMINAL,
    Checkpoint,
    Diverged,
    EpochEnd,
    Event,
    Failed,
    Finished,
    Progress,
    Started,
    Stopped,
    ValidationHits,
    unpack,
)
from core.engine.optimizers import build_optimizer
from core.engine.seeds import WithOwnRng, generator
from core.engine.train import train
from core.errors import ConfigError
from core.fields import Setting, settings
from core.machine.precision import can_use_bf16
from core.models.pixels import pixels


def small(architecture: str, **values: Any) -> RunConfig:
    return run_config(architecture, {"epochs": 3, "batch_size": 32, **models.get(architecture).tiny, **values})


def run(config: RunConfig, dataset: Dataset, **how: Any) -> list[Event]:
    return list(WithOwnRng(train(config, dataset, **how)))


def last_checkpoint(events: list[Event]) -> Checkpoint:
    return [event for event in events if isinstance(event, Checkpoint)][-1]


def same(first: Checkpoint, other: Checkpoint) -> bool:
    return all(
        np.array_equal(getattr(first, part)[name], array)
        for part in ("weights", "best_weights", "optimizer")
        for name, array in getattr(other, part).items()
    )


def test_a_run_tells_its_story_in_order(tiny: Dataset) -> None:
    events = run(small("mlp"), tiny)
    kinds = [event.kind for event in events if not isinstance(event, Progress)]
    assert kinds == ["started", "epoch", *["epoch", "judged"] * 3, "checkpoint", "finished"]
    started = events[0]
    assert isinstance(started, Started)
    assert (started.n_train, started.n_val, started.steps_per_epoch) == (250, 50, 8)
    epochs = [event for event in events if isinstance(event, EpochEnd)]
    assert [event.epoch for event in epochs] == [0, 1, 2, 3]
    assert [event.step for event in epochs] == [0, 8, 16, 24]
    seconds = [event.seconds for event in epochs]
    assert seconds == sorted(seconds)


def test_the_images_read_correctly_are_told_one_by_one(tiny: Dataset) -> None:
    events = run(small("mlp"), tiny)
    for at, event in enumerate(events):
        if isinstance(event, ValidationHits):
            before = events[at - 1]
            assert isinstance(before, EpochEnd)
            assert event.epoch == before.epoch
            assert unpack(event.right, event.n).sum() / event.n == before.val_acc
    held_back_none = run(run_config("softmax", {"epochs": 1, "val_fraction": 0.0}), tiny)
    assert not [event for event in held_back_none if isinstance(event, ValidationHits)]


@pytest.mark.parametrize(("most", "epochs"), [(1, 1 / 8), (8, 1), (11, 1 + 3 * 32 / 250), (24, 3), (99, 3)])
def test_a_number_of_steps_ends_a_run_where_it_says(tiny: Dataset, most: int, epochs: float) -> None:
    events = run(small("mlp", batch_size=32, max_steps=most, schedule="cosine"), tiny)
    last = events[-1]
    assert isinstance(last, Finished)
    assert (last.step, last.epoch) == (min(most, 24), pytest.approx(epochs, abs=0.01))
    assert last.reason == ("completed" if most >= 24 else f"it was to end after {most:,} steps")
    ends = [event for event in events if isinstance(event, EpochEnd)]
    assert (ends[-1].step, ends[-1].epoch) == (last.step, last.epoch)
    assert ends[-1].lr == pytest.approx(0)  # the schedule spreads over the steps that are really made
    assert isinstance(events[-2], Checkpoint)


def test_a_run_with_a_number_of_steps_goes_on_as_if_nothing_had_been(tiny: Dataset) -> None:
    config = small("mlp", batch_size=32, max_steps=20, schedule="cosine")
    whole = run(config, tiny)
    first = next(event for event in train(config, tiny, checkpoint_every=0) if isinstance(event, Checkpoint))
    rest = list(train(config, tiny, resume=first))
    assert isinstance(whole[-2], Checkpoint)
    assert isinstance(rest[-2], Checkpoint)
    assert same(whole[-2], rest[-2])
    assert rest[-1].step == 20  # type: ignore[attr-defined]


def test_the_untrained_network_guesses(digits: Dataset) -> None:
    _, first, event, *_ = run(run_config("mlp", {"epochs": 1}), digits)
    assert isinstance(first, Progress)
    assert isinstance(event, EpochEnd)
    assert (first.epoch, first.step, first.train_loss) == (0, 0, event.train_loss)
    assert event.val_loss == pytest.approx(math.log(10), abs=0.15)
    assert event.val_acc is not None
    assert event.val_acc < 0.35


def test_it_learns_real_digits(digits: Dataset) -> None:
    config = run_config("mlp", {"epochs": 15, "lr": 0.002})
    events = run(config, digits)
    evaluation = evaluate(config, last_checkpoint(events).best_weights, digits, "test")
    assert evaluation is not None
    assert evaluation.score.n == 382
    assert evaluation.score.accuracy > 0.85


def test_without_validation_images_the_last_weights_are_kept(tiny: Dataset) -> None:
    events = run(small("mlp", val_fraction=0.0), tiny)
    epoch = [event for event in events if isinstance(event, EpochEnd)][-1]
    assert epoch.val_loss is None
    kept = last_checkpoint(events)
    assert kept.best_epoch == 3
    assert all(np.array_equal(kept.weights[name], array) for name, array in kept.best_weights.items())


@pytest.mark.parametrize("architecture", models.TABLE)
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(architecture: str, tiny: Dataset) -> None:
    first, again = run(small(architecture), tiny), run(small(architecture), tiny)
    other = run(small(architecture, seed=1), tiny)
    assert same(last_checkpoint(first), last_checkpoint(again))
    assert not same(last_checkpoint(first), last_checkpoint(other))


@pytest.mark.parametrize("architecture", models.TABLE)
def test_runs_advanced_in_turn_end_as_each_does_alone(
    architecture: str, tiny: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.engine.train.PROGRESS_SECONDS", 0.0)  # hand over after every batch
    configs = [small(architecture), small("mlp", seed=5), small(architecture, seed=7)]
    alone = [last_checkpoint(run(config, tiny)) for config in configs]
    streams: list[Iterator[Event]] = [WithOwnRng(train(config, tiny)) for config in configs]
    together: dict[int, list[Event]] = {number: [] for number in range(len(streams))}
    waiting = dict(enumerate(streams))
    while waiting:
        for number, stream in list(waiting.items()):
            event = next(stream)
            together[number].append(event)
            if isinstance(event, TERMINAL):
                del waiting[number]
    for number, expected in enumerate(alone):
        assert same(last_checkpoint(together[number]), expected)


@pytest.mark.parametrize("architecture", models.TABLE)
@pytest.mark.parametrize("schedule", ["one-cycle", "cosine"])
def test_a_resumed_run_ends_with_the_same_bits(architecture: str, schedule: str, tiny: Dataset) -> None:
    config = small(architecture, schedule=schedule, optimizer="nesterov", lr=0.05, shift=1.0, patience=3, epochs=4)
    whole = run(config, tiny, checkpoint_every=0)
    for cut in [event for event in whole if isinstance(event, Checkpoint)][:-1]:
        torch.manual_seed(12345)  # whatever the process did before must not matter
        resumed = run(config, tiny, resume=cut, checkpoint_every=0)
        assert same(last_checkpoint(whole), last_checkpoint(resumed))
        assert [e.val_loss for e in resumed if isinstance(e, EpochEnd)] == [
            e.val_loss for e in whole if isinstance(e, EpochEnd) and e.epoch > cut.epoch
        ]


@pytest.mark.parametrize("budget", [{}, {"max_steps": 13}, {"patience": 1, "lr": 1e-5, "epochs": 20, "min_delta": 0.5}])
def test_a_run_that_died_while_it_was_evaluated_has_nothing_more_to_learn(
    budget: dict[str, Any], tiny: Dataset
) -> None:
    config = small("mlp", **budget)
    whole = run(config, tiny, checkpoint_every=0)
    left = [event.next for event in whole if isinstance(event, Checkpoint)]
    assert left == ["train"] * (len(left) - 1) + ["finish"]
    started, ended = run(config, tiny, resume=last_checkpoint(whole))
    assert isinstance(started, Started)
    assert isinstance(ended, Finished)
    assert replace(ended, seconds=0) == replace(whole[-1], seconds=0)  # type: ignore[type-var]


def test_the_loop_computes_what_ten_plain_lines_compute(tiny: Dataset) -> None:
    """The reference: what a textbook would write, on the same batches."""
    config = small("mlp", epochs=2, dropout=0.0, shuffle=False, optimizer="sgd", lr=0.1)
    parts = split(tiny, config.data)
    torch.manual_seed(learner_module.derive(0, "weights"))
    module = models.get("mlp").build(config.model)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    images = pixels(torch.from_numpy(tiny.train_images[parts.train]), parts.mean, parts.std)
    labels = torch.from_numpy(tiny.train_labels[parts.train])
    for _ in range(2):
        for start in range(0, 250, 32):
            optimizer.zero_grad()
            F.cross_entropy(module(images[start : start + 32]), labels[start : start + 32]).backward()
            optimizer.step()
    final_weights = last_checkpoint(run(config, tiny)).weights
    for name, tensor in module.state_dict().items():
        np.testing.assert_allclose(final_weights[name], tensor.numpy(), rtol=1e-5, atol=1e-6)


def sample_figures(events: list[Event]) -> list[tuple[float | None, float | None]]:
    return [(event.sample_loss, event.sample_acc) for event in events if isinstance(event, EpochEnd)]


@pytest.mark.parametrize("architecture", ["mlp", "compact"])
def test_after_each_epoch_a_fixed_sample_of_training_images_is_read_like_validation_images(
    architecture: str, tiny: Dataset
) -> None:
    config = small(architecture, shift=2.0, dropout=0.5, seed=3)
    events = run(config, tiny)
    parts = split(tiny, config.data)
    picked = torch.randperm(250, generator=generator(3, "sample"))[:100].numpy()
    images, labels = tiny.train_images[parts.train[picked]], tiny.train_labels[parts.train[picked]]
    predictor = Predictor(config, last_checkpoint(events).weights, parts.mean, parts.std)
    expected = score(torch.from_numpy(predictor.logits(images)), torch.from_numpy(labels).long())
    assert sample_figures(events)[-1] == (pytest.approx(expected.loss, rel=1e-5), expected.accuracy)
    assert len(sample_figures(events)) == 4


@pytest.mark.parametrize("architecture", ["mlp", "compact", "lstm", "keras-dense"])
def test_reading_the_sample_changes_no_weight_and_a_resumed_run_reads_the_same(
    architecture: str, tiny: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small(architecture, shift=1.0, epochs=2)
    whole = run(config, tiny, checkpoint_every=0)
    cut = next(event for event in whole if isinstance(event, Checkpoint))
    assert sample_figures(run(config, tiny, resume=cut)) == sample_figures(whole)[2:]
    monkeypatch.setattr("core.engine.batches.MIN_SAMPLE_IMAGES", 1)
    other = run(config, tiny, checkpoint_every=0)
    assert sample_figures(other) != sample_figures(whole)
    assert same(last_checkpoint(whole), last_checkpoint(other))


def test_dropout_does_not_turn_the_gap_round(digits: Dataset) -> None:
    """Measured while learning, a network with dropout seems to do better on images that it has never seen."""
    events = run(run_config("mlp", {"dropout": 0.5, "epochs": 15, "lr": 0.002, "batch_size": 32}), digits)
    last = [event for event in events if isinstance(event, EpochEnd)][-1]
    assert last.val_acc is not None
    assert last.sample_acc is not None
    assert last.train_acc < last.val_acc < last.sample_acc


def test_stop_takes_effect_before_the_next_batch_and_keeps_what_was_learned(tiny: Dataset) -> None:
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 5

    events = run(small("mlp", epochs=100), tiny, should_stop=should_stop)
    stopped = events[-1]
    assert isinstance(stopped, Stopped)
    assert stopped.step == 5
    assert stopped.epoch == pytest.approx(5 * 32 / 250)
    assert [event.kind for event in events[-4:]] == ["checkpoint", "epoch", "checkpoint", "stopped"]
    early, kept = (event for event in events if isinstance(event, Checkpoint))
    assert (early.epoch, early.best_epoch) == (stopped.epoch, 0)  # kept first, judged afterwards
    assert kept.best_epoch in (0, stopped.epoch)


def test_a_run_that_died_between_its_stop_and_its_validation_is_only_validated(tiny: Dataset) -> None:
    asked = iter(range(100))
    config = small("mlp", epochs=100, lr=0.01)
    events = run(config, tiny, should_stop=lambda: next(asked) > 5)
    early, validated = (event for event in events if isinstance(event, Checkpoint))
    assert (early.next, validated.next) == ("validate", "stop")
    again = run(config, tiny, resume=early)
    assert [event.kind for event in again] == ["started", "checkpoint", "stopped"]
    assert again[0].epoch == again[-1].epoch == early.epoch
    resumed = last_checkpoint(again)
    assert (
        (resumed.best_epoch, resumed.best_value)
        == (validated.best_epoch, validated.best_value)
        == (early.epoch, validated.best_value)
    )
    for name, weight in validated.best_weights.items():
        assert np.array_equal(resumed.best_weights[name], weight)
    assert [event.kind for event in run(config, tiny, resume=validated)] == ["started", "stopped"]


@pytest.mark.parametrize("architecture", ["mlp", "cnn", "lstm"])
def test_the_answers_that_come_with_the_best_weights_are_theirs(architecture: str, tiny: Dataset) -> None:
    config = small(architecture, epochs=2)
    kept = last_checkpoint(run(config, tiny))
    evaluation = evaluate(config, kept.best_weights, tiny, "val")
    assert evaluation is not None
    assert kept.best_logits is not None
    assert np.array_equal(evaluation.logits, kept.best_logits)
    moved = last_checkpoint(run(small(architecture, epochs=1, tta_views=5), tiny))
    assert moved.best_logits is None  # these answers are not the ones that count


def test_a_run_with_automatic_precision_learns_with_the_faster_numbers_and_stays_with_them(
    tiny: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "_quicker", lambda *question: "bf16")
    config, other = small("cnn", epochs=4, precision="auto"), small("cnn", epochs=4, precision="bf16")
    whole, fixed = run(config, tiny, checkpoint_every=0.0), run(other, tiny)
    assert [event.precision for event in whole if isinstance(event, (Started, Checkpoint))] == ["bf16"] * 5
    end, kept = last_checkpoint(whole).weights, last_checkpoint(fixed).weights
    assert all(np.array_equal(end[name], kept[name]) for name in kept)

    halfway = next(event for event in whole if isinstance(event, Checkpoint) and event.epoch == 2)
    monkeypatch.setattr(speed, "_quicker", lambda *question: "fp32")  # a busier moment
    resumed = last_checkpoint(run(config, tiny, resume=halfway)).weights
    assert all(np.array_equal(resumed[name], end[name]) for name in end)


def test_the_trial_of_both_precisions_is_no_part_of_the_training(
    tiny: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow_trial(*question: object) -> str:
        time.sleep(1.0)
        return "fp32"

    monkeypatch.setattr(speed, "_quicker", slow_trial)
    began = time.perf_counter()
    events = run(small("softmax", precision="auto"), tiny)
    assert time.perf_counter() - began > 1.0
    assert events[-1].kind == "finished"
    assert max(event.seconds for event in events if hasattr(event, "seconds")) < 1.0


def test_a_fault_in_the_trial_is_the_run_s(tiny: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_trial(*question: object) -> str:
        raise RuntimeError("no kernel")

    monkeypatch.setattr(speed, "_quicker", broken_trial)
    (event,) = run(small("softmax", precision="auto"), tiny)
    assert isinstance(event, Failed)
    assert event.message == "RuntimeError: no kernel"


def test_a_checkpoint_that_does_not_know_its_precision_goes_on_as_its_config_says(tiny: Dataset) -> None:
    config = small("cnn", epochs=2, precision="bf16")
    whole = run(config, tiny, checkpoint_every=0.0)
    old = replace(next(event for event in whole if isinstance(event, Checkpoint)), precision=None)
    end, resumed = last_checkpoint(whole).weights, last_checkpoint(run(config, tiny, resume=old)).weights
    assert all(np.array_equal(resumed[name], end[name]) for name in end)


def test_a_stop_before_the_first_batch_keeps_the_untrained_network(tiny: Dataset) -> None:
    events = run(small("mlp"), tiny, should_stop=lambda: True)
    assert [event.kind for event in events] == ["started", "progress", "epoch", "checkpoint", "stopped"]
    assert [event.kind for event in run(small("mlp"), tiny, resume=last_checkpoint(events))] == ["started", "stopped"]


@pytest.mark.parametrize("architecture", models.TABLE)
def test_a_run_that_diverges_says_when_and_keeps_its_last_good_weights(architecture: str, tiny: Dataset) -> None:
    # Each step multiplies every weight by 1 - lr * weight_decay = -9.
    events = run(small(architecture, lr=10.0, optimizer="sgd", weight_decay=1.0, epochs=20), tiny)
    diverged = events[-1]
    assert isinstance(diverged, Diverged)
    assert diverged.step >= 1
    kept = last_checkpoint(events)
    assert kept.next == "diverge"
    assert all(np.isfinite(array).all() for array in kept.best_weights.values())


def test_the_step_of_divergence_is_the_first_bad_one(tiny: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    learn = learner_module.Learner.learn

    def poisoned(self: learner_module.Learner, *args: Any) -> torch.Tensor:
        logits = learn(self, *args)
        return logits * float("nan") if self.step >= 3 else logits

    monkeypatch.setattr(learner_module.Learner, "learn", poisoned)
    diverged = run(small("mlp"), tiny)[-1]
    assert isinstance(diverged, Diverged)
    assert diverged.step == 3


def test_a_fault_becomes_a_last_event(tiny: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("the oven is off")

    monkeypatch.setattr(learner_module.Learner, "learn", broken)
    failed = run(small("mlp"), tiny)[-1]
    assert isinstance(failed, Failed)
    assert "the oven is off" in failed.message
    assert "broken" in failed.detail

    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(learner_module.Learner, "learn", full)
    failed = run(small("mlp"), tiny)[-1]
    assert isinstance(failed, Failed)
    assert "smaller batch" in failed.message


def test_early_stopping_ends_the_run_and_keeps_the_best_epoch(tiny: Dataset) -> None:
    events = run(small("mlp", epochs=200, patience=2, min_delta=0.2, lr=0.003), tiny)
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.epoch < 200
    assert finished.reason.startswith("stopped early")
    assert finished.epoch - finished.best_epoch == 2


@pytest.mark.parametrize("monitor", ["val_loss", "val_acc"])
def test_the_best_epoch_is_the_one_with_the_best_monitored_figure(monitor: str, tiny: Dataset) -> None:
    events = run(small("mlp", epochs=12, lr=0.05, monitor=monitor), tiny)
    epochs = [event for event in events if isinstance(event, EpochEnd)]
    sign = 1 if monitor == "val_loss" else -1
    best = min(epochs, key=lambda event: (sign * getattr(event, monitor), event.epoch))
    kept = last_checkpoint(events)
    assert kept.best_epoch == best.epoch
    evaluation = evaluate(small("mlp", epochs=12, lr=0.05, monitor=monitor), kept.best_weights, tiny, "val")
    assert evaluation is not None
    assert evaluation.score.loss == pytest.approx(best.val_loss, abs=1e-5)


def test_the_last_epoch_counts_when_no_figure_is_to_decide(tiny: Dataset) -> None:
    events = run(small("mlp", epochs=12, lr=0.05, monitor="last", min_delta=0.9), tiny)
    losses = [event.val_loss for event in events if isinstance(event, EpochEnd)]
    assert losses[-1] > min(losses)  # by loss, an earlier one would have been kept
    kept = last_checkpoint(events)
    assert kept.best_epoch == 12
    assert all(np.array_equal(kept.weights[name], array) for name, array in kept.best_weights.items())


def test_waiting_for_a_better_epoch_needs_a_figure() -> None:
    with pytest.raises(ConfigError, match="patience needs a figure to wait for, but monitor is last"):
        small("mlp", patience=2, monitor="last")


def test_progress_comes_at_most_four_times_a_second(digits: Dataset) -> None:
    events = run(run_config("cnn", {"epochs": 2}), digits)
    times = [event.seconds for event in events if isinstance(event, Progress)]
    assert all(later - earlier >= 0.25 for earlier, later in pairwise(times))


# What a shared setting is changed to: from its default, or from what WITH says.
OTHER: dict[str, Any] = {
    "epochs": 2, "max_steps": 3, "n_train": 100, "patience": 1, "min_delta": 0.5, "batch_size": 16, "clip_norm": 0.01,
    "seed": 1, "split_seed": 3, "lr": 0.01, "momentum": 0.5, "widths": (9,), "channels": (3,), "shear": 10.0, "elastic": 2.0,
    "thickness": 0.5, "habits": 0.5, "drawn_ones": 0.5, "hidden": 7, "layers": 3, "kernel": 5, "weight_decay": 0.1, "l1": 0.01,
    "val_fraction": 0.3, "zoom": 0.2, "schedule": "cosine", "optimizer": "sgd", "activation": "tanh", "precision": "bf16",
    "monitor": "val_acc", "label_smoothing": 0.2, "shift": 2.0, "rotation": 20.0, "dropout": 0.5, "normalisation": "unit",
    "direction": "columns", "patch": 14, "depth": 2, "heads": 1, "width": 8, "token_width": 5, "pooling": "average",
    "hidden_channels": 3, "convs": 2, "head": "flatten", "blocks": 2, "stem_stride": 1,
    "class_set": 0.3, "pixel_order": "shuffled", "label_noise": 0.5, "inverted": 0.5, "init": "he", "reads": "pixels-7",
    "classes": (3, 5, 8), "set_aside": 0.2, "padding": "valid",
}  # fmt: skip
# Which settings leave the weights as they are, and why.
EXCEPT = {
    "dataset": "here is one dataset",
    "start_from": "it needs weights: test_a_run_goes_on_with_the_weights_it_is_handed",
    "device": "here is one device",
    "tta_views": "the weights stay, the answers change: test_a_network_with_test_time_augmentation_averages_...",
    "snapshots": "the weights stay, more of them are kept: tests/engine/test_snapshots.py",
}
# Settings that decide which weights are kept or when to stop need a run in which that matters: a loss can improve by 0.9
# nats, an accuracy that starts at a guess hardly by 0.9.
WITH: dict[str, dict[str, Any]] = {
    "min_delta": {"patience": 1, "epochs": 8},
    "patience": {"epochs": 40, "lr": 0.05},
    "monitor": {"epochs": 40, "lr": 0.01, "batch_size": 16, "dropout": 0.0, "min_delta": 0.9},
}


def other_value(setting: Setting, value: Any) -> Any:
    """A value that differs from this one and should change the outcome."""
    other = not value if setting.kind == "bool" else OTHER[setting.name]
    assert other != value, f"{setting.name} is {value!r} already"
    return other


def acting_settings() -> list[tuple[str, Setting]]:
    """What all networks share is tried on one of them, what a network has of its own on it."""
    shared = [("mlp", setting) for section in (DataConfig, TrainingConfig) for setting in settings(section)]
    own = [(name, setting) for name in models.TABLE for setting in settings(models.get(name).config)]
    return [(name, setting) for name, setting in shared + own if setting.name not in EXCEPT]


@pytest.mark.parametrize(("architecture", "setting"), acting_settings(), ids=lambda part: getattr(part, "name", part))
def test_every_setting_changes_the_outcome(architecture: str, setting: Setting, tiny: Dataset) -> None:
    name = setting.name
    if name == "precision" and not can_use_bf16(architecture, small(architecture).model, "cpu"):
        pytest.skip("this processor has no 16-bit arithmetic for this network")
    base = {"epochs": 1, "batch_size": 32, "seed": 0, **models.get(architecture).tiny, **WITH.get(name, {})}
    value = base.get(name, setting.default)
    if name == "split_seed":  # data in writer order is split by place, not by chance
        tiny = replace(tiny, splitting="stratified")
    if name == "class_set":
        tiny = with_class_set(tiny, Digits(tiny.test_images, tiny.test_labels))
    first = run(run_config(architecture, base), tiny)
    second = run(run_config(architecture, {**base, name: other_value(setting, value)}), tiny)
    assert not isinstance(first[-1], Failed)
    assert not isinstance(second[-1], Failed), second[-1]
    one_end, other_end = last_checkpoint(first), last_checkpoint(second)
    assert one_end.weights.keys() != other_end.weights.keys() or any(
        not np.array_equal(array, getattr(other_end, kept)[key])
        for kept in ("weights", "best_weights")
        for key, array in getattr(one_end, kept).items()
    )


def test_a_batch_of_all_images_is_one_step_an_epoch(tiny: Dataset) -> None:
    ends = [
        [event for event in run(small("mlp", epochs=2, batch_size=size), tiny) if isinstance(event, EpochEnd)][-1]
        for size in (250, 60_000)
    ]
    assert [end.step for end in ends] == [2, 2]
    assert ends[0].val_loss == ends[1].val_loss


def test_digits_that_are_mixed_in_are_learned_from_and_change_nothing_else(tiny: Dataset) -> None:
    own = Digits(tiny.test_images[:40], tiny.test_labels[:40])
    mixed = with_class_set(tiny, own)
    np.testing.assert_array_equal(mixed.class_set_images, own.images[learned_from(own.images)])
    config = small("mlp", epochs=1, class_set=0.2)
    alone, together = run(small("mlp", epochs=1), mixed), run(config, mixed)
    starts = [events[0] for events in (alone, together)]
    assert [start.n_train for start in starts] == [250, round(250 / 0.8)]  # type: ignore[attr-defined]
    without_forms = small("mlp", dataset="mnist", class_set=0.2).data
    assert part_sizes(len(tiny.train_labels), without_forms) == (round(250 / 0.8), 50)
    for start in starts:
        assert (start.n_val, start.split_hash, start.mean) == (50, starts[0].split_hash, starts[0].mean)  # type: ignore[attr-defined]
    assert same(last_checkpoint(alone), last_checkpoint(run(small("mlp", epochs=1), tiny))), "they only lie there"
    without = run(config, tiny)
    assert isinstance(without[-1], Failed)
    assert "no kept digits" in without[-1].message


def test_a_run_goes_on_with_the_weights_it_is_handed(tiny: Dataset) -> None:
    before = run(small("mlp", monitor="last"), tiny)
    config = small("mlp", start_from="0123abcd", lr=0.01)
    weights = last_checkpoint(before).best_weights
    after = list(train(config, tiny, start=weights, checkpoint_every=0))
    (untrained, *_), (*_, trained) = (
        [event for event in events if isinstance(event, EpochEnd)] for events in (after, before)
    )
    assert (untrained.epoch, untrained.val_loss) == (0, trained.val_loss)
    first = next(event for event in after if isinstance(event, Checkpoint))
    assert same(last_checkpoint(list(train(config, tiny, resume=first))), last_checkpoint(after)), (
        "resumed without them"
    )
    without = run(config, tiny)
    assert isinstance(without[-1], Failed)
    assert "start_from asks for the weights of another run" in without[-1].message


def test_a_setting_that_nobody_tried_is_no_setting_that_passes() -> None:
    with pytest.raises(KeyError, match="new_setting"):
        other_value(replace(settings(TrainingConfig)[0], name="new_setting"), 0)


OPTIMIZERS = ("sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop", "muon")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["lr", "weight_decay", "momentum"])
def test_what_a_form_shows_beside_an_optimizer_acts_and_what_it_hides_does_not(
    name: str, optimizer: str, tiny: Dataset
) -> None:
    setting = next(setting for setting in settings(TrainingConfig) if setting.name == name)
    base = {"optimizer": optimizer, "epochs": 1, "lr": 0.003}
    first, second = (
        last_checkpoint(run(small("mlp", **base | changed), tiny))
        for changed in ({}, {name: other_value(setting, base.get(name, setting.default))})
    )
    assert same(first, second) != setting.applies(base)


@pytest.mark.parametrize("views", [5, 9])
def test_a_network_with_test_time_augmentation_averages_its_moved_answers(views: int, tiny: Dataset) -> None:
    weights = last_checkpoint(run(small("cnn"), tiny)).best_weights
    parts = split(tiny, small("cnn").data)

    def probabilities(images: Images, **values: Any) -> NDArray[np.float32]:
        return Predictor(small("cnn", **values), weights, parts.mean, parts.std).probabilities(images)

    padded = np.pad(tiny.test_images, ((0, 0), (1, 1), (1, 1)))
    moved = [padded[:, 1 - y : 29 - y, 1 - x : 29 - x] for y, x in TTA_SHIFTS[:views]]
    np.testing.assert_array_equal(moved[0], tiny.test_images)
    expected = np.mean([probabilities(images) for images in moved], axis=0)
    np.testing.assert_allclose(probabilities(tiny.test_images, tta_views=views), expected, atol=1e-5)


@pytest.mark.parametrize("views", [1, 5, 9])
def test_answers_are_the_largest_logits_and_cost_fewer_looks(views: int, tiny: Dataset) -> None:
    weights = last_checkpoint(run(small("mlp", epochs=6), tiny)).best_weights
    predictor = Predictor(small("mlp", tta_views=views), weights, 0.13, 0.31)
    looked: list[int] = []
    predictor.module.register_forward_pre_hook(lambda _, inputs: looked.append(len(inputs[0])))
    noise = np.random.default_rng(0).integers(0, 256, (300, 28, 28), dtype=np.uint8)
    for images in (tiny.test_images, noise):
        looked.clear()
        expected = predictor.logits(images).argmax(1)
        n_all = sum(looked)
        looked.clear()
        np.testing.assert_array_equal(predictor.answers(images), expected)
        assert (views // 2 + 1) * len(images) <= sum(looked) <= n_all == views * len(images)
    assert sum(looked) < n_all or views == 1, "who is sure has no need of all of them"


def test_muon_moves_a_matrix_by_the_same_length_in_every_direction(tiny: Dataset) -> None:
    """Orthogonal: all singular values of one step are about equal, so no direction is left behind."""
    torch.manual_seed(0)
    weight, bias = torch.nn.Parameter(torch.zeros(32, 4, 3, 3)), torch.nn.Parameter(torch.zeros(32))
    optimizer = build_optimizer(run_config("cnn", {"optimizer": "muon", "lr": 0.1}).training, [weight, bias])
    weight.grad, bias.grad = torch.randn_like(weight), torch.ones(32)
    optimizer.step()
    lengths = torch.linalg.svdvals(weight.detach().flatten(1)) / (0.1 * 0.2 * math.sqrt(36))
    assert lengths.min() > 0.5
    assert lengths.max() < 1.5
    torch.testing.assert_close(bias.detach(), torch.full((32,), -0.1), rtol=1e-3, atol=0)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_learns_and_resumes_with_the_same_bits(optimizer: str, tiny: Dataset) -> None:
    config = small("cnn", channels=(16, 16), widths=(16,), optimizer=optimizer, lr=0.003, epochs=3)
    whole = run(config, tiny, checkpoint_every=0)
    cut = next(event for event in whole if isinstance(event, Checkpoint))
    assert same(last_checkpoint(whole), last_checkpoint(run(config, tiny, resume=cut, checkpoint_every=0)))
    losses = [event.train_loss for event in whole if isinstance(event, EpochEnd)]
    assert losses[-1] < losses[0]


def test_a_last_batch_of_one_joins_the_one_before() -> None:
    assert batch_borders(97, 32) == [0, 32, 64, 97]
    assert batch_borders(96, 32) == [0, 32, 64, 96]
    assert batch_borders(98, 32) == [0, 32, 64, 96, 98]
    assert batch_borders(1, 32) == [0, 1]
    assert batch_borders(3, 1) == [0, 1, 2, 3]


@pytest.mark.parametrize("sureness", [1, 30, 1000])
def test_losses_are_means_over_images_not_over_batches(sureness: int) -> None:
    logits, labels = sureness * torch.randn(1003, 10), torch.randint(0, 10, (1003,))
    expected = F.cross_entropy(logits.double(), labels).item()
    assert score(logits, labels).loss == pytest.approx(expected, rel=1e-5)
    right = sureness * torch.eye(10)[labels]
    assert score(right, labels).loss == pytest.approx(F.cross_entropy(right.double(), labels).item(), abs=1e-6)
    assert score(right, labels).loss >= 0


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_loss_tells_that_an_answer_is_no_number(broken: float) -> None:
    logits = torch.randn(50, 10)
    logits[20] = broken
    assert math.isnan(score(logits, torch.zeros(50, dtype=torch.long)).loss)


@pytest.mark.parametrize("architecture", models.TABLE)
def test_every_evaluation_obeys_the_laws_and_no_batch_size_changes_it(
    architecture: str, tiny: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small(architecture)
    weights = last_checkpoint(run(config, tiny)).best_weights
    for on in ("val", "test"):
        evaluation = evaluate(config, weights, tiny, on)
        assert evaluation is not None
        check(evaluation.logits, evaluation.labels, loss=evaluation.score.loss, acc=evaluation.score.accuracy)
        for size in (1, 7, 10_000):
            monkeypatch.setattr("core.engine.evaluate.EVALUATION_BATCH", size)
            again = evaluate(config, weights, tiny, on)
            assert again is not None
            assert again.score.loss == pytest.approx(evaluation.score.loss, abs=1e-6)
            assert again.score.accuracy == evaluation.score.accuracy


@pytest.mark.parametrize("architecture", models.TABLE)
def test_a_prediction_does_not_depend_on_its_company(architecture: str, tiny: Dataset) -> None:
    events = run(small(architecture), tiny)
    parts = split(tiny, small(architecture).data)
    predictor = Predictor(small(architecture), last_checkpoint(events).best_weights, parts.mean, parts.std)
    together = predictor.probabilities(tiny.test_images)
    one_by_one = np.concatenate([predictor.probabilities(image[None]) for image in tiny.test_images])
    np.testing.assert_allclose(together, one_by_one, atol=1e-5)
    np.testing.assert_allclose(together.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("architecture", models.TABLE)
def test_a_visitor_who_asks_a_trained_network_does_not_disturb_one_that_trains(
    architecture: str, tiny: Dataset
) -> None:
    config = small(architecture)
    alone = last_checkpoint(run(config, tiny))

    def visit() -> bool:
        Predictor(config, alone.weights, 0.1, 0.3).probabilities(tiny.test_images[:3])
        return False

    assert same(last_checkpoint(run(config, tiny, should_stop=visit)), alone)


def test_weights_of_another_architecture_are_refused(tiny: Dataset) -> None:
    weights = last_checkpoint(run(small("mlp"), tiny)).weights
    with pytest.raises(ValueError, match="do not belong"):
        Predictor(small("cnn"), weights, 0.1, 0.3)
