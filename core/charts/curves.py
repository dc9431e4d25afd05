"""Learning curves of several runs on one pair of axes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.charts.axis import X_TITLES, Metric, X, hover_format, say_left_out, set_axes, x_values, y_title, y_values
from core.charts.figure import Figure, Trace, extent_of, legend_entry, scatter
from core.charts.looks import Look, marker
from core.charts.parts import Part, described, joined, left_out, widest
from core.charts.theme import GREY, empty, finish, in_percent
from core.charts.thinning import thin
from core.charts.words import after_epoch
from core.fields import SPLIT_WORDS

__all__ = ["Line", "Metric", "X", "curves_figure", "describe_curves"]

# What the two lines of a run are called. Training is not measured like validation, and the chart has to say so.
LINE_WORDS: Mapping[str, str] = {
    "val": SPLIT_WORDS["val"], "train": "training, while learning", "true": "training, by the true labels",
}  # fmt: skip
DASHES: Mapping[str, str] = {"train": "dot", "val": "solid", "true": "dashdot"}
POINTS_PER_LINE = 300
# A small triangle that points at the best epoch from below, so that the curve stays in sight.
BEST_MARK: Mapping[str, Any] = MappingProxyType({"symbol": "triangle-up", "size": 8, "standoff": 9})
Flags = NDArray[np.bool_]
MARKER_PIXELS = 7  # small, but so that shapes are told apart
SHAPES_PER_LINE = 20  # markers, so that colours that repeat are still told apart


@dataclass(frozen=True, eq=False, slots=True)
class Line:
    """One run on the chart.

    name: any text · history: as ``core.analysis.history.frame`` returns it
    multiply_adds: of learning from one image; without it the run is left out where they are the axis
    smoothed: the history smoothed, row by row (``core.analysis.history.smoothed``); then the measured line stays, thin and pale
    """

    name: str
    look: Look
    history: pd.DataFrame
    multiply_adds: int | None = None
    smoothed: pd.DataFrame | None = None


class _Scale(NamedTuple):
    x: X
    metric: Metric
    log_axis: bool


def curves_figure(series: Sequence[Line], *, x: X = "epoch", metric: Metric = "loss", log_y: bool = False) -> Figure:
    """Training dotted, validation solid, a small mark under the best epoch; up to 300 points a line, one legend entry a run.
    Of a run that was told wrong labels also what it reads in training images by their true ones, in dashes and dots.

    Training is drawn as it was measured while learning, with dropout and augmentation on.

    x: "multiply_adds" are those of all images learned from so far, in billions
    log_y spreads the axis where it gets interesting: small losses, or accuracies close to 100 % (by the share of errors)
    Training is drawn from the points inside the epochs where there are enough of them, else from whole epochs.
    Drawn for up to ten runs; which axis is chosen never changes how high a point stands.
    """
    parts, names = (
        [curve_part(line, x=x, metric=metric, log_y=log_y) for line in series],
        [line.name for line in series],
    )
    return joined(parts, names, curves_frame(parts, names, x=x, metric=metric, log_y=log_y))


def curve_part(line: Line, *, x: X = "epoch", metric: Metric = "loss", log_y: bool = False) -> Part:
    """What one run adds to ``curves_figure``; its name plays no part."""
    history, scale = line.history, _Scale(x, metric, log_y and metric == "accuracy")
    rank, words = _words(history, metric)
    if history.empty or not np.isfinite(x_values(history, x, line.multiply_adds)).any():
        return Part(begun=not history.empty, rank=rank, words=words)
    traces: list[Trace] = []
    kinds: set[str] = set() if line.smoothed is None else {"smoothed"}
    points = {"val": _of_split(history, "val"), "train": _training(history), "true": _of_split(history, "true")}
    for split, mask in points.items():
        if not mask.any():
            continue
        is_first = not kinds & points.keys()
        traces += (
            {**trace, "showlegend": trace.get("showlegend", True) and is_first}
            for trace in _traces(line, mask, split, scale)
        )
        kinds.add(split)
    best = np.flatnonzero(history["is_best"].to_numpy(bool))[-1:]
    epochs = history["epoch"].to_numpy(np.float64)
    # Before the first epoch has ended, nothing was better than anything.
    if best.size and (history["whole_epoch"].to_numpy(bool) & (epochs > 0)).any():
        kinds.add("best")
        traces.append(_best_mark(best, line, scale))
    return Part(
        tuple(traces), begun=True, drawn=True, kinds=frozenset(kinds), x=extent_of(traces, "x"), y=extent_of(traces, "y"),
        last_epoch=float(epochs.max()), rank=rank, words=words,
    )  # fmt: skip


def curves_frame(
    parts: Sequence[Part], names: Sequence[str], *, x: X = "epoch", metric: Metric = "loss", log_y: bool = False
) -> Figure:
    """All of ``curves_figure`` but the runs' own lines: axes, key, and what is said above the plot."""
    title, drawn = y_title(metric, log_y), [part for part in parts if part.drawn]
    if not drawn:
        begun = any(part.begun for part in parts)
        fig = empty("Nothing to draw on this axis" if begun else "No points yet", X_TITLES[x], title)
        say_left_out(fig, x, left_out(parts, names))
        return fig
    fig = Figure(*_key(frozenset().union(*(part.kinds for part in drawn))))
    # A narrow screen shows two names side by side; the legend must not eat the plot.
    finish(fig, X_TITLES[x], title, height=380 + 22 * max(0, (len(drawn) - 3) // 2))
    extents = (widest(part.x for part in drawn), widest(part.y for part in drawn))
    set_axes(fig, x, metric, log_y, max(part.last_epoch for part in drawn), extents)
    say_left_out(fig, x, left_out(parts, names))
    return fig


def describe_curves(series: Sequence[Line], *, metric: Metric = "loss") -> str:
    """One sentence: each run's validation figure at its best epoch, the best run first (five at most)."""
    parts = [Part(rank=rank, words=words) for rank, words in (_words(line.history, metric) for line in series)]
    return curves_sentence(parts, [line.name for line in series], metric=metric)


def curves_sentence(parts: Sequence[Part], names: Sequence[str], *, metric: Metric = "loss") -> str:
    """The same of runs of which only the parts are at hand."""
    texts = described(parts, names)
    return (
        f"Validation {metric} at the best epoch: {texts}."
        if texts
        else "Learning curves without a validation point yet."
    )


def _words(history: pd.DataFrame, metric: Metric) -> tuple[float, str]:
    """A run's validation figure at its best epoch: its place among others, and in words; "" before there is one."""
    values = history[metric].to_numpy(np.float64)
    best = np.flatnonzero(_of_split(history, "val") & history["is_best"].to_numpy(bool) & ~np.isnan(values))[-1:]
    if not best.size:
        return 0.0, ""
    value, epoch = float(values[best[0]]), float(history["epoch"].to_numpy(np.float64)[best[0]])
    text = f"{value:.4f} nats" if metric == "loss" else in_percent(value)
    return (value if metric == "loss" else -value), f"{text} {after_epoch(epoch)}"


def _of_split(history: pd.DataFrame, split: str) -> Flags:
    """Which points are of this split, (n,)."""
    return (history["split"] == split).to_numpy(bool)


def _training(history: pd.DataFrame) -> Flags:
    """A fast run reports fewer points inside its epochs than it has epochs; whole epochs are then the finer line."""
    ends: Flags = history["whole_epoch"].to_numpy(bool)
    points = _of_split(history, "train")
    inside, whole = points & ~ends, points & ends
    return inside if inside.sum() > whole.sum() else whole


def _traces(line: Line, mask: Flags, split: str, scale: _Scale) -> list[Trace]:
    """The line of one split: as measured, or pale as measured below smoothed."""
    measured = _trace(line, line.history, mask, split, scale)
    if line.smoothed is None:
        return [measured]
    factor, digits, unit = hover_format(scale.metric)
    raw = line.history[scale.metric].to_numpy(np.float64)[mask] * factor
    smoothed = _trace(line, line.smoothed, mask, split, scale, raw)
    smoothed["hovertemplate"] = (
        f"%{{customdata[0]:{digits}}} {unit}, {LINE_WORDS[split]} smoothed (%{{customdata[1]:{digits}}} measured)"
    )
    measured |= {"mode": "lines", "opacity": 0.45, "hoverinfo": "skip", "showlegend": False, "hovertemplate": None}
    measured["line"] = measured["line"] | {"width": 1}
    return [measured, smoothed]


def _trace(
    line: Line, table: pd.DataFrame, mask: Flags, split: str, scale: _Scale, beside: np.ndarray | None = None
) -> Trace:
    """The rows of a table that the mask (n,) names; ``beside`` (of these rows): a second figure for the hover text."""
    x, metric, log_axis = scale
    places, values = x_values(table, x, line.multiply_adds)[mask], table[metric].to_numpy(np.float64)[mask]
    heights = y_values(values, metric, log_axis)
    best = np.flatnonzero(table["is_best"].to_numpy(bool)[mask])[-1:]
    kept = thin(places, heights, POINTS_PER_LINE, best.tolist())
    factor, digits, unit = hover_format(metric)
    hover_values = values * factor if beside is None else np.stack([values * factor, beside], axis=1)
    validation, n = split == "val", len(values)
    return scatter(
        x=places[kept], y=heights[kept], customdata=hover_values[kept], cliponaxis=False,
        mode="lines+markers" if validation or n == 1 else "lines",
        line={"color": line.look.colour, "dash": DASHES[split], "width": 2 if validation else 1.5},
        marker=marker(line.look, MARKER_PIXELS, maxdisplayed=0 if n <= 2 * SHAPES_PER_LINE else SHAPES_PER_LINE),
        hovertemplate=f"%{{customdata:{digits}}} {unit}, {LINE_WORDS[split]}",
    )  # fmt: skip


def _best_mark(best: NDArray[np.int64], line: Line, scale: _Scale) -> Trace:
    """best (1,): its row"""
    values = line.history[scale.metric].to_numpy(np.float64)[best]
    return scatter(
        x=x_values(line.history, scale.x, line.multiply_adds)[best], y=y_values(values, scale.metric, scale.log_axis),
        mode="markers", showlegend=False, hoverinfo="skip", cliponaxis=False,
        marker={**BEST_MARK, "color": line.look.colour},
    )  # fmt: skip


def _key(shown: Collection[str]) -> list[Trace]:
    """Grey legend entries that say what dash and mark mean."""
    entries = {
        "val": legend_entry(name=LINE_WORDS["val"], mode="lines", line={"color": GREY, "dash": "solid", "width": 2}),
        "train": legend_entry(name=LINE_WORDS["train"], mode="lines", line={"color": GREY, "dash": "dot", "width": 2}),
        "true": legend_entry(
            name=LINE_WORDS["true"], mode="lines", line={"color": GREY, "dash": "dashdot", "width": 2}
        ),
        "best": legend_entry(name="best epoch", mode="markers", marker={**BEST_MARK, "color": GREY, "standoff": 0}),
        "smoothed": legend_entry(name="pale: as measured", mode="lines", line={"color": GREY, "width": 1}, opacity=0.5),
    }
    return [trace for name, trace in entries.items() if name in shown]
