"""Weights kept on the way: at which steps, how exactly, and that keeping them changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np
import pytest
import torch

from core import models
from core.config import RunConfig, TrainingConfig, run_config
from core.data.dataset import Dataset
from core.engine import learner
from core.engine.events import Arrays, Checkpoint, Event, Finished, Progress, Snapshot, Stopped
from core.engine.seeds import WithOwnRng
from core.engine.snapshots import planned_snapshots, planned_steps
from core.engine.train import train


def small(architecture: str, **values: object) -> RunConfig:
    return run_config(architecture, {"epochs": 2, "batch_size": 32, **models.get(architecture).tiny, **values})


def run(
    config: RunConfig, dataset: Dataset, resume: Checkpoint | None = None, stop: Callable[[], bool] = lambda: False
) -> list[Event]:
    return list(WithOwnRng(train(config, dataset, resume=resume, should_stop=stop, checkpoint_every=0.0)))


def snapshots(events: list[Event]) -> dict[int, Snapshot]:
    kept = [event for event in events if isinstance(event, Snapshot)]
    by_step = {event.step: event for event in kept}
    assert list(by_step) == sorted(by_step)
    assert len(by_step) == len(kept), "one was kept twice"
    return by_step


def checkpoints(events: list[Event]) -> list[Checkpoint]:
    return [event for event in events if isinstance(event, Checkpoint)]


def equal(first: Arrays, other: Arrays) -> bool:
    return first.keys() == other.keys() and all(np.array_equal(array, other[name]) for name, array in first.items())


@pytest.mark.parametrize(
    ("values", "steps_per_epoch", "steps"),
    [
        ({"snapshots": "none"}, 8, ()),
        ({"snapshots": "epochs", "epochs": 3}, 8, (0, 8, 16, 24)),
        ({"snapshots": "early", "epochs": 2}, 20, (0, 1, 2, 4, 8, 16, 20, 40)),
        ({"snapshots": "early", "epochs": 1}, 1, (0, 1)),
        ({"snapshots": "early", "epochs": 3, "max_steps": 11}, 8, (0, 1, 2, 4, 8, 11)),
        ({"snapshots": "early", "epochs": 3, "max_steps": 5}, 8, (0, 1, 2, 4, 5)),
        ({"snapshots": "epochs", "epochs": 40}, 1, (0, *range(2, 41, 2))),
        ({"snapshots": "few", "epochs": 20}, 37, (0, 4, 16, *(37 * epoch for epoch in (1, 2, 4, 8, 16, 20)))),
        ({"snapshots": "few", "epochs": 3, "max_steps": 9}, 8, (0, 4, 8, 9)),
        ({"snapshots": "epochs", "epochs": 41}, 1, (0, *range(2, 41, 2), 41)),
    ],
)
def test_after_which_steps(values: dict[str, object], steps_per_epoch: int, steps: tuple[int, ...]) -> None:
    assert planned_steps(TrainingConfig.model_validate(values), steps_per_epoch) == steps


def test_a_long_run_keeps_sixty_at_most_and_its_cost_is_known_before() -> None:
    for epochs in (38, 39, 40, 77, 78, 79, 1000):
        plan = TrainingConfig(epochs=epochs, snapshots="early")
        steps = planned_steps(plan, 2**20)
        assert len(steps) <= 60
        assert steps[-1] == epochs * 2**20
    config = run_config("softmax", {"dataset": "digits", "epochs": 3, "batch_size": 50, "snapshots": "epochs"})
    assert planned_snapshots(config, 300, n_params=7_850) == (4, 4 * 7_850 * 2)


@pytest.mark.parametrize("architecture", ["softmax", "cnn", "resnet", "vit"])
def test_keeping_them_changes_no_bit(architecture: str, tiny: Dataset) -> None:
    plain = run(small(architecture), tiny)
    kept = run(small(architecture, snapshots="early"), tiny)
    first, other = checkpoints(plain)[-1], checkpoints(kept)[-1]
    assert equal(first.weights, other.weights)
    assert equal(first.optimizer, other.optimizer)
    assert first.best_epoch == other.best_epoch
    assert not snapshots(plain)
    without = [event.kind for event in kept if not isinstance(event, (Snapshot, Progress))]
    assert without == [event.kind for event in plain if not isinstance(event, Progress)]


def test_they_are_the_weights_of_their_step_in_16_bits(tiny: Dataset) -> None:
    events = run(small("resnet", snapshots="early"), tiny)
    kept = snapshots(events)
    assert list(kept) == [0, 1, 2, 4, 8, 16]
    assert [round(snapshot.epoch, 3) for snapshot in kept.values()] == [0, 0.128, 0.256, 0.512, 1, 2]
    for checkpoint in checkpoints(events):
        snapshot = kept[checkpoint.step]
        assert snapshot.epoch == checkpoint.epoch
        for name, array in checkpoint.weights.items():
            assert snapshot.weights[name].dtype == (np.float16 if array.dtype == np.float32 else array.dtype)
            np.testing.assert_allclose(snapshot.weights[name], array, rtol=2**-11, atol=2**-25)
    assert not equal(kept[0].weights, kept[1].weights)
    assert {array.dtype for array in kept[0].weights.values()} == {np.dtype(np.float16), np.dtype(np.int64)}
    short = snapshots(run(small("resnet", snapshots="early", max_steps=2), tiny))
    assert equal(short[2].weights, kept[2].weights), "the middle of an epoch is the end of a shorter run"


def test_what_16_bits_can_not_hold_stays_as_it_is() -> None:
    for value in (7e4, -7e4, float("inf"), float("nan")):
        assert learner._halved(torch.tensor([1.0, value])).dtype == torch.float32
    assert learner._halved(torch.tensor([65_504.0, 1e-9])).dtype == torch.float16
    assert learner._halved(torch.tensor(70_000)).dtype == torch.int64


def test_a_resumed_run_keeps_what_one_that_was_never_cut_keeps(tiny: Dataset) -> None:
    config = small("mlp", snapshots="early", epochs=3)
    whole = run(config, tiny)
    cut = next(checkpoint for checkpoint in checkpoints(whole) if checkpoint.epoch == 1)
    resumed = snapshots(run(config, tiny, resume=cut))
    kept = snapshots(whole)
    assert list(resumed) == [16, 24]
    assert all(equal(snapshot.weights, kept[step].weights) for step, snapshot in resumed.items())


def test_where_a_run_ends_before_its_plan_its_end_is_kept(tiny: Dataset) -> None:
    calls = count()
    stopped = run(small("mlp", snapshots="epochs"), tiny, stop=lambda: next(calls) >= 11)
    assert isinstance(stopped[-1], Stopped)
    assert list(snapshots(stopped)) == [0, 8, 11]
    validate = next(checkpoint for checkpoint in checkpoints(stopped) if checkpoint.next == "validate")
    assert list(snapshots(run(small("mlp", snapshots="epochs"), tiny, resume=validate))) == [11]
    patient = run(small("mlp", snapshots="epochs", epochs=90, patience=1, lr=0.05), tiny)
    last = patient[-1]
    assert isinstance(last, Finished)
    assert "stopped early" in last.reason
    assert last.step in snapshots(patient)
