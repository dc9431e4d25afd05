"""Learning curves of the same network from several seeds: their mean, and how far luck takes them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.charts.axis import X_TITLES, Metric, X, hover_format, say_left_out, set_axes, x_values, y_title, y_values
from core.charts.curves import POINTS_PER_LINE, SHAPES_PER_LINE
from core.charts.figure import Figure, Trace, legend_entry, scatter
from core.charts.looks import Look, marker
from core.charts.theme import GREY, empty, finish, in_percent, label, listed, pale
from core.charts.thinning import thin
from core.charts.words import after_epoch

MIN_BAND_SEEDS = 3  # seeds for a band; below that each is a line of its own


@dataclass(frozen=True, eq=False, slots=True)
class Band:
    """The runs of one condition.

    name: any text · look: of its first run
    histories: one per seed, as ``core.analysis.history.frame`` returns them
    multiply_adds: of learning from one image; without it the band is left out where they are the axis
    """

    name: str
    look: Look
    histories: Sequence[pd.DataFrame]
    multiply_adds: int | None = None


def bands(series: Sequence[Band], *, x: X = "epoch", metric: Metric = "loss", log_y: bool = False) -> go.Figure:
    """Validation figures after each epoch: the mean over seeds solid, and from three seeds on a band from lowest to highest.

    With fewer seeds each is a thin line, for two points are no spread. The mean is over the seeds that have reached that
    epoch, which the hover text counts; the band ends where fewer than three are left. On an axis where the seeds stand at
    different places (seconds), the mean stands at their mean place. x and log_y: as for ``curves_figure``
    """
    title = y_title(metric, log_y)
    tables = [(band, _points(band, x, metric)) for band in series]
    begun = [(band, points) for band, points in tables if not points.empty]
    drawn = [(band, points) for band, points in begun if points["place"].notna().any()]
    left_out = [band.name for band, points in begun if points["place"].isna().all()]
    if not drawn:
        fig = empty("Nothing to draw on this axis" if begun else "No points yet", X_TITLES[x], title)
        say_left_out(fig, x, left_out)
        return fig.built()
    fig = Figure()
    wide = [n_seeds(band) >= MIN_BAND_SEEDS for band, _ in drawn]
    log_axis = log_y and metric == "accuracy"
    for number, ((band, points), is_wide) in enumerate(zip(drawn, wide, strict=True)):
        traces = _band(band, points, metric, log_axis) if is_wide else _single(band, points, metric, log_axis)
        for trace in traces:
            fig.add_trace(trace | {"legendgroup": f"band {number}"})
    for trace in key(any(wide), not all(wide)):
        fig.add_trace(trace)
    finish(fig, X_TITLES[x], title, height=380 + 22 * max(0, (len(drawn) - 3) // 2))
    last_epoch = max(float(points["epoch"].max()) for _, points in drawn)
    set_axes(fig, x, metric, log_y, last_epoch, (fig.extent("x"), fig.extent("y")))
    say_left_out(fig, x, left_out)
    return fig.built()


def describe_bands(series: Sequence[Band], *, metric: Metric = "loss") -> str:
    """One sentence: mean, lowest and highest validation figure at the last epoch that all seeds reached, the best first."""
    ranked: list[tuple[float, str]] = []
    for band in series:
        table = summary(_points(band, "epoch", metric))
        table = table[table["n"] == table["n"].max()].tail(1)
        if not table.empty:
            mean, low, high = (float(table[column].iloc[0]) for column in ("mean", "low", "high"))
            n, epoch = int(table["n"].iloc[0]), float(table["epoch"].iloc[0])
            figures = [f"{value:.4f}" if metric == "loss" else in_percent(value) for value in (mean, low, high)]
            unit = " nats" if metric == "loss" else ""
            range_of = f" ({figures[1]} to {figures[2]} over {n} seeds)" if n > 1 else " (one seed)"
            ranked.append(
                (mean if metric == "loss" else -mean, f"{band.name} {figures[0]}{unit}{range_of} {after_epoch(epoch)}")
            )
    if not ranked:
        return "Curves over seeds without a validation point yet."
    return f"Validation {metric}, mean and lowest to highest seed: {listed([text for _, text in sorted(ranked)])}."


def n_seeds(band: Band) -> int:
    """Runs that have anything to show."""
    return sum(not history.empty for history in band.histories)


def summary(points: pd.DataFrame) -> pd.DataFrame:
    """Mean, lowest and highest over the seeds: columns epoch, place, mean, low, high, n; ascending by epoch.

    points: columns seed, epoch, place, value. An epoch counts when every seed that went past it has it: a run that was cut
    in the middle of an epoch stands alone there, and says nothing about the others.
    """
    # Five groupings by pandas would take most of the time that a page with 60 runs needs.
    seeds, epochs, places, values = (points[name].to_numpy(np.float64) for name in ("seed", "epoch", "place", "value"))
    order = np.lexsort((seeds, epochs))
    ticks, starts, n = np.unique(epochs[order], return_index=True, return_counts=True)
    low, high = (of.reduceat(values[order], starts) if len(starts) else values for of in (np.minimum, np.maximum))
    mean = np.add.reduceat(values[order], starts) / n if len(starts) else values
    place = pd.Series(places).groupby(epochs).mean().to_numpy()  # skips seeds whose place is not known
    table = pd.DataFrame({"epoch": ticks, "place": place, "mean": mean, "low": low, "high": high, "n": n})
    ends = np.array([epochs[seeds == seed].max() for seed in np.unique(seeds)])
    reached = np.array([(ends >= epoch).sum() for epoch in ticks], np.int64)
    return pd.DataFrame(table[n == reached]).reset_index(drop=True)


def ribbon(x: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], colour: str) -> Trace:
    """The area between two lines over x, each (n,), in a pale colour; no hover text, no legend entry."""
    under, over = (thin(x, line, POINTS_PER_LINE) for line in (low, high))
    return scatter(
        x=np.r_[x[under], x[over][::-1]], y=np.r_[low[under], high[over][::-1]], fill="toself", mode="lines",
        line={"width": 0, "color": colour}, fillcolor=pale(colour), hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def key(wide: bool, single: bool) -> list[Trace]:
    """Grey legend entries that say what line and area mean."""
    entries = [
        legend_entry(name="mean over seeds", mode="lines", line={"color": GREY, "width": 2.5}),
        legend_entry(
            name="lowest to highest seed", mode="markers",
            marker={"symbol": "square", "size": 13, "color": pale(GREY, 0.35), "line": {"width": 0}},
        ),
    ]  # fmt: skip
    thin_line = legend_entry(name="one seed", mode="lines", line={"color": GREY, "width": 1.2})
    return entries * wide + [thin_line] * single


def _points(band: Band, x: X, metric: Metric) -> pd.DataFrame:
    """Columns seed (position), epoch, place on the axis, value: the validation figures at the ends of epochs."""
    seeds, *columns = [np.empty(0, np.int64)], [np.empty(0)], [np.empty(0)], [np.empty(0)]
    for seed, history in enumerate(band.histories):
        whole = history["whole_epoch"].to_numpy(bool) & ~np.isnan(history[metric].to_numpy(np.float64))
        keep = whole & (history["split"].to_numpy(object) == "val")
        seeds.append(np.full(keep.sum(), seed))
        values = (
            history["epoch"].to_numpy(np.float64),
            x_values(history, x, band.multiply_adds),
            history[metric].to_numpy(np.float64),
        )
        for column, numbers in zip(columns, values, strict=True):
            column.append(numbers[keep])
    epoch, place, value = (np.concatenate(column) for column in columns)
    return pd.DataFrame({"seed": np.concatenate(seeds), "epoch": epoch, "place": place, "value": value})


def _band(band: Band, points: pd.DataFrame, metric: Metric, log_axis: bool) -> list[Trace]:
    table = summary(points)
    place = table["place"].to_numpy(np.float64)
    heights = {name: y_values(table[name].to_numpy(np.float64), metric, log_axis) for name in ("mean", "low", "high")}
    factor, digits, unit = hover_format(metric)
    hover_values = np.c_[table[["mean", "low", "high"]].to_numpy(np.float64) * factor, table["n"].to_numpy()]
    kept = thin(place, heights["mean"], POINTS_PER_LINE)
    enough = table["n"].to_numpy() >= MIN_BAND_SEEDS
    n = n_seeds(band)
    area = ribbon(place[enough], heights["low"][enough], heights["high"][enough], band.look.colour)
    mean = scatter(
        x=place[kept], y=heights["mean"][kept], customdata=hover_values[kept], cliponaxis=False,
        name=f"{label(band.name)}, {n} seeds", mode="lines+markers", line={"color": band.look.colour, "width": 2.5},
        marker=marker(band.look, 6, maxdisplayed=0 if len(table) <= 2 * SHAPES_PER_LINE else SHAPES_PER_LINE),
        hovertemplate=f"%{{customdata[0]:{digits}}} {unit}, mean of %{{customdata[3]:d}} of {n} seeds "
        f"(%{{customdata[1]:{digits}}} to %{{customdata[2]:{digits}}})<extra>{label(band.name, 24)}</extra>",
    )  # fmt: skip
    return [area, mean]


def _single(band: Band, points: pd.DataFrame, metric: Metric, log_axis: bool) -> list[Trace]:
    factor, digits, unit = hover_format(metric)
    traces, n = [], n_seeds(band)
    name = label(band.name) if n == 1 else f"{label(band.name)}, {n} seeds"
    for place_in_band, (_, rows) in enumerate(points.groupby("seed")):
        values = rows["value"].to_numpy(np.float64)
        place, heights = rows["place"].to_numpy(np.float64), y_values(values, metric, log_axis)
        kept = thin(place, heights, POINTS_PER_LINE)
        traces.append(
            scatter(
                x=place[kept], y=heights[kept], customdata=values[kept] * factor, name=name, cliponaxis=False,
                showlegend=place_in_band == 0, mode="lines+markers", line={"color": band.look.colour, "width": 1.2},
                marker=marker(band.look, 5, maxdisplayed=0 if len(rows) <= 2 * SHAPES_PER_LINE else SHAPES_PER_LINE),
                hovertemplate=f"%{{customdata:{digits}}} {unit}, seed {place_in_band + 1} of {n}"
                f"<extra>{label(band.name, 24)}</extra>",
            )
        )  # fmt: skip
    return traces
