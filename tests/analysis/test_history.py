"""The history as a frame: rows in, points out."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.analysis.history import COLUMNS, frame, smoothed
from core.engine.events import EpochEnd, Finished, Progress, Started, to_json


def rows() -> list[dict[str, Any]]:
    events = (
        Started(7850, "cpu", 1, 1000, 200, 10, 1, 0, "", 0.13, 0.31),
        EpochEnd(0, 0, None, None, 2.3, 0.1, 0.01, 0.0, 0.0, 0.0, True),
        Progress(0.5, 5, 1.0, 0.6, 0.01, 1.0, 900.0, 0.4),
        EpochEnd(1, 10, 0.8, 0.7, 0.5, 0.85, 0.01, 950.0, 1.0, 1.0, True),
        Finished(1, 10, 1.0, 1, "completed"),
    )
    return [json.loads(json.dumps(to_json(event))) for event in events]


def test_a_frame_holds_epochs_and_points_inside_them_by_split() -> None:
    table = frame(rows())
    assert list(table.columns) == list(COLUMNS)
    assert table[["epoch", "split", "loss", "whole_epoch"]].to_numpy().tolist() == [
        [0.0, "val", 2.3, True], [0.5, "train", 1.0, False], [1.0, "train", 0.8, True], [1.0, "val", 0.5, True],
    ]  # fmt: skip
    assert table.loc[table["is_best"], ["split", "step"]].to_numpy().tolist() == [["val", 0], ["val", 10]]
    assert table["step"].dtype == np.int64
    assert table["is_best"].dtype == bool


def test_an_empty_history_has_the_same_columns() -> None:
    table = frame([])
    assert table.empty
    assert list(table.columns) == list(COLUMNS)
    assert table["loss"].dtype == np.float64


def test_what_was_measured_after_the_epoch_of_a_resume_is_dropped() -> None:
    resumed = Started(7850, "cpu", 1, 1000, 200, 10, 3, 1, "", 0.13, 0.31)
    lost = Progress(1.7, 17, 0.4, 0.9, 0.01, 1.0, 900.0, 1.6)
    anew = Progress(1.3, 13, 0.6, 0.8, 0.01, 1.0, 900.0, 1.2)
    table = frame([*rows()[:4], to_json(lost), to_json(resumed), to_json(anew)])
    assert table["epoch"].tolist() == [0.0, 0.5, 1.0, 1.0, 1.3]


def test_an_epoch_that_is_told_twice_counts_once() -> None:
    assert len(frame([*rows(), rows()[3]])) == len(frame(rows()))


def test_without_held_out_images_the_best_epoch_is_marked_on_the_training_points() -> None:
    end = EpochEnd(1, 10, 0.8, 0.7, None, None, 0.01, 950.0, 1.0, 1.0, True)
    table = frame([to_json(end)])
    assert table[["split", "is_best"]].to_numpy().tolist() == [["train", True]]


def test_a_training_loss_that_was_no_number_is_a_hole_in_the_line() -> None:
    end = EpochEnd(1, 10, float("nan"), 0.1, 0.5, 0.8, 0.01, 950.0, 1.0, 1.0, False)
    table = frame([to_json(end)])
    assert np.isnan(table.loc[table["split"] == "train", "loss"]).all()
    assert len(table) == 2


def test_images_seen_are_counted_from_the_start_and_gradients_inside_epochs() -> None:
    table = frame([*rows()[:4], {"event": "judged", "epoch": 1.0, "n": 200, "right": ""}, *rows()[4:]])
    assert table["examples"].tolist() == [0, 500, 1000, 1000]
    np.testing.assert_array_equal(table["grad_norm"], [np.nan, 1.0, np.nan, np.nan])
    assert frame(rows()[1:])["examples"].isna().all(), "nobody said how many images an epoch has"
    assert frame(rows()[1:], n_train=1000)["examples"].tolist() == [0, 500, 1000, 1000]


def test_training_images_read_after_an_epoch_are_a_line_of_their_own_where_a_run_has_them() -> None:
    events = rows()
    assert set(frame(events)["split"]) == {"train", "val"}, "runs of earlier versions have no such figures"
    del events[3]["sample_loss"], events[3]["sample_acc"]  # as those versions wrote them
    assert set(frame(events)["split"]) == {"train", "val"}
    table = frame([*rows()[:3], {**rows()[3], "sample_loss": 0.4, "sample_acc": 0.9}])
    (point,) = table[table["split"] == "sample"].to_dict("records")
    assert (point["epoch"], point["loss"], point["accuracy"], point["whole_epoch"], point["is_best"]) == (
        1, 0.4, 0.9, True, False,
    )  # fmt: skip


def wavy(epochs: int = 20, inside: int = 5) -> pd.DataFrame:
    noise = np.random.default_rng(3)
    events: list[Any] = [Started(7850, "cpu", 1, 1000, 200, 60, epochs, 0, "", 0.13, 0.31)]
    for e in range(epochs):
        for i in range(1, inside + 1):
            loss = float("nan") if (e, i) == (4, 2) else 1 + noise.normal()
            events.append(
                Progress(e + i / (inside + 1), 60 * e + 10 * i, loss, 0.5, 0.01, abs(noise.normal()), 9.0, 0.1)
            )
        events.append(
            EpochEnd(e + 1, 60 * e + 60, 1 + noise.normal(), 0.7, 1 + noise.normal(), 0.8, 0.01, 9.0, 1.0, 1.0, True)
        )
    return frame(to_json(event) for event in events)


@pytest.mark.parametrize("weight", [0.0, 0.6, 0.95])
def test_smoothed_is_the_weighted_mean_of_a_line_so_far(weight: float) -> None:
    table = wavy()
    smooth = smoothed(table, weight)
    last = table["step"].max()
    for _, line in table.groupby(["split", "whole_epoch"]):
        for at, row in line.iterrows():
            before = line.loc[:at, ["step", "loss"]].dropna()
            weights = weight ** (100 * (row["step"] - before["step"].to_numpy(float)) / last)
            expected = np.nan if np.isnan(row["loss"]) else (weights * before["loss"]).sum() / weights.sum()
            assert smooth.loc[at, "loss"] == pytest.approx(expected, nan_ok=True)


def test_smoothing_touches_nothing_but_the_noisy_figures_and_not_what_it_was_given() -> None:
    table = wavy()
    before = table.copy()
    smooth = smoothed(table, 0.9)
    pd.testing.assert_frame_equal(table, before)
    others = [name for name in COLUMNS if name not in ("loss", "accuracy", "grad_norm")]
    pd.testing.assert_frame_equal(smooth[others], table[others])
    pd.testing.assert_frame_equal(smoothed(table, 0.0), table)
    inside = ~table["whole_epoch"]
    assert smooth.loc[inside, "loss"].std() < table.loc[inside, "loss"].std() / 2
    assert list(smoothed(frame([]), 0.9).columns) == list(COLUMNS)


@pytest.mark.parametrize("weight", [-0.1, 1.0])
def test_a_weight_outside_its_range_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="below 1"):
        smoothed(wavy(), weight)
