"""Learning curves as the browser draws them: plain values, worked out once for all visitors who look at the same points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pandas as pd
import streamlit as st

from core.charts.looks import Look
from core.compare.leaderboard import training_multiply_adds
from core.runs.rows import Run
from pages.shared.histories import history
from pages.shared.legend_labels import legend_labels
from pages.shared.run_look import run_look

if TYPE_CHECKING:  # the charts load Plotly, and a page can draw its switches without it
    from core.charts.axis import X

ChartName = Literal["loss", "accuracy", "gap", "gradients"]


class Chart(NamedTuple):
    """figure: as Plotly's JSON has it · alt: what it says, in a sentence"""

    figure: dict[str, Any]
    alt: str

    def for_browser(self) -> dict[str, Any]:
        """The same by name, as ``assets/watch.js`` reads it."""
        return self._asdict()


class FigureKey(NamedTuple):
    """What a run's lines depend on: when all of it is equal, so are they.

    multiply_adds: of learning from one image, None where nothing is drawn by them
    """

    run_id: str
    version: int
    name: str
    look: Look
    multiply_adds: int | None


class Shape(NamedTuple):
    """How lines are drawn. smoothing: weight of the running mean, 0 for none"""

    x: X
    log_y: bool
    smoothing: float = 0.0


def training_charts(runs: Sequence[Run], shape: Shape) -> dict[ChartName, Chart]:
    """Loss and accuracy, each run under its own name."""
    keys = tuple(_key(run, run.label, shape) for run in runs)
    return {name: _chart(name, keys, shape) for name in ("loss", "accuracy")}


def overlay_charts(runs: Sequence[Run], shape: Shape) -> dict[ChartName, Chart]:
    """Loss, accuracy, generalisation gap and, where it was measured, gradient norm; runs are named by what differs."""
    keys = tuple(_key(run, name, shape) for run, name in zip(runs, legend_labels(runs), strict=True))
    names: list[ChartName] = ["loss", "accuracy", "gap"]
    if any(history(run.run_id, run.version)[1]["grad_norm"].notna().any() for run in runs):
        names.append("gradients")
    return {name: _chart(name, keys, shape) for name in names}


def _key(run: Run, name: str, shape: Shape) -> FigureKey:
    work = training_multiply_adds(run) if shape.x == "multiply_adds" else None  # it may wait for torch
    return FigureKey(run.run_id, run.version, name, run_look(run), work)


@st.cache_resource(show_spinner=False, max_entries=64)
def _chart(name: ChartName, keys: tuple[FigureKey, ...], shape: Shape) -> Chart:
    from core.charts.curves import Line, curves_figure, describe_curves
    from core.charts.gap import describe_gap, gap_figure
    from core.charts.gradients import describe_gradients, gradients_figure

    lines = [
        Line(
            key.name, key.look, history(key.run_id, key.version)[1], key.multiply_adds,
            _smoothed(key.run_id, key.version, shape.smoothing) if shape.smoothing else None,
        )
        for key in keys
    ]  # fmt: skip
    if name == "gap":
        return Chart(gap_figure(lines, x=shape.x).as_json(), describe_gap(lines))
    if name == "gradients":
        return Chart(gradients_figure(lines, x=shape.x).as_json(), describe_gradients(lines))
    figure = curves_figure(lines, x=shape.x, metric=name, log_y=shape.log_y)
    return Chart(figure.as_json(), describe_curves(lines, metric=name))


@st.cache_resource(show_spinner=False, max_entries=64)
def _smoothed(run_id: str, version: int, weight: float) -> pd.DataFrame:
    from core.analysis.history import smoothed

    return smoothed(history(run_id, version)[1], weight)
