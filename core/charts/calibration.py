"""How sure networks are against how often they are right, how sure they mostly are, and what silence below a threshold buys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.charts.axis import spread_axis
from core.charts.figure import Figure, bar, legend_entry, scatter
from core.charts.looks import Look, marker
from core.charts.theme import GREY, empty, finish, in_percent, label, listed, log_axis, pale

CONFIDENCE_TITLE = "Probability of its answer (%)"
ACCURACY_TITLE = "Accuracy (%)"
COUNT_TITLE = "Images (number, log)"
COVERAGE_TITLE = "Coverage (% of images answered, spread near 100)"
ANSWERED_TITLE = "Accuracy (% of answered images)"
SMALLEST, PER_DECADE = 5.0, 2.5  # pixels of a mark for one image, and how much it grows with ten times as many
MIN_SPAN = 0.5  # percentage points that the axis of accuracies covers at least


class Reliability(NamedTuple):
    """A run's bins. name: any text · bins: as ``core.analysis.calibration.reliability`` returns them"""

    name: str
    look: Look
    bins: pd.DataFrame


class Coverage(NamedTuple):
    """A run that says "I do not know" below a threshold.

    name: any text · curve: as ``core.analysis.calibration.coverage_curve`` returns it
    coverage, accuracy: at the threshold that is looked at, fractions; NaN without an answer
    """

    name: str
    look: Look
    curve: pd.DataFrame
    coverage: float
    accuracy: float


def reliability_curve(runs: Sequence[Reliability]) -> go.Figure:
    """Accuracy against confidence, one mark per bin that has images, with 95 % intervals; the diagonal is perfect.

    The more images a bin has, the larger its mark.
    """
    drawn = [(number, run, _filled(run.bins)) for number, run in enumerate(runs) if run.bins["n"].sum()]
    if not drawn:
        return empty("No answers yet", CONFIDENCE_TITLE, ACCURACY_TITLE).built()
    lowest = min(float(bins[["confidence", "wilson_low"]].to_numpy().min()) for _, _, bins in drawn)
    start = 10 * math.floor(10 * lowest)
    fig = Figure(
        scatter(
            x=[start, 100], y=[start, 100], mode="lines", name="as right as it says", hoverinfo="skip",
            line={"color": GREY, "width": 1.5, "dash": "dash"},
        )
    )  # fmt: skip
    for number, run, bins in drawn:
        at = 100 * bins["accuracy"].to_numpy()
        fig.add_trace(
            scatter(
                x=100 * bins["confidence"], y=at, mode="lines+markers", name=label(run.name, 30), legendgroup=f"run {number}",
                line={"color": pale(run.look.colour, 0.45), "width": 1.5}, cliponaxis=False,
                marker=marker(run.look, 8) | {"size": SMALLEST + PER_DECADE * np.log10(bins["n"].to_numpy())},
                error_y={
                    "type": "data", "symmetric": False, "array": 100 * bins["wilson_high"].to_numpy() - at,
                    "arrayminus": at - 100 * bins["wilson_low"].to_numpy(), "thickness": 1, "width": 3,
                    "color": pale(run.look.colour, 0.6),
                },
                customdata=np.c_[100 * bins[["low", "high"]], bins[["n", "right"]]],
                hovertemplate="%{customdata[3]:,d} of %{customdata[2]:,d} images right: %{y:.2f} %<br>"
                "%{customdata[0]:.4~g} to %{customdata[1]:.4~g} % sure, on average %{x:.2f} %"
                f"<extra>{label(run.name, 24)}</extra>",
            )
        )  # fmt: skip
    finish(fig, CONFIDENCE_TITLE, ACCURACY_TITLE, height=420 + 22 * (len(drawn) // 2))
    fig.update_layout(hovermode="closest", showlegend=True)
    margin = (100 - start) / 50
    fig.update_xaxes(range=[start - margin, 100 + margin])
    fig.update_yaxes(range=[start - margin, 100 + margin])
    return fig.built()


def describe_reliability(runs: Sequence[Reliability]) -> str:
    """One sentence: how sure each run is on average, and how often it is right. Takes what ``reliability_curve`` takes."""
    parts = []
    for run in runs:
        bins = _filled(run.bins)
        if n := int(bins["n"].sum()):
            sure, right = float((bins["confidence"] * bins["n"]).sum()) / n, float(bins["right"].sum()) / n
            parts.append(f"{run.name} is {in_percent(sure)} sure and right on {in_percent(right)} of {n:,} images")
    return f"Accuracy against confidence, on average: {listed(parts)}." if parts else "No answers yet."


def bin_counts(runs: Sequence[Reliability]) -> go.Figure:
    """How many images each bin has, one bar per run; for bins of equal width."""
    drawn = [(number, run, _filled(run.bins)) for number, run in enumerate(runs) if run.bins["n"].sum()]
    if not drawn:
        return empty("No answers yet", CONFIDENCE_TITLE, COUNT_TITLE, 240).built()
    fig = Figure()
    for number, run, bins in drawn:
        fig.add_trace(
            bar(
                x=50 * (bins["low"] + bins["high"]), y=bins["n"], name=label(run.name, 30), legendgroup=f"run {number}",
                marker={"color": run.look.colour, "pattern": {"shape": run.look.pattern, "fillmode": "replace", "size": 6},
                        "line": {"color": run.look.colour, "width": 1}},
                customdata=100 * bins[["low", "high"]].to_numpy(),
                hovertemplate="%{y:,d} images, %{customdata[0]:.4~g} to %{customdata[1]:.4~g} % sure"
                f"<extra>{label(run.name, 24)}</extra>",
            )
        )  # fmt: skip
    finish(fig, CONFIDENCE_TITLE, COUNT_TITLE, height=260 + 22 * (len(drawn) // 2))
    fig.update_layout(barmode="group", bargap=0.15, hovermode="closest", showlegend=True)
    fig.update_xaxes(range=[-2, 102])
    most = max(int(bins["n"].max()) for _, _, bins in drawn)
    fig.update_yaxes(
        log_axis((1, max(most, 2))) | {"range": [math.log10(0.7), math.log10(1.5 * most)]}
    )  # 1 is seen, too
    return fig.built()


def describe_counts(runs: Sequence[Reliability]) -> str:
    """One sentence: how many images stand in each run's highest bin. Takes what ``bin_counts`` takes."""
    parts = [
        f"{run.name} {in_percent(run.bins['n'].iloc[-1] / run.bins['n'].sum())} of {run.bins['n'].sum():,} images"
        for run in runs
        if run.bins["n"].sum()
    ]
    above = in_percent(float(runs[0].bins["low"].iloc[-1]), 1) if runs else ""
    return f"Images of which it is more than {above} sure: {listed(parts)}." if parts else "No answers yet."


def coverage_curves(runs: Sequence[Coverage]) -> go.Figure:
    """Accuracy of what is answered against how much is answered; a mark where the threshold that is looked at leads."""
    drawn = [(number, run) for number, run in enumerate(runs) if len(run.curve)]
    if not drawn:
        return empty("No answers yet", COVERAGE_TITLE, ANSWERED_TITLE).built()
    fig = Figure()
    for number, run in drawn:
        held_back = _held_back(run.curve["coverage"].to_numpy(), run.curve)
        fig.add_trace(
            scatter(
                x=held_back, y=100 * run.curve["accuracy"], mode="lines", name=label(run.name, 30), legendgroup=f"run {number}",
                line={"color": run.look.colour, "width": 2}, cliponaxis=False,
                customdata=np.c_[100 * run.curve["threshold"], run.curve["answered"], 100 * run.curve["coverage"]],
                hovertemplate="%{y:.2f} % of %{customdata[1]:,d} answered images (%{customdata[2]:.2f} % of all)"
                f"<br>at least %{{customdata[0]:.2f}} % sure<extra>{label(run.name, 24)}</extra>",
            )
        )  # fmt: skip
        if math.isfinite(run.coverage + run.accuracy):
            fig.add_trace(
                scatter(
                    x=_held_back(np.array([run.coverage]), run.curve), y=[100 * run.accuracy], mode="markers",
                    legendgroup=f"run {number}", showlegend=False, marker=marker(run.look, 12), cliponaxis=False,
                    hovertemplate=f"%{{y:.2f}} % of the answered {in_percent(run.coverage)}"
                    f"<extra>{label(run.name, 24)}</extra>",
                )
            )  # fmt: skip
    fig.add_trace(
        legend_entry(
            name="at the chosen threshold", mode="markers", marker={"symbol": "circle", "size": 11, "color": GREY}
        )
    )
    finish(fig, COVERAGE_TITLE, ANSWERED_TITLE, height=380 + 22 * (len(drawn) // 2))
    fig.update_layout(hovermode="closest", showlegend=True)
    fig.update_xaxes(spread_axis(fig.extent("x")))
    lowest = min(100 * float(run.curve["accuracy"].min()) for _, run in drawn)
    span = max(100 - lowest, MIN_SPAN)
    fig.update_yaxes(range=[100 - 1.06 * span, 100 + 0.06 * span])
    return fig.built()


def describe_coverage(runs: Sequence[Coverage]) -> str:
    """One sentence: accuracy on the half that each run is surest of, and on all. Takes what ``coverage_curves`` takes."""
    parts = []
    for run in runs:
        if len(run.curve):
            half = run.curve.iloc[int(np.abs(run.curve["coverage"].to_numpy() - 0.5).argmin())]
            whole = float(run.curve["accuracy"].iloc[-1])
            parts.append(
                f"{run.name} {in_percent(half['accuracy'])} of the surest {in_percent(half['coverage'], 0)}, "
                f"{in_percent(whole)} of all"
            )
    return f"Accuracy where less is answered: {listed(parts)}." if parts else "No answers yet."


def _held_back(coverage: NDArray[np.float64], curve: pd.DataFrame) -> NDArray[np.float64]:
    """What is not answered, in percent; nothing counts as half an image, for a log axis has no 0."""
    return np.maximum(100 - 100 * coverage, 50 / int(curve["answered"].iloc[-1]))


def _filled(bins: pd.DataFrame) -> pd.DataFrame:
    """The bins that have images."""
    return bins[bins["n"] > 0]
