"""Learning curves of several runs on one pair of axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.charts.theme import GREY, empty, finish, label, run_symbol
from core.charts.thinning import thin

X = Literal["epoch", "step", "seconds"]
Metric = Literal["loss", "accuracy"]

X_TITLES = {
    "epoch": "Epoch (passes over the training images)",
    "step": "Step (number of weight updates)",
    "seconds": "Computing time (seconds)",
}
LOSS_TICKS = tuple(digit * 10.0**power for power in range(-5, 3) for digit in (1, 2, 5))
X_HOVER = {"epoch": ".2~f", "step": ",d", "seconds": ",.1f"}
Y_TITLES = {"loss": "Loss (nats per image)", "accuracy": "Accuracy (%)"}
N_CLASSES = 10
POINTS_PER_LINE = 300
# Ticks of the spread accuracy axis, as the share of errors in percent; below the last one a line can not be drawn.
ERROR_TICKS = (90, 50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)


@dataclass(frozen=True, eq=False, slots=True)
class Line:
    """One run on the chart.

    name: any text, made inert here · colour: from ``run_colour`` · history: as ``core.analysis.history.frame`` returns it
    """

    name: str
    colour: str
    history: pd.DataFrame


def curves(
    series: Sequence[Line], *, x: X = "epoch", metric: Metric = "loss", log_y: bool = False, guess: bool = False
) -> go.Figure:
    """Training dotted, validation solid, the best epoch a star; at most 300 points a line, each run one legend entry.

    log_y spreads the axis where it gets interesting: small losses, or accuracies close to 100 % (by the share of errors)
    guess: a thin line at what guessing gives (ln 10 nats, 10 %)
    Training is drawn from the points inside the epochs where there are enough of them, else from whole epochs.
    """
    y_title = Y_TITLES[metric]
    if log_y:
        y_title = y_title.replace(")", ", log)") if metric == "loss" else "Accuracy (%, spread near 100)"
    drawn = [(number, line) for number, line in enumerate(series) if not line.history.empty]
    if not drawn:
        return empty("No points yet", X_TITLES[x], y_title)
    fig = go.Figure()
    spread = log_y and metric == "accuracy"
    shown: set[str] = set()
    for number, line in drawn:
        named = False
        for split, points in (("val", _split(line.history, "val")), ("train", _training(line.history))):
            if points.empty:
                continue
            fig.add_trace(_trace(points, line, number, split, x, metric, spread).update(showlegend=not named))
            named = True
            shown.add(split)
        best = line.history[line.history["is_best"]].tail(1)
        # Before the first epoch has ended, nothing was better than anything.
        if not best.empty and line.history["epoch"].max() > 0:
            shown.add("best")
            fig.add_trace(_star(best, line, number, x, metric, spread))
    for trace in _key(shown):
        fig.add_trace(trace)
    # A narrow screen shows two names side by side; the legend must not eat the plot.
    finish(fig, X_TITLES[x], y_title, height=380 + 22 * max(0, (len(drawn) - 3) // 2))
    fig.update_xaxes(rangemode="tozero", hoverformat=X_HOVER[x], unifiedhovertitle={"text": f"{x} %{{x}}"})
    last_epoch = max(float(line.history["epoch"].max()) for _, line in drawn)
    if x != "epoch":
        fig.update_xaxes(tickformat=",")
    if x == "epoch" and last_epoch <= 12:
        fig.update_xaxes(dtick=1)
    if spread:
        texts = [f"{100 - error:.2f}" for error in ERROR_TICKS]
        fig.update_yaxes(type="log", autorange="reversed", tickvals=ERROR_TICKS, ticktext=texts)
    elif log_y:
        fig.update_yaxes(type="log", tickvals=LOSS_TICKS, ticktext=[f"{loss:g}" for loss in LOSS_TICKS])
    else:
        fig.update_yaxes(tickformat=".2f")
    if guess:
        _guess(fig, metric, spread)
    return fig


def describe_curves(series: Sequence[Line], *, metric: Metric = "loss") -> str:
    """One sentence: each run's validation figure at its best epoch, the best run first (five at most)."""
    found: list[tuple[float, str]] = []
    for line in series:
        best = _split(line.history, "val")
        best = best[best["is_best"] & best[metric].notna()].tail(1)
        if not best.empty:
            value, epoch = float(best[metric].iloc[0]), int(best["epoch"].iloc[0])
            text = f"{value:.4f} nats" if metric == "loss" else f"{value:.2%}".replace("%", " %")
            found.append((value if metric == "loss" else -value, f"{line.name} {text} after epoch {epoch:,}"))
    if not found:
        return "Learning curves without a validation point yet."
    texts = [text for _, text in sorted(found)]
    more = f" and {len(texts) - 5} more" if len(texts) > 5 else ""
    return f"Validation {metric} at the best epoch: {'; '.join(texts[:5])}{more}."


def _split(history: pd.DataFrame, split: str) -> pd.DataFrame:
    return history[history["split"] == split]


def _training(history: pd.DataFrame) -> pd.DataFrame:
    """A fast run reports fewer points inside its epochs than it has epochs; whole epochs are then the finer line."""
    points = _split(history, "train")
    inside = points[~points["whole_epoch"]]
    whole = points[points["whole_epoch"]]
    return inside if len(inside) > len(whole) else whole


def _height(points: pd.DataFrame, metric: Metric, spread: bool) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = points[metric].to_numpy(np.float64)
    if metric == "loss":
        return values
    return np.maximum(100 - 100 * values, ERROR_TICKS[-1]) if spread else 100 * values


def _trace(points: pd.DataFrame, line: Line, number: int, split: str, x: X, metric: Metric, spread: bool) -> go.Scatter:
    heights = _height(points, metric, spread)
    best = np.flatnonzero(points["is_best"].to_numpy(bool))[-1:]
    chosen = thin(points[x], heights, POINTS_PER_LINE, best.tolist())
    points = points.iloc[chosen]
    words = "validation" if split == "val" else "training"
    unit = "nats" if metric == "loss" else "%"
    digits = ".4f" if metric == "loss" else ".2f"
    raw = points[metric] * (1 if metric == "loss" else 100)
    return go.Scatter(
        x=points[x], y=heights[chosen], customdata=raw, name=label(line.name), legendgroup=f"run {number}", cliponaxis=False,
        mode="lines+markers" if len(points) == 1 or (split == "val" and len(points) <= 40) else "lines",
        line={"color": line.colour, "dash": "solid" if split == "val" else "dot", "width": 2 if split == "val" else 1.5},
        marker={"symbol": run_symbol(number), "size": 6, "color": line.colour},
        hovertemplate=f"%{{customdata:{digits}}} {unit}, {words}<extra>{label(line.name, 24)}</extra>",
    )  # fmt: skip


def _star(best: pd.DataFrame, line: Line, number: int, x: X, metric: Metric, spread: bool) -> go.Scatter:
    return go.Scatter(
        x=best[x], y=_height(best, metric, spread), mode="markers", name=label(line.name), showlegend=False,
        legendgroup=f"run {number}", hoverinfo="skip", cliponaxis=False,
        marker={"symbol": "star", "size": 15, "color": line.colour, "line": {"color": GREY, "width": 1}},
    )  # fmt: skip


def _key(shown: set[str]) -> list[go.Scatter]:
    """Grey legend entries that say what dash and star mean."""
    entries = {
        "val": go.Scatter(name="validation", mode="lines", line={"color": GREY, "dash": "solid", "width": 2}),
        "train": go.Scatter(name="training", mode="lines", line={"color": GREY, "dash": "dot", "width": 2}),
        "best": go.Scatter(name="best epoch", mode="markers", marker={"symbol": "star", "size": 12, "color": GREY}),
    }
    return [trace.update(x=[None], y=[None], hoverinfo="skip") for name, trace in entries.items() if name in shown]


def _guess(fig: go.Figure, metric: Metric, spread: bool) -> None:
    chance = 100 / N_CLASSES
    at, text = (math.log(N_CLASSES), f"guessing: {math.log(N_CLASSES):.2f} nats")
    if metric == "accuracy":
        at, text = (100 - chance if spread else chance), f"guessing: {chance:.2f} %"
    fig.add_shape(
        type="line", xref="paper", x0=0, x1=1, y0=at, y1=at, line={"color": GREY, "width": 1},
        label={"text": text, "textposition": "end", "yanchor": "bottom", "font": {"size": 11}},
    )  # fmt: skip
