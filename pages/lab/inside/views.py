"""The ways to look inside, one at a time: what is not looked at is not worked out."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import streamlit as st

from core.data.dataset import Images
from core.runs.rows import Run
from core.runs.snapshots import kept
from pages.lab.inside.choices import keep
from pages.shared.link_state import follow_once, linked_widget, remember
from pages.shared.run_picker import with_images
from pages.shared.services import get_ready, store

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


def linked_view() -> str:
    """The view that a link asks for; else the one that was chosen before, and at first the first."""
    if (linked := follow_once("view", KEY)) in VIEWS:
        st.session_state[KEY] = linked
    return str(st.session_state.setdefault(KEY, next(iter(VIEWS))))


def showable_in(view: str, runs: Sequence[Run]) -> Sequence[Run]:
    """Those of the runs that the view has something to show of; all of them where it has nothing of any."""
    able = list(runs)
    if view == "step":  # learns from its own images once more
        able = with_images(runs)
    elif view == "rewind":  # an own run can be trained again to keep its weights, a shipped one never will
        able = [run for run in runs if not run.shipped or kept(store(), run.run_id)]
    return able or runs


def show(runs: Sequence[Run], image: Images) -> None:
    """Draw the choice of a view, and the one that is chosen. image (28, 28) uint8"""
    linked_view()
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
