"""Two settings at once: the mean accuracy of every pair of values, and between four cells whether the effects add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.charts.confusion import INK
from core.charts.figure import Figure, Trace, scatter
from core.charts.theme import finish, in_percent, label
from core.fields import SPLIT_WORDS, SplitName

# From the lowest mean to the highest, in a blue through which the page shines, so that its ink stays readable on every shade.
SHADES = ((0.0, "rgba(0, 114, 178, 0.05)"), (1.0, "rgba(0, 114, 178, 0.55)"))
# Where four cells meet: the marker, and what it means.
MARKS: Mapping[Literal["interact", "add up", "unknown"], tuple[str, str]] = {
    "interact": ("diamond", "effects do not add up"),
    "add up": ("cross-open", "effects add up, as far as can be told"),
    "unknown": ("circle-open", "can not be told"),
}  # fmt: skip
ROW_PIXELS, LEGEND_ROW_PIXELS = 84, 22


@dataclass(frozen=True, slots=True)
class GridAxis:
    """A setting that is varied. title: inside a sentence, such as "weight decay" · values: as texts, in order"""

    title: str
    unit: str
    values: Sequence[str]

    @classmethod
    def of(cls, factor: Mapping[str, Any]) -> GridAxis:
        """As the plan of a grid keeps a setting: its title, unit and values."""
        return cls(factor["title"], factor["unit"], factor["values"])

    @property
    def heading(self) -> str:
        """The axis title with its unit: "Epochs (epochs)", and "Dropout: value" for a setting without one."""
        title = label(self.title[:1].upper() + self.title[1:])
        return f"{title} ({label(self.unit)})" if self.unit else f"{title}: value"


def grid_cells(conditions: pd.DataFrame, split: SplitName) -> pd.DataFrame:
    """The cells as ``factor_grid`` takes them. conditions: a row a cell with …_mean and …_sd of this split,
    finished, runs"""
    names = {f"{split}_mean": "mean", f"{split}_sd": "sd", "finished": "n", "runs": "planned"}
    return conditions[list(names)].rename(columns=names).astype("float64")


def factor_grid(
    cells: pd.DataFrame,
    rows: GridAxis,
    columns: GridAxis,
    outcomes: Sequence[Literal["interact", "add up", "unknown"]],
    *,
    dark: bool = False,
) -> go.Figure:
    """A cell for each pair of values, the higher its mean the darker, with mean, standard deviation and number of seeds.

    cells: row by row, columns mean, sd (fractions, NaN where not known), n (seeds that finished), planned (seeds)
    outcomes: of the blocks of four neighbouring cells, row by row · dark: the page is dark
    """
    shape = (len(rows.values), len(columns.values))
    means = 100 * cells["mean"].to_numpy(np.float64)
    fig = Figure()
    fig.add_trace(_shades(means.reshape(shape)))
    row, column = (axis.ravel() for axis in np.indices(shape))
    texts = [_text(*values) for values in cells[["mean", "sd", "n", "planned"]].itertuples(index=False)]
    names = [
        f"{label(rows.title)} {label(first)}, {label(columns.title)} {label(second)}"
        for first, second in product(rows.values, columns.values)
    ]
    fig.add_trace(
        scatter(
            x=column, y=row, mode="text", text=texts, showlegend=False, textfont={"size": 12, "color": INK[dark]},
            customdata=names, hovertemplate="%{customdata}<br>%{text}<extra></extra>",
        )
    )  # fmt: skip
    shown = [name for name in MARKS if name in outcomes]
    for name in shown:
        symbol, words = MARKS[name]
        places = [divmod(place, shape[1] - 1) for place, outcome in enumerate(outcomes) if outcome == name]
        fig.add_trace(
            scatter(
                x=[j + 0.5 for _, j in places], y=[i + 0.5 for i, _ in places], mode="markers", name=words,
                marker={"symbol": symbol, "size": 13, "color": INK[dark], "line": {"width": 2, "color": INK[dark]}},
                hovertemplate=f"between these four cells: {words}<extra></extra>",
            )
        )  # fmt: skip
    height = 110 + ROW_PIXELS * shape[0] + LEGEND_ROW_PIXELS * len(shown)
    finish(fig, columns.heading, rows.heading, height)
    fig.update_layout(hovermode="closest", dragmode=False, showlegend=True, margin={"t": 8})
    ticks = {"tickmode": "array", "showgrid": False, "fixedrange": True, "type": "linear"}
    fig.update_xaxes(
        ticks | {"tickvals": list(range(shape[1])), "ticktext": [label(value, 14) for value in columns.values],
                 "range": [-0.5, shape[1] - 0.5]}
    )  # fmt: skip
    fig.update_yaxes(
        ticks | {"tickvals": list(range(shape[0])), "ticktext": [label(value, 14) for value in rows.values],
                 "range": [shape[0] - 0.5, -0.5]}
    )  # fmt: skip
    return fig.built()


def _shades(means: NDArray[np.float64]) -> Trace:
    """The colours of the cells; one that is not known has none."""
    finite = means[np.isfinite(means)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return {
        "type": "heatmap", "z": means, "zmin": low, "zmax": high if high > low else low + 1, "colorscale": [*map(list, SHADES)],
        "showscale": False, "hoverinfo": "skip", "xgap": 2, "ygap": 2,
    }  # fmt: skip


def _text(mean: float, sd: float, n: float, planned: float) -> str:
    """What stands in a cell: mean, standard deviation and seeds, a line each."""
    seeds = f"{n:.0f} seed{'s' * (n != 1)}" if n == planned else f"{n:.0f} of {planned:.0f} seeds"
    if not np.isfinite(mean):
        return f"–<br>{seeds}"
    spread = f"<br>± {100 * sd:.2f}" if np.isfinite(sd) else ""
    return f"<b>{in_percent(mean)}</b>{spread}<br>{seeds}"


def describe_factor_grid(
    cells: pd.DataFrame, rows: GridAxis, columns: GridAxis, *, split: SplitName, n_images: int
) -> str:
    """One sentence: what the cells show, the highest and the lowest of them. Takes what ``factor_grid`` takes."""
    means = cells["mean"].to_numpy(np.float64)
    what = f"mean {SPLIT_WORDS[split]} accuracy"
    if not np.isfinite(means).any():
        return f"{rows.title.capitalize()} and {columns.title}: no run has finished yet."

    def at(place: int) -> str:
        i, j = divmod(place, len(columns.values))
        pair = f"{rows.title} {rows.values[i]} and {columns.title} {columns.values[j]}"
        return f"{in_percent(float(means[place]))} with {pair}"

    n = sorted({int(n) for n in cells["n"]})
    seeds = f"{n[0]} to {n[-1]} seeds" if len(n) > 1 else f"{n[0]} seed{'s' * (n[0] != 1)}"
    return (
        f"{what.capitalize()} over {seeds} on {n_images:,} images in {len(cells)} cells: "
        f"highest {at(int(np.nanargmax(means)))}, "
        f"lowest {at(int(np.nanargmin(means)))}."
    )
