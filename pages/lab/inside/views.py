"""The ways to look inside, one at a time: what is not looked at is not worked out."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from core.data.dataset import Images
from core.runs.rows import Run
from core.runs.snapshots import kept
from pages.shared.choices import follow_view, keep_only, pick_view
from pages.shared.run_picker import with_images
from pages.shared.services import get_ready, store

KEY, FIRST = "inside_view", "layers"
# The module in this folder that draws it, and what it is called. Each has ``show(runs, image)``.
VIEWS = {
    FIRST: "Layer by layer",
    "unit": "One number",
    "why": "Why this answer",
    "mind": "What would change its mind",
    "map": "Map of digits",
    "step": "One step, slowly",
    "rewind": "While it learned",
}
# What of a view's choices stands in the address.
PARAMETERS = {
    FIRST: ("show", "range", "all", "input", "patch"),
    "unit": ("network", "layer", "unit", "row", "column", "number", "pixel", "patch", "of_input"),
    "why": ("method", "for", "redrawn", "common"),
    "mind": ("nearest", "change", "dream"),
    "map": ("by", "part", "picked", "neighbours"),
    "step": ("network", "batch"),
    "rewind": ("moment",),
}


def linked_view() -> str:
    """Which view there will be."""
    return follow_view(KEY, VIEWS)


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
    view = pick_view(KEY, VIEWS)
    keep_only(view, PARAMETERS)
    if view != FIRST:  # which needs no torch for what came with the program
        get_ready()
    import_module(f"pages.lab.inside.{view}").show(runs, image)
