"""The switches above every pair of curves: what runs from left to right, how heights are spread, whether they move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:  # the charts load Plotly, and a page can draw its switches without it
    from core.charts.axis import Metric, X

AXES: Mapping[X, str] = {
    "epoch": "Epochs", "step": "Steps", "examples": "Images seen", "seconds": "Seconds", "multiply_adds": "Multiply-adds",
}  # fmt: skip
METRICS: tuple[Metric, ...] = ("loss", "accuracy")  # side by side, in this order


def pick_axis(key: str) -> X:
    """What the horizontal axis counts; the points keep their heights. ``key``: of the charts."""
    x: X = st.segmented_control(
        "Horizontal axis", list(AXES), format_func=AXES.__getitem__, default="epoch", required=True, wrap=True,
        key=f"{key}_x", persist_state="session", label_visibility="collapsed",
    )  # fmt: skip
    return x


def pick_log_axis(key: str, on: bool = False) -> bool:
    """Whether the vertical axes are logarithmic. ``on``: as long as nobody has touched the switch"""
    return st.toggle(
        "Spread small differences", on, key=f"{key}_log", persist_state="session",
        help="Logarithmic axis: the lower the loss, or the closer to 100 %, the more room it gets.",
    )  # fmt: skip


def pick_live(key: str) -> bool:
    """Whether charts of what trains move with it."""
    return st.toggle(
        "Live updates", True, key=f"{key}_live", persist_state="session",
        help="Off: the charts hold still, so that you can zoom in. Training goes on.",
    )  # fmt: skip
