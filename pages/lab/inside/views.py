"""The ways to look inside, one at a time: what is not looked at is not worked out."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import streamlit as st

from core.data.dataset import Images
from core.runs.rows import Run
from pages.lab.inside.choices import keep
from pages.shared.link_state import follow_once, linked_widget, remember
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
# What of a view's choices stands in the address.
PARAMETERS = {
    "layers": ("show", "range", "all", "input", "patch"),
    "unit": ("network", "layer", "unit", "row", "column", "number", "patch"),
    "why": ("method", "for", "redrawn", "common"),
    "mind": ("nearest", "change", "dream"),
    "map": ("by", "part", "picked", "neighbours"),
    "step": ("network", "batch"),
    "rewind": ("moment",),
}


def show(runs: Sequence[Run], image: Images) -> None:
    """Draw the choice of a view, and the one that is chosen. image (28, 28) uint8"""
    if (linked := follow_once("view", KEY)) in VIEWS:
        st.session_state[KEY] = linked
    st.session_state.setdefault(KEY, next(iter(VIEWS)))
    view = str(
        linked_widget(
            "view", st.segmented_control, "View", list(VIEWS), required=True, format_func=VIEWS.__getitem__, key=KEY,
            wrap=True, label_visibility="collapsed",
        )
    )  # fmt: skip
    remember("view", KEY, "" if view == "layers" else view)
    for name in {name for names in PARAMETERS.values() for name in names}.difference(PARAMETERS[view]):
        keep(name, None)  # what was chosen in another view
    if view != "layers":  # which needs no torch for what came with the program
        get_ready()
    import_module(f"pages.lab.inside.{view}").show(runs, image)
