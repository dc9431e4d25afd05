"""One look for every figure: colours, axes and words, on light and on dark pages alike.

Backgrounds are transparent, and what the template says (text, grid) may be replaced by the page's own theme; what carries
meaning (run colours, right and wrong) is set on the traces and stays. Text from people goes through ``label`` first.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from core.charts.figure import Figure

WRONG = "#d9541e"
GREY = "#7b8190"
MIN_LABELS = 4  # on an axis
MAX_HEIGHT_LABELS = 6  # along a vertical axis, however low its plot; two or three would be too few to read a value by
LABELS_WITHIN_DECADE, DECADES_WITH_2_AND_5, MAX_LOG_LABELS = 5, 3, 8
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
        "hoverlabel": {"font": {"family": "inherit", "size": 13}},
        "legend": {"bgcolor": "rgba(0,0,0,0)"},
        "xaxis": {"title": {"standoff": 8}},
        "yaxis": {"title": {"standoff": 8}},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": GREY},
    }
}


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
    fig.update_layout(**_common_layout(x_title, y_title, height))
    return fig


@lru_cache(maxsize=256)
def _common_layout(x_title: str, y_title: str, height: int) -> Mapping[str, Any]:
    """What ``finish`` sets; nobody changes it, so figures that are made many times a second share it."""
    # Without a format of its own an axis writes as many digits as tell its labels apart, also where somebody has zoomed in.
    axis = {"gridcolor": GRID, "zeroline": False, "automargin": True, "exponentformat": "none"}
    # Ticks that nobody sees keep the labels clear of what stands at the very left.
    clear = {"ticks": "outside", "ticklen": 6, "tickcolor": "rgba(0,0,0,0)"}
    return {
        "template": TEMPLATE, "height": height, "margin": {"l": 8, "r": 8, "t": 28, "b": 8}, "separators": ".,",
        "hovermode": "x unified", "uirevision": "fixed",
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "yref": "container", "y": 0, "yanchor": "bottom"},
        "xaxis": axis | {"title": {"text": x_title}},
        "yaxis": axis | clear | {"title": {"text": y_title}, "nticks": MAX_HEIGHT_LABELS},
    }  # fmt: skip


def number_text(value: float) -> str:
    """A number with three digits that count, never as a power of ten: 0.000012, 0.3, 1200."""
    return str(np.format_float_positional(value, precision=3, fractional=False, trim="-"))


def log_axis(extent: tuple[float, float] | None, *, short: bool = False) -> dict[str, Any]:
    """A log axis, whose labels the browser chooses anew when somebody zooms in.

    extent: lowest and highest value on it, both above zero, so that 2 and 5 are labelled too where there is room
    short: 1k for a thousand, 1M for a million, 1G for a thousand millions
    """
    decades = math.log10(extent[1] / extent[0]) if extent else 0.0
    if decades < 1:
        labels = LABELS_WITHIN_DECADE
    elif decades < DECADES_WITH_2_AND_5:
        labels = max(3, round(2 * decades))  # more of them, and 3, 4, 6, 7, 8 and 9 would be labelled as well
    else:
        labels = min(MAX_LOG_LABELS, math.ceil(decades))
    return {"type": "log", "nticks": labels, "tickformat": "~s" if short else ",.6~r"}


def round_numbers(low: float, high: float) -> list[float]:
    """Round numbers from low to high, both above zero, ascending: four to ten of them, evenly spread on a log axis as far as
    round numbers can be; where low is high, a few around it."""
    if low == high:
        low, high = low / 1.25, 1.25 * high
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        values = [float(f"{digit}e{power}") for power in decades for digit in digits]
        within = [value for value in values if low <= value <= high]
        if len(within) > MIN_LABELS:
            return within[:: 1 + len(within) // (MAX_LOG_LABELS + 2)]
    power = math.floor(math.log10(high - low))
    for step in (float(f"{digit}e{power - less}") for less in (0, 1) for digit in (5, 2, 1)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 >= MIN_LABELS:
            break
    return [round(number * step, 12) for number in range(first, last + 1)]


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
    fig.is_empty = True
    fig.add_annotation(text=sentence, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 16})
    fig.update_xaxes(showticklabels=False, showgrid=False)
    fig.update_yaxes(showticklabels=False, showgrid=False)
    return fig
