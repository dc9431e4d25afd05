"""The switches above every pair of curves: what runs from left to right, how heights are spread, whether they move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from core.runs.rows import Run

if TYPE_CHECKING:  # the charts load Plotly, and a page can draw its switches without it
    from core.charts.axis import Metric, X

AXES: Mapping[X, str] = {
    "epoch": "Epochs", "step": "Steps", "examples": "Images seen", "seconds": "Seconds", "multiply_adds": "Multiply-adds",
}  # fmt: skip
NEAR_TOP = 0.98  # fraction: a curve that ends above it lies in the top 2 % of an even axis
METRICS: tuple[Metric, ...] = ("loss", "accuracy")  # side by side, in this order


def pick_axis(key: str) -> X:
    """What the horizontal axis counts; the points keep their heights. ``key``: of the charts."""
    x: X = st.segmented_control(
        "Horizontal axis", list(AXES), format_func=AXES.__getitem__, default="epoch", required=True, wrap=True,
        key=f"{key}_x", persist_state="session", label_visibility="collapsed",
    )  # fmt: skip
    return x


def pick_log_axis(key: str, runs: Iterable[Run]) -> bool:
    """Whether the vertical axes are logarithmic; as long as nobody has touched the switch, where all curves end near the top.

    runs: on the charts
    """
    name, touched = f"{key}_log", f"{key}_log_touched"
    if not st.session_state.get(touched):
        st.session_state[name] = end_near_top(runs)
    return st.toggle(
        "Spread small differences", key=name, persist_state="session", on_change=st.session_state.update,
        args=({touched: True},),
        help="Logarithmic axis: the lower the loss, or the closer to 100 %, the more room it gets. On by itself where all "
        f"curves end above {100 * NEAR_TOP:g} %.",
    )  # fmt: skip


def end_near_top(runs: Iterable[Run]) -> bool:
    """Whether all runs that have begun have ended, with validation accuracies so high that an even axis would squeeze them
    together."""
    begun = [run for run in runs if run.latest]
    return bool(begun) and all(run.summary.get("val_acc", 0.0) >= NEAR_TOP for run in begun)


def pick_live(key: str) -> bool:
    """Whether charts of what trains move with it."""
    return st.toggle(
        "Live updates", True, key=f"{key}_live", persist_state="session",
        help="Off: the charts hold still, so that you can zoom in. Training goes on.",
    )  # fmt: skip
