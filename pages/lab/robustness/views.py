"""The ways to break a network, one at a time: what is not looked at is not worked out."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import streamlit as st

from core.runs.rows import Run
from pages.shared.link_state import follow_once, linked_widget, remember
from pages.shared.services import get_ready

KEY = "robustness_view"
# The module in this folder that draws it, and what it is called. Each has ``show(runs)``.
VIEWS = {
    "strengths": "Moved, turned, noisy",
    "one_digit": "Where one digit breaks",
    "corruptions": "Named corruptions",
    "after_training": "After training",
}


def show(runs: Sequence[Run]) -> None:
    """Draw the choice of a view, and the one that is chosen."""
    first = next(iter(VIEWS))
    if (linked := follow_once("view", KEY)) in VIEWS:
        st.session_state[KEY] = linked
    st.session_state.setdefault(KEY, first)
    view = linked_widget(
        "view", st.segmented_control, "View", list(VIEWS), required=True, format_func=VIEWS.__getitem__, key=KEY,
        wrap=True, label_visibility="collapsed",
    )  # fmt: skip
    remember("view", KEY, "" if view == first else str(view))
    with st.spinner("Getting the networks ready …"):
        get_ready()
    import_module(f"pages.lab.robustness.{view}").show(runs)
