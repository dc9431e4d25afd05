"""The ways to look inside, one at a time: what is not looked at is not worked out."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import streamlit as st

from core.data.dataset import Images
from core.runs.rows import Run
from pages.shared.link_state import follow_once, remember
from pages.shared.services import get_ready

KEY = "inside_view"
# The module in this folder that draws it, and what it is called. Each has ``show(runs, image)``.
VIEWS = {
    "layers": "Layer by layer",
    "unit": "One number",
    "why": "Why this answer",
    "mind": "What would change its mind",
    "map": "Map of digits",
    "step": "One step, slowly",
    "rewind": "While it learned",
}


def show(runs: Sequence[Run], image: Images) -> None:
    """Draw the choice of a view, and the one that is chosen. image (28, 28) uint8"""
    if (linked := follow_once("view", KEY)) in VIEWS:
        st.session_state[KEY] = linked
    st.session_state.setdefault(KEY, next(iter(VIEWS)))
    view = st.segmented_control(
        "View", list(VIEWS), required=True, format_func=VIEWS.__getitem__, key=KEY,
        persist_state="session", wrap=True, label_visibility="collapsed",
    )  # fmt: skip
    remember("view", KEY, "" if view == "layers" else str(view))
    if view != "layers":  # which needs no torch for what came with the program
        get_ready()
    import_module(f"pages.lab.inside.{view}").show(runs, image)
