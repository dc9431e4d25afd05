"""The ways to break a network, one at a time: what is not looked at is not worked out."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import streamlit as st

from core.runs.rows import Run
from pages.shared.choices import follow_view, keep_only, pick_view
from pages.shared.services import get_ready

KEY = "robustness_view"
# The module in this folder that draws it, and what it is called. Each has ``show(runs)``.
VIEWS = {
    "strengths": "Moved, turned, noisy",
    "one_digit": "Where one digit breaks",
    "corruptions": "Named corruptions",
    "after_training": "After training",
}
# What of a view's choices stands in the address.
PARAMETERS = {"strengths": ("distortion",), "after_training": ("damage", "draw", "more", "amount", "network")}


def linked_view() -> str:
    """Which view there will be."""
    return follow_view(KEY, VIEWS)


def show(runs: Sequence[Run]) -> None:
    """Draw the choice of a view, and the one that is chosen."""
    view = pick_view(KEY, VIEWS)
    keep_only(view, PARAMETERS)
    with st.spinner("Getting the networks ready …"):
        get_ready()
    import_module(f"pages.lab.robustness.{view}").show(runs)
