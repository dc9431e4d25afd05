"""How a run is drawn on every page: by its architecture, and by how many of that there were before it."""

from __future__ import annotations

from core import models
from core.charts.looks import Look, look
from core.runs.rows import Run


def run_look(run: Run) -> Look:
    """Colour and marker of a run; they depend on nothing else, so they stay whatever is shown beside it."""
    return architecture_look(run.architecture, run.architecture_place)


def architecture_look(architecture: str, repeat: int = 0) -> Look:
    """The same of an architecture without a run. repeat: how many others of it come before"""
    hue, place = models.hue_and_place(architecture)
    return look(hue, place, repeat)
