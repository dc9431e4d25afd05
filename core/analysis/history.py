"""A run's events as a frame, and its lines smoothed. No torch in here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

COLUMNS: Mapping[str, str] = {
    "epoch": "float64", "step": "int64", "seconds": "float64", "split": "str", "loss": "float64", "accuracy": "float64",
    "lr": "float64", "images_per_s": "float64", "is_best": "bool", "whole_epoch": "bool",
    "examples": "float64", "grad_norm": "float64",
}  # fmt: skip


# How tables name the lines of a run; "val" goes without saying.
TABLE_WORDS: Mapping[str, str] = {
    "train": "train, while learning",
    "sample": "train, after the epoch",
    "true": "train, after the epoch, true labels",
}
NOISY = ("loss", "accuracy", "grad_norm")
_STEP, _SPLIT, _WHOLE = (list(COLUMNS).index(name) for name in ("step", "split", "whole_epoch"))


def frame(rows: Iterable[Mapping[str, Any]], n_train: int | None = None) -> pd.DataFrame:
    """The measured points of one run, from its events as ``core.engine.events.to_json`` writes them.

    One row per point and split, ordered by step: epoch (fractional inside an epoch) · step (weight updates) · seconds (own
    computing time) · split "train", "val", "sample" or "true" · loss (nats per image) · accuracy (fraction) · lr · images_per_s
    · is_best (the best epoch so far, "val" rows, or "train" rows when nothing is held out) · whole_epoch (False: inside one)
    · examples (training images seen since the start, each as often as it was seen; NaN when unknown) · grad_norm (length of
    the gradient over all weights, measured inside epochs; NaN at their ends).
    "train" is measured while learning, with dropout and augmentation on; "sample" at the ends of epochs like "val", on a fixed
    sample of the training images, and so compares with it (``EpochEnd``). Runs of earlier versions have no "sample".
    "true" is the sample judged by its true labels, of runs that were told some wrong ones.
    n_train: training images, for whoever reads on behind the "started" row that tells it
    What was not a number is NaN. Where a run was resumed, the points that it had measured beyond that epoch are dropped,
    for they are computed again. Other events are passed over; a split without any figure in a row (train at epoch 0) gives
    no point.
    """
    points: list[tuple[Any, ...]] = []
    for row in rows:
        if row.get("event") == "started":
            points = [point for point in points if point[0] <= row["epoch"]]
            n_train = row.get("n_train", n_train)
        points += _points(row, n_train)
    # Of points measured twice the last one counts; sorting is stable, so "train" and "val" keep their order.
    latest = {(point[_SPLIT], point[_STEP], point[_WHOLE]): point for point in points}
    ordered = sorted(latest.values(), key=lambda point: (point[_STEP], point[_WHOLE]))
    columns = zip(*ordered, strict=True) if ordered else [()] * len(COLUMNS)
    # Numbers go in as arrays: a Series for each column would take most of the time, and a page reads dozens of runs.
    return pd.DataFrame(
        {
            name: pd.Series(values, dtype="str") if kind == "str" else np.array(values, kind)
            for (name, kind), values in zip(COLUMNS.items(), columns, strict=True)
        }
    )


def smoothed(table: pd.DataFrame, weight: float) -> pd.DataFrame:
    """The same frame, row by row, with loss, accuracy and grad_norm smoothed along each of its lines.

    table: as ``frame`` returns it · weight in [0, 1): 0 changes nothing, near 1 only the slow trend is left
    Each value is the mean of itself and all before it on its line. A point counts ``weight`` times less for every hundredth
    of the run's steps that lies between, so that a line of few points (validation) lags no further behind than one of many.
    The weights add up to one: no bias towards zero at the start (as in Adam: Kingma and Ba 2015, section 3).
    Lines are told apart by split and by whole_epoch; a hole stays a hole and counts nothing.
    Raises ValueError when weight is outside its range.
    """
    if not 0 <= weight < 1:
        raise ValueError(f"weight is {weight}, it must be at least 0 and below 1")
    smooth = table.copy()
    for _, line in table.groupby(["split", "whole_epoch"]):
        values = line[list(NOISY)].to_numpy(np.float64)
        hundredths = 100 * np.diff(line["step"], prepend=line["step"].iloc[0]) / max(1, int(table["step"].max()))
        total, weights = np.zeros((2, len(NOISY)))
        means = np.full_like(values, np.nan)
        for i, (point, keep) in enumerate(zip(values, weight**hundredths, strict=True)):
            is_number = ~np.isnan(point)
            total, weights = keep * total + np.where(is_number, point, 0), keep * weights + is_number
            means[i, is_number] = (total / np.maximum(weights, 1))[is_number]
        smooth.loc[line.index, list(NOISY)] = means
    return smooth


def _points(row: Mapping[str, Any], n_train: int | None) -> Iterable[tuple[Any, ...]]:
    kind = row.get("event")
    if kind not in ("progress", "epoch"):
        return
    whole = kind == "epoch"
    held_out = whole and row["val_loss"] is not None
    for split in ("train", "val", "sample", "true") if whole else ("train",):
        loss, accuracy = row.get(f"{split}_loss"), row.get(f"{split}_acc")
        # After epoch 0 a missing training figure is a diverged one, and a hole in the line says so.
        if whole and loss is None and accuracy is None and (split != "train" or row["epoch"] == 0):
            continue
        best = whole and bool(row["is_best"]) and split == ("val" if held_out else "train")
        yield (
            float(row["epoch"]), int(row["step"]), float(row["seconds"]), split, _number(loss), _number(accuracy),
            _number(row["lr"]), _number(row["images_per_s"]), best, whole,
            np.nan if n_train is None else float(row["epoch"]) * n_train, np.nan if whole else _number(row["grad_norm"]),
        )  # fmt: skip


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
