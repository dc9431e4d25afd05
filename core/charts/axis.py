"""What the learning curves share: five horizontal axes, two figures upwards, and a log scale for each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.charts.figure import Figure
from core.charts.theme import MIN_LABELS, label, log_axis, note, round_numbers

X = Literal["epoch", "step", "seconds", "examples", "multiply_adds"]
Metric = Literal["loss", "accuracy"]

X_TITLES: Mapping[X, str] = {
    "epoch": "Epoch (passes over the training images)",
    "step": "Step (number of weight updates)",
    "seconds": "Elapsed seconds (of computing, not waiting)",
    "examples": "Training images seen (number)",
    "multiply_adds": "Training work (billion multiply-adds)",
}
X_HOVER: Mapping[X, str] = {
    "epoch": ".2~f", "step": ",d", "seconds": ",.1f", "examples": ",.0f", "multiply_adds": ",.4~r",
}  # fmt: skip
X_WORDS: Mapping[X, str] = {
    "epoch": "epoch %{x}", "step": "step %{x}", "seconds": "%{x} seconds", "examples": "%{x} images seen",
    "multiply_adds": "%{x} billion multiply-adds",
}  # fmt: skip
Y_TITLES: Mapping[Metric, str] = {"loss": "Loss (nats per image)", "accuracy": "Accuracy (%)"}
LOWEST_ERROR = 0.01  # percent; on a log axis nothing can stand at zero
WHOLE_EPOCHS = 12  # up to so many epochs each one is labelled
BILLION = 1e9

Floats = NDArray[np.float64]
Extent = tuple[float, float]


def x_values(history: pd.DataFrame, x: X, multiply_adds: int | None = None) -> Floats:
    """Where a run's points stand on the axis, (n,), NaN where that is not known.

    history: as ``core.analysis.history.frame`` returns it · multiply_adds: of learning from one image
    """
    if x != "multiply_adds":
        return history[x].to_numpy(np.float64)
    work = np.nan if multiply_adds is None else multiply_adds / BILLION
    return history["examples"].to_numpy(np.float64) * work


def y_values(values: Floats, metric: Metric, log_axis: bool) -> Floats:
    """How high values are drawn: nats as they are, accuracies in percent, or on the log axis their errors in percent."""
    if metric == "loss":
        return values
    return np.maximum(100 - 100 * values, LOWEST_ERROR) if log_axis else 100 * values


def hover_format(metric: Metric) -> tuple[float, str, str]:
    """Factor, number format and unit of a figure in hover texts, such as (100, ".2f", "%")."""
    return (1.0, ".4f", "nats") if metric == "loss" else (100.0, ".2f", "%")


def y_title(metric: Metric, log_y: bool) -> str:
    if not log_y:
        return Y_TITLES[metric]
    return "Loss (nats per image, log)" if metric == "loss" else "Accuracy (%, spread near 100)"


def set_axes(
    fig: Figure, x: X, metric: Metric, log_y: bool, last_epoch: float, extents: tuple[Extent | None, Extent | None]
) -> None:
    """Ticks and formats of both axes. last_epoch: of all runs, for whole ticks on a short axis · extents: of all that is
    drawn along x and along y, lowest and highest, None for nothing"""
    set_x(fig, x, last_epoch, extents[0])
    if log_y and metric == "accuracy":
        fig.update_yaxes(spread_axis(extents[1]))
    elif log_y:
        fig.update_yaxes(log_axis(extents[1]))


def spread_axis(extent: tuple[float, float] | None) -> dict[str, Any]:
    """The axis of accuracies that spreads those close to 100 %: the share of errors on a log scale, the fewest on top.

    extent: lowest and highest share of errors on it, in percent above zero
    """
    errors = round_numbers(*extent) if extent else []
    return {
        "type": "log", "autorange": "reversed", "tickmode": "array", "tickvals": errors,
        "ticktext": [f"{100 - error:.8g}" for error in errors],
        # The labels are not the numbers on the axis, so the browser could not make new ones: only the other axis zooms.
        "fixedrange": True,
    }  # fmt: skip


def set_x(fig: Figure, x: X, last_epoch: float, extent: Extent | None) -> None:
    """Ticks and formats of the x-axis; extent: of all that is drawn along it"""
    fig.update_xaxes(rangemode="tozero", hoverformat=X_HOVER[x], unifiedhovertitle={"text": X_WORDS[x]})
    if extent and extent[1] <= 0:  # before the first step there is nothing to the right of 0
        fig.update_xaxes(range=[0, 1])
    else:  # said, for after empty axes and that range a browser would go back to those of the empty ones, -1 to 6
        fig.update_xaxes(autorange=True)
    if x != "epoch":
        fig.update_xaxes(tickformat=",")
    elif 1 < last_epoch <= WHOLE_EPOCHS:
        fig.update_xaxes(
            nticks=max(MIN_LABELS, math.ceil(last_epoch) + 1)
        )  # unlike a fixed step, it has labels when zoomed


def say_left_out(fig: Figure, x: X, names: list[str]) -> None:
    """Above the plot: who is not on it, because this axis is not known for them."""
    if names:
        more = f" and {len(names) - 2} more" if len(names) > 2 else ""
        unknown = "number of multiply-adds" if x == "multiply_adds" else "number of images seen"
        note(fig, f"Left out, {unknown} not known: {', '.join(label(name, 18) for name in names[:2])}{more}")
