"""How often each pair of networks gives the same answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.charts.confusion import INK, cells
from core.charts.figure import Figure
from core.charts.theme import empty, finish, in_percent, label


def agreement(shares: NDArray[np.float64], names: Sequence[str], n: int, *, dark: bool = False) -> go.Figure:
    """Percent of images that row and column read alike in every cell; colour only for disagreement, the diagonal stays grey.

    shares (R, R) symmetric fractions (``core.analysis.pairs.agreement``) · names: R texts of any kind · n: images
    dark: the page is dark; the numbers stand on cells that let it shine through
    """
    count = len(shares)
    x_title, y_title = "Run (cells: % read alike)", "Run (number)"
    if count < 2:
        return empty("Two runs are needed", x_title, y_title).built()
    percent = 100 * np.asarray(shares, np.float64)
    fig = Figure()
    fig.add_trace(
        cells(100 - percent)
        | {
            "text": [[f"{value:.2f}" if count <= 6 else f"{value:.1f}" for value in row] for row in percent],
            "texttemplate": "%{text}", "textfont": {"color": INK[dark], "size": 12}, "customdata": _pairs(names, percent),
            "hovertemplate": "%{customdata[0]}<br>and %{customdata[1]}<br>"
            f"%{{customdata[2]:.2f}} % of {n:,} images read alike<extra></extra>",
        }
    )  # fmt: skip
    finish(fig, x_title, y_title, height=130 + 40 * max(3, count))
    fig.update_layout(hovermode="closest", dragmode=False)
    ticks = {"tickmode": "array", "tickvals": list(range(count)), "showgrid": False, "fixedrange": True}
    # Names along the left only: a narrow screen has no room for them twice.
    fig.update_xaxes(ticks | {"ticktext": [str(i + 1) for i in range(count)]})
    fig.update_yaxes(
        ticks | {"ticktext": [f"{label(name, 20)}  {i + 1}" for i, name in enumerate(names)], "autorange": "reversed"}
    )
    return fig.built()


def describe_agreement(shares: NDArray[np.float64], names: Sequence[str], n: int) -> str:
    """One sentence: the pair that agrees most and the pair that agrees least. Takes what ``agreement`` takes."""
    pairs = [(float(shares[i, j]), names[i], names[j]) for i in range(len(names)) for j in range(i)]
    if not pairs:
        return "Agreement between runs: two are needed."
    (least, a, b), (most, c, d) = min(pairs), max(pairs)
    if len(pairs) == 1:
        return f"{b} and {a} read {in_percent(least)} of {n:,} images alike."
    return (
        f"Of {n:,} images {d} and {c} read most alike ({in_percent(most)}), {b} and {a} fewest ({in_percent(least)})."
    )


def _pairs(names: Sequence[str], percent: NDArray[np.float64]) -> list[list[list[str | float]]]:
    labels = [label(name) for name in names]
    return [[[row, column, float(percent[i, j])] for j, column in enumerate(labels)] for i, row in enumerate(labels)]
