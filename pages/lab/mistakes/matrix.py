"""What was read as what: the confusion matrix, whose cells can be clicked, and the pairs that were confused most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.analysis.metrics import Counts, confused_pairs
from core.charts.confusion import confusion_matrix, describe_confusion
from core.charts.theme import CONFIG
from pages.lab.mistakes.selection import matrix_key, select_cell
from pages.shared.chart_ink import inked
from pages.shared.choices import switch
from pages.shared.gallery import is_dark
from pages.shared.tables import show_table

if TYPE_CHECKING:
    import plotly.graph_objects as go

PERCENT = st.column_config.NumberColumn(format="%.2f %%")


def clickable_matrix(matrix: Counts) -> None:
    """matrix (K, K): images by true digit and read digit. A clicked cell selects its images."""
    st.subheader("What was read as what")
    shares = switch("Percent of each true digit", "shares", "mistakes_shares")
    key = matrix_key()
    st.plotly_chart(
        inked(_chart(matrix, shares=shares, dark=is_dark())), width="stretch", key=key, on_select=lambda: _clicked(key),
        selection_mode="points", config={**CONFIG, "displayModeBar": False}, alt=describe_confusion(matrix),
    )  # fmt: skip
    st.caption("Click a cell to see its images, or choose its two digits with the menus.")


def most_confused(matrix: Counts) -> None:
    """The largest cells beside the diagonal, as a table."""
    st.subheader("Most confused")
    pairs = confused_pairs(matrix)
    pairs["share"] *= 100
    names = {"truth": "True digit", "predicted": "Read as", "count": "Images", "share": "Of this digit"}
    show_table(pairs.rename(columns=names), "confused", height="content", column_config={"Of this digit": PERCENT})


def _clicked(key: str) -> None:
    points = st.session_state[key].selection.points
    if points:
        select_cell(str(int(points[0]["y"])), str(int(points[0]["x"])))


@st.cache_resource(show_spinner=False, max_entries=64)
def _chart(matrix: Counts, *, shares: bool, dark: bool) -> go.Figure:
    return confusion_matrix(matrix, normalise=shares, dark=dark)
