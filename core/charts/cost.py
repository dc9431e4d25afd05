"""What accuracy costs: one marker per run, cheap to the left, and the front that nobody beats on both counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.charts.axis import LOWEST_ERROR
from core.charts.figure import Figure, scatter
from core.charts.looks import Look, marker
from core.charts.theme import GREY, empty, finish, in_percent, label, listed, log_axis, note
from core.fields import SPLIT_WORDS, SplitName

Cost = Literal["n_params", "multiply_adds", "seconds", "latency_ms"]
Quality = Literal["accuracy", "error"]

COST_TITLES: Mapping[Cost, str] = {
    "n_params": "Parameters (number, log)",
    "multiply_adds": "Multiply-adds per image (number, log)",
    "seconds": "Elapsed seconds of training (log)",
    "latency_ms": "Time to read one image (milliseconds, log)",
}
COST_WORDS: Mapping[Cost, tuple[str, str]] = {
    "n_params": (",d", "parameters"), "multiply_adds": (",d", "multiply-adds"), "seconds": (",.1f", "seconds"),
    "latency_ms": (",.3f", "milliseconds"),
}  # fmt: skip
MAX_LEGEND_RUNS = 10


def cost_scatter(table: pd.DataFrame, x: Cost, y: Quality = "accuracy", *, split: SplitName = "test") -> go.Figure:
    """Accuracy, or error on a log axis, against a cost on a log axis.

    table: one row per run with columns name, look, accuracy (fraction) and the one called x; where there are columns
    low and high (fractions of accuracy), error bars; where there is a column front (bool,
    ``core.analysis.pareto.pareto_front``), a stepped line through those rows. split: of the accuracy
    Rows without one of the two figures, or without a cost above zero, are left out, and the chart says how many.
    Up to ten rows are named in the legend; beyond that the pointer names them.
    """
    title = quality_title(y, split)
    fits = table["accuracy"].notna() & (table[x].astype(np.float64) > 0)
    rows = table[fits]
    if rows.empty:
        return empty("No run has both figures yet", COST_TITLES[x], title).built()
    fig = Figure()
    if "front" in rows and rows["front"].any():
        front = rows[rows["front"].astype(bool)].sort_values([x, "accuracy"])
        fig.add_trace(
            scatter(
                x=front[x], y=quality_heights(front["accuracy"], y), mode="lines", hoverinfo="skip",
                line={"color": GREY, "width": 1.5, "shape": "hv"}, name="best for their cost", legendgroup="front",
            )
        )  # fmt: skip
    form, unit = COST_WORDS[x]
    for number, (_, row) in enumerate(rows.iterrows()):
        low, high = (float(row[bound]) if bound in rows else np.nan for bound in ("low", "high"))
        interval = f"<br>{in_percent(low)} to {in_percent(high)}" if np.isfinite([low, high]).all() else ""
        fig.add_trace(
            scatter(
                x=[float(row[x])], y=quality_heights(row["accuracy"], y), mode="markers", name=label(str(row["name"]), 30),
                legendgroup=f"run {number}",
                error_y=_bars(float(row["accuracy"]), low, high, y), cliponaxis=False, showlegend=len(rows) <= MAX_LEGEND_RUNS,
                marker=marker(row["look"], 11),
                hovertemplate=f"{label(str(row['name']))}<br>{in_percent(row['accuracy'])} {SPLIT_WORDS[split]} accuracy"
                f"{interval}<br>%{{x:{form}}} {unit}<extra></extra>",
            )
        )  # fmt: skip
    finish(fig, COST_TITLES[x], title, height=400 + 22 * max(0, (min(len(rows), MAX_LEGEND_RUNS) - 3) // 2))
    fig.update_layout(hovermode="closest", showlegend=True)
    fig.update_xaxes(log_axis(fig.extent("x"), short=x in ("n_params", "multiply_adds")))
    set_quality(fig, y)
    if missing := len(table) - len(rows):
        note(fig, f"Left out, not measured yet: {missing} of {len(table)} runs")
    return fig.built()


def describe_cost(table: pd.DataFrame, x: Cost, *, split: SplitName = "test") -> str:
    """One sentence: the front from the cheapest to the best, or the best where no front is given (five at most)."""
    rows = table[table["accuracy"].notna() & (table[x].astype(np.float64) > 0)]
    if rows.empty:
        return "Accuracy against cost: no run has both figures yet."
    form, unit = COST_WORDS[x]
    form = form.replace("d", ".0f")
    front = rows[rows["front"].astype(bool)] if "front" in rows else rows.nlargest(1, "accuracy")
    texts = [
        f"{row['name']} ({float(row[x]):{form}} {unit}, {in_percent(row['accuracy'])})"
        for _, row in front.sort_values([x, "accuracy"]).iterrows()
    ]
    what = "no other is both cheaper and better than" if "front" in rows else "the best is"
    return f"Of {len(rows):,} runs by {SPLIT_WORDS[split]} accuracy and {unit}, {what} {listed(texts)}."


def conditions(table: pd.DataFrame) -> Iterator[tuple[int, str, Look, pd.DataFrame]]:
    """Number, name, look and rows of each condition, in the order of their first rows; columns number, name, look."""
    for _, rows in table.groupby("number", sort=False):
        yield int(rows["number"].iloc[0]), str(rows["name"].iloc[0]), rows["look"].iloc[0], rows


def quality_title(y: Quality, split: SplitName) -> str:
    words = SPLIT_WORDS[split].capitalize()
    return f"{words} accuracy (%)" if y == "accuracy" else f"{words} error (% of images, log)"


def quality_heights(accuracy: pd.Series[float] | float, y: Quality) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(n,) percent: accuracies, or errors with a floor of 0.01 % that a log axis needs."""
    values = 100 * np.atleast_1d(np.asarray(accuracy, np.float64))
    return values if y == "accuracy" else np.maximum(100 - values, LOWEST_ERROR)


def set_quality(fig: Figure, y: Quality) -> None:
    """Ticks of the vertical axis, once all points are drawn."""
    if y == "error":
        fig.update_yaxes(log_axis(fig.extent("y")))


def _bars(accuracy: float, low: float, high: float, y: Quality) -> dict[str, object]:
    """Error bars from an interval of accuracies; none where it is not known."""
    if not np.isfinite([low, high]).all():
        return {"visible": False}
    (at,), (bottom,), (top,) = (quality_heights(value, y) for value in (accuracy, low, high))
    if y == "error":
        bottom, top = top, bottom
    return {
        "type": "data", "symmetric": False, "array": [max(0.0, top - at)], "arrayminus": [max(0.0, at - bottom)],
        "thickness": 1.5, "width": 4,
    }  # fmt: skip
