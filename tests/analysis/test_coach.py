"""Each rule of the coach: one history that triggers it, and its nearest innocent neighbour."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.analysis.coach import diagnose, diagnose_layers
from core.engine.events import Diverged, EpochEnd, Progress, Started, to_json


def history(
    train: list[float], val: list[float | None], acc: float = 0.9, lr: float = 0.1, sample: list[float] | None = None
) -> list[dict[str, Any]]:
    """Epochs 0..n as the engine writes them; ``train[0]`` and ``sample[0]`` are epoch 1, ``val[0]`` epoch 0."""
    start = Started(7850, "cpu", 1, 1000, 200, 10, len(train), 0, "", 0.13, 0.31)
    first = EpochEnd(0, 0, None, None, val[0], 0.1, lr, 0.0, 0.0, 0.0, True)
    ends = [
        EpochEnd(
            e, 10 * e, loss, acc, val[e], acc, lr, 100.0, float(e), 1.0, False,
            *((sample[e - 1], acc) if sample else (None, None)),
        )
        for e, loss in enumerate(train, start=1)
    ]  # fmt: skip
    return [to_json(event) for event in (start, first, *ends)]


def test_a_healthy_run_and_a_run_that_has_just_begun_need_no_advice() -> None:
    assert diagnose([]) is None
    assert diagnose(history([], [2.3])) is None
    assert diagnose(history([0.5, 0.3, 0.2], [2.3, 0.4, 0.3, 0.25])) is None
    assert diagnose(history([0.5, 0.3, 0.2], [None] * 4)) is None


def test_a_diverged_run_is_told_where_and_to_try_a_tenth() -> None:
    rows = [*history([0.5], [2.3, 0.4], lr=2.0), to_json(Diverged(2, 1234, 3.0, 1, 2.0, None))]
    words = diagnose(rows)
    assert words is not None
    assert "step 1,234 (epoch 2)" in words
    assert "learning rate of 2:" in words
    assert words.endswith("0.2.")


def test_a_run_that_diverges_while_the_learning_rate_falls_is_measured_by_the_highest_one() -> None:
    rows = [*history([0.5], [2.3, 0.4], lr=2.0), to_json(Diverged(2, 1234, 3.0, 1, 0.02, None))]
    words = str(diagnose(rows))
    assert "learning rate of 2:" in words
    assert words.endswith("Try a tenth of it, 0.2.")


def test_a_warm_up_s_highest_rate_counts_only_up_to_where_it_diverged() -> None:
    rows = [
        *history([], [2.3], lr=0.1),
        to_json(Progress(0.2, 2, 2.0, 0.1, 0.4, 1.0, 100.0, 0.5)),
        to_json(Progress(0.4, 4, float("nan"), 0.1, 0.3, 1.0, 100.0, 1.0)),
        to_json(Progress(0.6, 6, float("nan"), 0.1, 1.0, 1.0, 100.0, 1.5)),
    ]
    assert "learning rate of 0.4:" in str(diagnose(rows))


def test_a_loss_that_is_no_number_is_noticed_before_the_run_says_so() -> None:
    rows = history([0.5], [2.3, 0.4])
    rows.append(to_json(Progress(1.5, 15, float("nan"), 0.1, 0.1, 1.0, 100.0, 1.5)))
    words = diagnose(rows)
    assert words is not None
    assert "step 15 (epoch 2)" in words
    assert "0.01" in words


def test_missing_validation_images_are_not_a_diverged_run() -> None:
    assert diagnose(history([0.5, 0.4], [None, None, None])) is None


def test_a_network_that_only_guesses_is_called_stuck() -> None:
    words = diagnose(history([2.31, 2.302], [2.3, 2.30, 2.30], acc=0.1124))
    assert words is not None
    assert "guesses" in words
    assert "11.24 %" in words


def test_a_run_stopped_within_an_epoch_and_a_tiny_learning_rate_are_told_in_plain_numbers() -> None:
    rows = history([2.31], [2.3, 2.30], acc=0.1124, lr=1e-5)
    rows[-1]["epoch"] = 0.5123333333
    words = str(diagnose(rows))
    assert words.startswith("In epoch 1 the network")
    assert "learning rate of 0.00001 is" in words
    rows = [*history([0.5], [2.3, 0.4], lr=1e-4), to_json(Diverged(2, 1234, 3.0, 1, 1e-4, None))]
    assert str(diagnose(rows)).endswith("0.00001.")


def test_a_schedule_that_ends_at_0_within_the_first_epoch_does_not_hide_the_learning_rate() -> None:
    rows = history([2.31], [2.3, 2.30], acc=0.1124)
    rows.insert(2, to_json(Progress(0.2, 2, 2.3, 0.1, 0.5, 1.0, 100.0, 0.5)))
    rows[-1]["lr"] = 0.0
    assert "learning rate of 0.5 is" in str(diagnose(rows))


@pytest.mark.parametrize(("loss", "acc"), [(1.9, 0.12), (2.25, 0.4)])
def test_a_slow_start_is_not_called_stuck(loss: float, acc: float) -> None:
    assert diagnose(history([loss], [2.3, loss], acc=acc)) is None


def test_training_and_validation_that_both_get_worse_are_no_over_fitting() -> None:
    words = diagnose(history([0.5, 0.3, 0.6], [2.3, 0.4, 0.3, 0.55], lr=0.3))
    assert words is not None
    assert "no over-fitting" in words
    assert "0.1 instead of 0.3" in words


def test_advice_on_the_learning_rate_starts_from_the_one_that_was_set_not_from_a_schedule_s_end() -> None:
    rows = history([0.5, 0.3, 0.6], [2.3, 0.4, 0.3, 0.55], lr=0.3)
    rows[-1]["lr"] = 0.0
    assert "0.1 instead of 0.3" in str(diagnose(rows))


def test_validation_that_gets_worse_for_three_epochs_while_training_improves_is_over_fitting() -> None:
    words = diagnose(history([0.5, 0.3, 0.2, 0.1, 0.05], [2.3, 0.4, 0.30, 0.32, 0.35, 0.40]))
    assert words is not None
    assert words.startswith("Over-fitting since epoch 2")
    assert "0.3000 to 0.4000" in words


def test_the_ups_and_downs_of_a_good_run_are_not_called_instability() -> None:
    assert diagnose(history([0.1, 0.0253, 0.0302], [2.3, 0.05, 0.0164, 0.0250])) is None


def test_images_that_are_varied_while_learning_are_not_called_learned_by_heart() -> None:
    assert diagnose(history([0.5, 0.2454, 0.21, 0.19, 0.171], [2.3, 0.4, 0.1038, 0.11, 0.12, 0.1463])) is None


def test_what_dropout_hides_while_learning_is_seen_in_what_is_read_after_each_epoch() -> None:
    hidden, val = [0.9, 0.7, 0.65, 0.6, 0.6], [2.3, 0.4, 0.30, 0.32, 0.35, 0.40]
    assert diagnose(history(hidden, val)) is None
    words = diagnose(history(hidden, val, sample=[0.35, 0.2, 0.1, 0.05, 0.02]))
    assert words is not None
    assert words.startswith("Over-fitting since epoch 2: the training loss fell from 0.2000 to 0.0200 nats")
    mixed = history(hidden, val, sample=[0.35, 0.2, 0.1, 0.05, 0.02])
    mixed[2]["sample_loss"] = None  # begun by a version that did not read them
    assert diagnose(mixed) is None


def test_two_worse_epochs_or_a_flat_validation_loss_are_not_yet_over_fitting() -> None:
    assert diagnose(history([0.5, 0.3, 0.2, 0.1], [2.3, 0.4, 0.30, 0.32, 0.35])) is None
    assert diagnose(history([0.5, 0.3, 0.2, 0.1, 0.05], [2.3, 0.4, 0.30, 0.302, 0.301, 0.303])) is None


def layer_advice(*norms: float, silences: tuple[tuple[str, int, int], ...] = ()) -> str | None:
    return diagnose_layers([f"layer {n}" for n in range(1, len(norms) + 1)], np.array(norms), silences, 500)


def test_silent_units_are_told_where_there_are_most_and_before_a_gradient_that_they_stop() -> None:
    assert layer_advice(1, 1, silences=(("layer 1", 47, 64), ("layer 2", 0, 10))) is None
    words = str(layer_advice(0, 1, silences=(("layer 1", 48, 64), ("layer 2", 10, 10))))
    assert words.startswith("10 of 10 units behind layer 2 answered 0 to all of 500 images; behind another layer it is")
    assert str(layer_advice(1, silences=(("layer 1", 1200, 1300),))).startswith("1,200 of 1,300 units behind layer 1")


def test_a_gradient_that_vanishes_on_its_way_back_is_told_with_how_much() -> None:
    assert layer_advice(1, 199) is None
    assert layer_advice(199, 1) is None
    assert layer_advice(0.001) is None
    assert layer_advice(0, 0) is None
    assert layer_advice(float("nan"), 1) is None
    assert "gradient of layer 1 is 1,200 times shorter than that of layer 3:" in str(layer_advice(0.001, 50, 1.234))
    assert "No gradient at all reaches layer 1" in str(layer_advice(0, 1))
