"""The ways to look at mistakes, one at a time: what is not looked at is not worked out."""

from __future__ import annotations

from importlib import import_module

import streamlit as st

from pages.lab.mistakes.choice import RUN, RUNS
from pages.shared.choices import keep_only
from pages.shared.link_state import follow_once, link_key, linked_widget, remember

KEY = "mistakes_view"
FIRST = "one_network"
# The module in this folder that draws it, and what it is called. Each has ``show()``.
VIEWS = {FIRST: "One network", "sure": "How sure they are", "suspects": "Misread by all"}
# What of a view's choices stands in the address, beside the images.
PARAMETERS = {
    FIRST: ("shares", "truth", "read_as"), "sure": ("bins", "threshold", "temperature"), "suspects": ("least_sure",)
}  # fmt: skip


def pick_view() -> str:
    """Draw the choice of a view, which stands in the address, and say which one is chosen."""
    # A link to a run that names no view was made for the first one.
    linked = follow_once("view", KEY, default=FIRST if "run" in st.query_params else "")
    if linked in VIEWS:
        st.session_state[KEY] = linked
    st.session_state.setdefault(KEY, FIRST)
    view: str = linked_widget(
        "view", st.segmented_control, "View", list(VIEWS), required=True, format_func=VIEWS.__getitem__, key=KEY, wrap=True,
        label_visibility="collapsed", on_change=_keep_runs,
    ) or FIRST  # fmt: skip
    _remember(view)
    keep_only(view, PARAMETERS)
    return view


def show(view: str) -> None:
    """Draw a view."""
    import_module(f"pages.lab.mistakes.{view}").show()


def _keep_runs() -> None:
    """One run and several are chosen apart: what the address says of them is no link when the visitor changes the view."""
    _remember(st.session_state[KEY])
    for key in (RUN, RUNS):
        st.session_state[link_key(key)] = st.query_params.get("run", "")


def _remember(view: str) -> None:
    remember("view", KEY, "" if view == FIRST else view)
