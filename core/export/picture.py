"""Our charts as a picture for a report: vector (SVG) and pixels (PNG), with a title above and a caption below.

matplotlib draws it, for Plotly needs a browser for that. Lines keep their colours, dashes and markers, areas and bars their
filling.
"""

from __future__ import annotations

import html
import io
import math
import re
import textwrap
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from matplotlib.transforms import offset_copy

MIN_PANELS = 1.5  # that a single chart is as wide as, for its caption
PANEL_INCHES, PLOT_INCHES, LINE_INCHES = 4.6, 3.2, 0.19  # width and height of one chart, height of a line of text
POINTS_PER_PIXEL = 0.75
PNG_DOTS_PER_INCH = 200
MIN_LABEL_SHARE = 0.08  # of an axis, between two labels
LETTERS_PER_INCH = 15.5  # of the caption
LEFT_INCHES = 0.67  # beside a chart, where its labels are numbers
LABEL_INCHES = 0.065  # what a letter of other labels takes
INK, GRID = "#31333f", "#d9dbe0"
FONT_POINTS, SMALL_POINTS = 9, 8
DASHES: Mapping[str, Any] = MappingProxyType(
    {"solid": "-", "dot": ":", "dash": "--", "dashdot": "-.", "longdash": (0, (8, 4))}
)
# Plotly's symbols as matplotlib has them: a letter, or corners, kind (0: polygon, 1: star) and degrees.
SYMBOLS: Mapping[str, Any] = MappingProxyType(
    {
        "circle": "o", "square": "s", "diamond": "D", "diamond-tall": "d", "diamond-wide": MarkerStyle("d").rotated(deg=90),
        "triangle-up": "^", "triangle-down": "v", "triangle-left": "<", "triangle-right": ">", "pentagon": "p",
        "hexagon": "h", "hexagon2": "H", "octagon": "8", "star": "*", "cross": "P", "x": "X", "hexagram": (6, 1, 0),
        "star-square": (4, 1, 45), "star-diamond": (4, 1, 0), "star-triangle-up": (3, 1, 0), "star-triangle-down": (3, 1, 60),
        "x-thin": "x", "cross-thin": "+", "asterisk": (8, 2, 0),
    }
)  # fmt: skip
# Where a text stands from its point: Plotly's words -> points to the right and up.
TEXT_OFFSETS: Mapping[str, int] = MappingProxyType(
    {"left": -1, "center": 0, "right": 1, "bottom": -1, "middle": 0, "top": 1}
)
TEXT_POINTS = 8
THOUSAND = 1_000.0  # from there on the thousands of a number stand apart
_RGBA = re.compile(r"rgba?\((\d+), ?(\d+), ?(\d+)(?:, ?([\d.]+))?\)")


class Picture(NamedTuple):
    svg: bytes
    png: bytes


def picture(charts: Sequence[go.Figure], title: str, caption: str) -> Picture:
    """Charts of lines, points, areas, bars and cells beside each other, with the legend of all of them below.

    title, caption: any text. The same charts give the same bytes.
    """
    width = PANEL_INCHES * max(len(charts), MIN_PANELS)
    lines = textwrap.wrap(caption, math.floor(LETTERS_PER_INCH * width))
    entries = _entries(charts)
    columns = max(1, min(len(entries), 2 * len(charts)))
    n_legend = math.ceil(len(entries) / columns)
    foot = 0.15 + LINE_INCHES * (len(lines) + 1.3 * n_legend + 0.5)
    height = PLOT_INCHES + foot + 0.45
    figure = Figure((width, height), facecolor="white")
    figure.text(0.12 / width, 1 - 0.12 / height, title, va="top", fontsize=11, color=INK, parse_math=False)
    figure.text(
        0.12 / width, 0.1 / height, "\n".join(lines), va="bottom", fontsize=SMALL_POINTS, color=INK, linespacing=1.45,
        parse_math=False,
    )  # fmt: skip
    for place, chart in enumerate(charts):
        beside = _left_inches(chart)
        left, room = place / len(charts) + beside / width, 1 / len(charts) - (beside + 0.11) / width
        axes = figure.add_axes((left, (foot + 0.5) / height, room, (PLOT_INCHES - 0.6) / height))
        _draw(figure, axes, chart)
    if entries:
        legend = figure.legend(
            list(entries.values()), list(entries), loc="lower left", ncols=columns, frameon=False, fontsize=SMALL_POINTS,
            bbox_to_anchor=(0.0, (0.12 + LINE_INCHES * (len(lines) + 0.2)) / height), labelcolor=INK, handlelength=2.6,
        )  # fmt: skip
        for text in legend.get_texts():
            text.set_parse_math(False)
    svg, png = io.BytesIO(), io.BytesIO()
    # Text stays text, which can be searched and set in another font; the names of its parts come from no clock.
    with _drawing(), rc_context({"svg.fonttype": "none", "svg.hashsalt": "digit-lab"}):
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": "Digit Lab", "Title": title})
    figure.savefig(png, format="png", dpi=PNG_DOTS_PER_INCH, metadata={"Software": "Digit Lab"})
    return Picture(svg.getvalue(), png.getvalue())


@cache
def _drawing() -> threading.Lock:
    """matplotlib's settings are those of the whole process, so one picture is written at a time."""
    return threading.Lock()


def _left_inches(chart: go.Figure) -> float:
    """What the labels of the vertical axis take, with its title. Bars have names there, not numbers."""
    texts = [] if chart.layout.yaxis.showticklabels is False else (chart.layout.yaxis.ticktext or [])
    lines = [line for text in texts for line in _words(str(text)).split("\n")]
    if not texts:
        numbers = np.concatenate([_numbers(trace.y) for trace in chart.data if trace.type != "bar"] or [np.empty(0)])
        lines = [f"{number:,.0f}" for number in numbers[np.isfinite(numbers)]]
    return max(LEFT_INCHES, 0.25 + LABEL_INCHES * max(map(len, lines), default=0))


def _entries(charts: Sequence[go.Figure]) -> dict[str, Line2D]:
    """What the legend says, each name once: name -> how it is drawn."""
    entries: dict[str, Line2D] = {}
    for chart in charts:
        for trace in () if chart.layout.showlegend is False else chart.data:
            name = _words(trace.name or "")
            if name and trace.showlegend is not False and name not in entries:
                entries[name] = Line2D([], [], **_style(trace))
    return entries


def _draw(figure: Figure, axes: Axes, chart: go.Figure) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("bottom", "left"):
        axes.spines[side].set_color(GRID)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=SMALL_POINTS, length=0)
    for shape in chart.layout.shapes:
        _draw_rectangle(axes, shape)
    for number, trace in enumerate(chart.data):
        if trace.type == "heatmap":
            _shade(axes, trace)
            continue
        if trace.type == "bar":
            _draw_bars(axes, trace)
            continue
        x, y = _numbers(trace.x), _numbers(trace.y)
        if trace.fill == "toself":
            axes.fill(x, y, **_colour(trace.fillcolor), linewidth=0, zorder=1)
        elif np.isfinite(y).any():
            every = _every(len(x), trace.marker.maxdisplayed or 0)
            place: dict[str, Any] = {}
            if standoff := trace.marker.standoff:  # a mark that points at the line from below it
                below = offset_copy(axes.transData, figure, y=-standoff * POINTS_PER_PIXEL, units="points")
                place = {"transform": below}
            # What was drawn later lies above.
            axes.plot(x, y, **_style(trace), **place, markevery=every, zorder=2 + number / 1000, clip_on=False)
            if "text" in (trace.mode or ""):
                _write(axes, trace)
    for words, axis, set_label in (
        ("x", chart.layout.xaxis, axes.set_xlabel),
        ("y", chart.layout.yaxis, axes.set_ylabel),
    ):
        _set_axis(axes, words, axis)
        set_label(_words(axis.title.text or ""), fontsize=FONT_POINTS, color=INK, parse_math=False)
    for note in chart.layout.annotations:
        is_high = note.y == 1
        axes.text(
            note.x, 1.02 if is_high else note.y, _words(note.text), transform=axes.transAxes, fontsize=SMALL_POINTS, color=INK,
            ha="right" if note.xanchor == "right" else "left" if is_high else "center", va="bottom" if is_high else "baseline",
            parse_math=False,
        )  # fmt: skip


def _draw_bars(axes: Axes, trace: Any) -> None:
    """Bars that lie, from the lowest place up, each with its colour and hatching."""
    patterns = [{"": "", ".": ".."}.get(shape, 2 * shape) for shape in trace.marker.pattern.shape]
    for place, (length, colour, hatch) in enumerate(zip(trace.x, trace.marker.color, patterns, strict=True)):
        look = _colour(colour)
        axes.barh(
            place, length, height=trace.width, facecolor=(look["color"], look.get("alpha", 1.0) / (2 if hatch else 1)),
            edgecolor=look["color"], hatch=hatch, linewidth=0.8, zorder=2,
        )  # fmt: skip


def _draw_rectangle(axes: Axes, shape: Any) -> None:
    """An area that reaches over the whole chart in one direction."""
    is_wide = shape.xref == "paper"
    filling, edge = _colour(shape.fillcolor), shape.line
    axes.add_patch(
        Rectangle(
            (shape.x0, shape.y0), shape.x1 - shape.x0, shape.y1 - shape.y0, zorder=1,
            transform=axes.get_yaxis_transform() if is_wide else axes.get_xaxis_transform(),
            facecolor=(filling["color"], filling.get("alpha", 1.0)), edgecolor=edge.color or "none",
            linewidth=edge.width * POINTS_PER_PIXEL, linestyle=DASHES[edge.dash or "solid"],
        )
    )  # fmt: skip


def _write(axes: Axes, trace: Any) -> None:
    """The texts beside the points of a trace."""
    where = trace.textposition or "middle center"
    positions = [where] * len(trace.x) if isinstance(where, str) else where
    for x, y, text, position in zip(trace.x, trace.y, trace.text, positions, strict=True):
        vertical, horizontal = position.split()
        right, up = TEXT_OFFSETS[horizontal], TEXT_OFFSETS[vertical]
        axes.annotate(
            _words(text), (x, y), (TEXT_POINTS * right, TEXT_POINTS * up), textcoords="offset points", fontsize=SMALL_POINTS,
            color=INK, ha=("right", "center", "left")[right + 1], va=("top", "center", "bottom")[up + 1], zorder=3,
            parse_math=False,
        )  # fmt: skip


def _shade(axes: Axes, trace: Any) -> None:
    """The cells of a heatmap in their colours; one without a value stays empty."""
    values = np.array(trace.z, np.float64)
    rows, columns = (np.arange(n + 1) - 0.5 for n in values.shape)
    stops = [(at, to_rgba(*_colour(colour).values())) for at, colour in trace.colorscale]
    axes.grid(visible=False)
    axes.pcolormesh(
        columns, rows, np.ma.masked_invalid(values), cmap=LinearSegmentedColormap.from_list("cells", stops),
        vmin=trace.zmin, vmax=trace.zmax, edgecolors="white", linewidth=1, zorder=1,
    )  # fmt: skip


def _set_axis(axes: Axes, name: str, axis: Any) -> None:
    """Scale, direction, range and labels. axis: Plotly's"""
    own = axes.xaxis if name == "x" else axes.yaxis
    set_limits = axes.set_xlim if name == "x" else axes.set_ylim
    plain = FuncFormatter(lambda value, _place: f"{value:,.0f}" if value >= THOUSAND else _positional(value))
    thousands = FuncFormatter(lambda value, _place: f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}")
    if axis.type == "log":
        (axes.set_xscale if name == "x" else axes.set_yscale)("log")
        own.set_major_locator(LogLocator(subs=(1, 2, 5)))
        own.set_major_formatter(plain)
        own.set_minor_formatter(NullFormatter())
    else:
        own.set_major_locator(MaxNLocator(min(axis.nticks or 6, 8), steps=(1, 2, 5, 10)))
        own.set_major_formatter(thousands)
    if axis.range is not None and axis.type != "log":
        set_limits(*axis.range)
    elif axis.rangemode == "tozero" and axis.type != "log":
        set_limits(0)
    if axis.autorange == "reversed":
        own.set_inverted(True)
    if axis.tickvals is not None:
        values, texts = _numbers(axis.tickvals), [_words(str(text)) for text in axis.ticktext or axis.tickvals]
        own.set_ticks(values, _apart(values, texts) if axis.type == "log" else texts)
        own.set_minor_locator(NullLocator())
    if axis.showticklabels is False:
        own.set_ticks([])
    if axis.side == "top":
        axes.xaxis.tick_top()


def _positional(value: float) -> str:
    return np.format_float_positional(value, precision=6, trim="-")


def _apart(values: np.ndarray[Any, np.dtype[np.float64]], texts: list[str]) -> list[str]:
    """The labels without those that the next one would be written over, on a log axis of ascending values."""
    shares = np.log(values / values[0]) / max(np.log(values[-1] / values[0]), 1e-9)
    return [
        "" if place + 1 < len(texts) and abs(shares[place + 1] - shares[place]) < MIN_LABEL_SHARE else text
        for place, text in enumerate(texts)
    ]


def _style(trace: Any) -> dict[str, Any]:
    """Line and marker of a scatter trace, with matplotlib's names."""
    mode = trace.mode or "lines+markers"
    style: dict[str, Any] = {"linestyle": "none", "marker": "none", "alpha": trace.opacity}
    if "lines" in mode:
        style |= {
            "linestyle": DASHES[trace.line.dash or "solid"], "linewidth": (trace.line.width or 2) * POINTS_PER_PIXEL,
            "color": trace.line.color,
        }  # fmt: skip
    if "markers" in mode:
        symbol = trace.marker.symbol or "circle"
        colour = _colour(trace.marker.color)
        is_open = "-open" in symbol
        own_line = trace.marker.line
        style |= {
            "marker": SYMBOLS[symbol.removesuffix("-open")],
            "markersize": (trace.marker.size or 6) * POINTS_PER_PIXEL, "markeredgecolor": colour["color"],
            "markerfacecolor": "white" if is_open else colour["color"],
            "markeredgewidth": 0 if own_line.width == 0 else 1.0,
        }  # fmt: skip
        opacity = colour.get("alpha") or trace.marker.opacity
        style["alpha"] = opacity if "lines" not in mode else style["alpha"]
    return style


def _colour(text: str) -> dict[str, Any]:
    """ "#rrggbb" or "rgba(…)" -> color and alpha."""
    match = _RGBA.fullmatch(text)
    if not match:
        return {"color": text}
    red, green, blue, opacity = match.groups()
    return {"color": "#{:02x}{:02x}{:02x}".format(*map(int, (red, green, blue))), "alpha": float(opacity or 1)}


def _every(n: int, max_markers: int) -> int:
    """Each how many-th point has a marker. max_markers: 0 for all"""
    return max(1, math.ceil(n / max_markers)) if max_markers else 1


def _numbers(values: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _words(text: str) -> str:
    """A chart's text without what only a browser reads in it."""
    return html.unescape(re.sub("</?b>", "", text.replace("<br>", "\n")))
