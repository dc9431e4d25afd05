"""One look for every figure: colours, axes and words, on light and on dark pages alike.

Backgrounds are transparent, and what the template says (text, grid) may be replaced by the page's own theme; what carries
meaning (run colours, right and wrong) is set on the traces and stays. Text from people goes through ``label`` first.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from core.charts.figure import Figure

# Eight colours of at least 3:1 contrast on white and on #0e1117 (WCAG 2.2, 1.4.11), searched so that any two stay at least
# 23 CIELAB units apart for protan and deutan eyes (simulation: Machado, Oliveira and Fernandes 2009).
RUN_COLOURS = ("#0087ff", "#e17800", "#00a569", "#a52da5", "#d2002d", "#781eff", "#a587b4", "#4b6969")
RUN_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "pentagon", "hexagon")
RUN_PATTERNS = ("", "/", "x", "\\", "-", "|", "+", ".")
WRONG = "#d9541e"
GREY = "#7b8190"
GRID = "rgba(125, 130, 145, 0.28)"
# From nothing to a strong vermilion: on any page, no mistakes means no colour.
SCALE = ((0.0, "rgba(217, 84, 30, 0)"), (1.0, "rgba(217, 84, 30, 1)"))
# What a page passes to ``st.plotly_chart(config=...)``: no logo, no button that would send the chart's data to Plotly's
# cloud (there by default), and only tools that these figures have a use for.
CONFIG: Mapping[str, Any] = MappingProxyType(
    {
        "displaylogo": False,
        "showSendToCloud": False,
        "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
    }
)

TEMPLATE: Mapping[str, Any] = {
    "layout": {
        "font": {"family": "inherit", "size": 13, "color": GREY},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": list(RUN_COLOURS),
        "hoverlabel": {"font": {"family": "inherit", "size": 13}},
        "legend": {"bgcolor": "rgba(0,0,0,0)"},
        "xaxis": {"title": {"standoff": 8}},
        "yaxis": {"title": {"standoff": 8}},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": GREY},
    }
}


def run_colour(number: int) -> str:
    """The colour of a run for good, from the number it was given when it was made; the eight repeat."""
    return RUN_COLOURS[number % len(RUN_COLOURS)]


def run_symbol(number: int) -> str:
    """The marker shape that goes with ``run_colour``, for whoever can not tell the colours apart.

    Where the colours start again the shapes move on by one, so that 64 runs differ in colour or in shape.
    """
    return RUN_SYMBOLS[(number + number // len(RUN_COLOURS)) % len(RUN_SYMBOLS)]


def run_pattern(number: int) -> str:
    """The filling of a run's bars, as ``run_symbol`` is the shape of its markers."""
    return RUN_PATTERNS[(number + number // len(RUN_COLOURS)) % len(RUN_PATTERNS)]


def pale(colour: str, opacity: float = 0.18) -> str:
    """A colour "#rrggbb" that lets most of the page through, for areas; ``opacity`` in [0, 1]."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:g})"


def in_percent(share: float, digits: int = 2) -> str:
    """A fraction in percent, as everywhere: 0.9812 is "98.12 %"."""
    return f"{100 * share:.{digits}f} %"


def label(text: str, limit: int = 40) -> str:
    """A name given by a person as chart text: no tags, no links, no formulas.

    Longer names lose their middle, so that what tells two runs apart (mostly the ends) stays; ``limit`` in characters.
    """
    short = text if len(text) <= limit else f"{text[: limit // 2]}…{text[len(text) - limit // 2 + 1 :]}"
    return html.escape(short).replace("$", "&#36;").replace("%{", "%&#123;")


def finish(fig: Figure, x_title: str, y_title: str, height: int = 380) -> Figure:
    """Give a figure the common look and a title with a unit on each axis; ``height`` in pixels. Returns the same figure."""
    fig.update_layout(
        template=TEMPLATE,
        height=height,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        separators=".,",
        hovermode="x unified",
        uirevision="fixed",
        legend={"orientation": "h", "x": 0, "xanchor": "left", "yref": "container", "y": 0, "yanchor": "bottom"},
    )
    axis = {"gridcolor": GRID, "zeroline": False, "automargin": True}
    fig.update_xaxes(axis | {"title": {"text": x_title}})
    fig.update_yaxes(axis | {"title": {"text": y_title}})
    return fig


def number_text(value: float) -> str:
    """A number with three digits that count, never as a power of ten: 0.000012, 0.3, 1200."""
    return str(np.format_float_positional(value, precision=3, fractional=False, trim="-"))


def log_ticks(low: float, high: float, *, short: bool = False) -> dict[str, Any]:
    """Ticks of a log axis from low to high, both above zero: 1, 2, 5 in each decade, or fewer where there are many decades.

    short: 1k for a thousand, 1M for a million, 1G for a thousand millions
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    digits = (1, 2, 5) if last - first <= 2 else (1, 3) if last - first <= 3 else (1,)
    values = [digit * 10.0**power for power in range(first, last + 1) for digit in digits]
    return {
        "type": "log", "tickmode": "array", "tickvals": values,
        "ticktext": [_shortened(value) if short else number_text(value) for value in values],
    }  # fmt: skip


def _shortened(value: float) -> str:
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{number_text(value / unit)}{letter}"
    return number_text(value)


def note(fig: Figure, sentence: str) -> None:
    """One small line above the plot: what the figure leaves out, and why. Text from people goes through ``label`` before."""
    fig.add_annotation(
        text=sentence, x=0, y=1, xref="paper", yref="paper", xanchor="left", yanchor="bottom", showarrow=False,
        font={"size": 11},
    )  # fmt: skip


def listed(texts: Sequence[str], limit: int = 5) -> str:
    """A list in words: the first ones and how many more there are."""
    more = f" and {len(texts) - limit} more" if len(texts) > limit else ""
    return f"{'; '.join(texts[:limit])}{more}"


def empty(sentence: str, x_title: str, y_title: str, height: int = 380) -> Figure:
    """A figure with nothing but its axes' titles and one sentence that says why."""
    fig = finish(Figure(), x_title, y_title, height)
    fig.add_annotation(text=sentence, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 16})
    fig.update_xaxes(showticklabels=False, showgrid=False)
    fig.update_yaxes(showticklabels=False, showgrid=False)
    return fig
