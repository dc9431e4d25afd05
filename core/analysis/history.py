"""A run's events as a frame, and the thinning of its lines. No torch in here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from core.charts.thinning import thin

__all__ = ["COLUMNS", "frame", "thin"]

COLUMNS: Mapping[str, str] = {
    "epoch": "float64", "step": "int64", "seconds": "float64", "split": "str", "loss": "float64", "accuracy": "float64",
    "lr": "float64", "images_per_s": "float64", "is_best": "bool", "whole_epoch": "bool",
}  # fmt: skip


def frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The measured points of one run, from its events as ``core.engine.events.to_json`` writes them.

    One row per point and split, ordered by step: epoch (fractional inside an epoch) · step (weight updates) · seconds (own
    computing time) · split "train" or "val" · loss (nats per image) · accuracy (fraction) · lr · images_per_s · is_best (the
    best epoch so far, "val" rows, or "train" rows when nothing is held out) · whole_epoch (False: a point inside an epoch).
    What was not a number is NaN. Where a run was resumed, the points that it had measured beyond that epoch are dropped,
    for they are computed again. Other events are passed over; a split without any figure in a row (train at epoch 0) gives
    no point.
    """
    points: list[tuple[Any, ...]] = []
    for row in rows:
        if row.get("event") == "started":
            points = [point for point in points if point[0] <= row["epoch"]]
        points += _points(row)
    table = pd.DataFrame(points, columns=list(COLUMNS)).astype(dict(COLUMNS))
    table = table.drop_duplicates(["split", "step", "whole_epoch"], keep="last")
    return table.sort_values(["step", "whole_epoch"], kind="stable").reset_index(drop=True)


def _points(row: Mapping[str, Any]) -> Iterable[tuple[Any, ...]]:
    kind = row.get("event")
    if kind not in ("progress", "epoch"):
        return
    whole = kind == "epoch"
    held_out = whole and row["val_loss"] is not None
    for split in ("train", "val") if whole else ("train",):
        loss, accuracy = row[f"{split}_loss"], row[f"{split}_acc"]
        # After epoch 0 a missing training figure is a diverged one, and a hole in the line says so.
        if whole and loss is None and accuracy is None and (split == "val" or row["epoch"] == 0):
            continue
        best = whole and bool(row["is_best"]) and (split == "val") == held_out
        yield (
            float(row["epoch"]), int(row["step"]), float(row["seconds"]), split, _number(loss), _number(accuracy),
            _number(row["lr"]), _number(row["images_per_s"]), best, whole,
        )  # fmt: skip


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
