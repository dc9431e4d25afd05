"""What the learning curves share: five horizontal axes, two figures upwards, and a log scale for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.charts.figure import Figure
from core.charts.theme import label, note

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
LOSS_TICKS = tuple(digit * 10.0**power for power in range(-5, 3) for digit in (1, 2, 5))
# Ticks of the log accuracy axis, as the share of errors in percent; below the last one a line can not be drawn.
ERROR_TICKS = (90, 50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
BILLION = 1e9

Floats = NDArray[np.float64]


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
    return np.maximum(100 - 100 * values, ERROR_TICKS[-1]) if log_axis else 100 * values


def hover_format(metric: Metric) -> tuple[float, str, str]:
    """Factor, number format and unit of a figure in hover texts, such as (100, ".2f", "%")."""
    return (1.0, ".4f", "nats") if metric == "loss" else (100.0, ".2f", "%")


def y_title(metric: Metric, log_y: bool) -> str:
    if not log_y:
        return Y_TITLES[metric]
    return "Loss (nats per image, log)" if metric == "loss" else "Accuracy (%, spread near 100)"


def set_axes(fig: Figure, x: X, metric: Metric, log_y: bool, last_epoch: float) -> None:
    """Ticks and formats of both axes; ``last_epoch``: of all runs, for whole ticks on a short axis."""
    set_x(fig, x, last_epoch)
    if log_y and metric == "accuracy":
        texts = [f"{100 - error:.2f}" for error in ERROR_TICKS]
        fig.update_yaxes(type="log", autorange="reversed", tickvals=ERROR_TICKS, ticktext=texts)
    elif log_y:
        fig.update_yaxes(type="log", tickvals=LOSS_TICKS, ticktext=[f"{loss:g}" for loss in LOSS_TICKS])
    else:
        fig.update_yaxes(tickformat=".2f")


def set_x(fig: Figure, x: X, last_epoch: float) -> None:
    fig.update_xaxes(rangemode="tozero", hoverformat=X_HOVER[x], unifiedhovertitle={"text": X_WORDS[x]})
    if x != "epoch":
        fig.update_xaxes(tickformat=",")
    elif last_epoch <= 12:
        fig.update_xaxes(dtick=1)


def say_left_out(fig: Figure, x: X, names: list[str]) -> None:
    """Above the plot: who is not on it, because this axis is not known for them."""
    if names:
        more = f" and {len(names) - 2} more" if len(names) > 2 else ""
        unknown = "number of multiply-adds" if x == "multiply_adds" else "number of images seen"
        note(fig, f"Left out, {unknown} not known: {', '.join(label(name, 18) for name in names[:2])}{more}")
