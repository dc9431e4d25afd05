"""The confusion matrix, with the mistakes in front and a surface to click on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.charts.figure import Figure, Trace, scatter
from core.charts.theme import SCALE, finish

Matrix = NDArray[np.integer]
QUIET = "rgba(125, 130, 145, 0.22)"
# Numbers on a light page and on a dark one: at least 4:1 on every shade of a cell.
INK: Mapping[bool, str] = {False: "#111418", True: "#ffffff"}
PALE_INK: Mapping[bool, str] = {False: "rgba(17, 20, 24, 0.45)", True: "rgba(255, 255, 255, 0.45)"}  # zeros


def confusion_matrix(matrix: Matrix, *, normalise: bool = False, dark: bool = False) -> go.Figure:
    """Truth down, answers across, a number in every cell; colour only for mistakes, the diagonal stays grey.

    matrix (K, K) int: row = truth, column = prediction · normalise: percent of the row's images instead of counts
    dark: the page is dark; the numbers stand on cells that let it shine through
    The texts carry (truth, predicted, count, percent of the row): Streamlit reports clicks on points with their
    ``customdata``, but none on the cells of a heatmap.
    """
    k = len(matrix)
    rows = matrix.sum(axis=1, keepdims=True)
    percent = 100 * matrix / np.maximum(rows, 1)
    values = percent if normalise else matrix.astype(np.float64)
    fig = Figure()
    fig.add_trace(cells(values) | {"hoverinfo": "skip"})
    truth, predicted = (axis.ravel() for axis in np.indices((k, k)))
    # A trace of texts: as annotations a hundred numbers would take a browser half a second.
    filled = [bool(value) for value in values.ravel()]
    fig.add_trace(
        scatter(
            x=predicted, y=truth, mode="text", text=[_text(value, normalise) for value in values.ravel()], showlegend=False,
            textfont={"size": 11, "weight": [600 if one else 400 for one in filled],
                      "color": [INK[dark] if one else PALE_INK[dark] for one in filled]},
            unselected={"textfont": {"color": INK[dark]}},
            customdata=np.stack([truth, predicted, matrix.ravel(), percent.ravel()], axis=1),
            hovertemplate="truth %{customdata[0]:d}, read as %{customdata[1]:d}<br>%{customdata[2]:,d} images"
            " (%{customdata[3]:.2f} % of this digit)<extra></extra>",
        )
    )  # fmt: skip
    unit = "% of the true digit's images" if normalise else "number of images"
    finish(fig, "Predicted digit (what the network read)", f"True digit (cells: {unit})", height=400)
    # Low enough that its page opens with all rows in a window of 900 pixels; nothing stands above the cells.
    fig.update_layout(margin={"t": 8})
    # With one point per cell, a click anywhere in a cell is nearest to that cell's point.
    fig.update_layout(hovermode="closest", hoverdistance=40, dragmode=False, clickmode="event+select")
    ticks = {"tickmode": "array", "tickvals": list(range(k)), "showgrid": False, "fixedrange": True}
    fig.update_xaxes(ticks | {"range": [-0.5, k - 0.5]})
    fig.update_yaxes(ticks | {"range": [k - 0.5, -0.5]})
    return fig.built()


def cells(values: NDArray[np.float64]) -> Trace:
    """A square matrix in colours, the largest value off the diagonal the strongest; the diagonal itself is grey.

    One trace and no gaps between the cells: a browser stretches such an image of k by k dots, and otherwise fills it dot by
    dot on the screen, which was half of the time that its page took.
    """
    diagonal = np.eye(len(values), dtype=bool)
    worst = float(np.max(values, where=~diagonal, initial=0.0)) or 1.0
    (_, clear), (_, full) = SCALE
    return {
        "type": "heatmap", "z": np.where(diagonal, -worst, values), "zmin": -worst, "zmax": worst,
        "colorscale": [[0, QUIET], [0.5, clear], [1, full]], "showscale": False,
    }  # fmt: skip


def describe_confusion(matrix: Matrix) -> str:
    """One sentence: how many images are read correctly, and the most frequent mistake."""
    n, right = int(matrix.sum()), int(np.trace(matrix))
    if not n:
        return "Confusion matrix without images."
    accuracy = f"Of {n:,} images {right:,} are read correctly ({right / n:.2%})".replace("%", " %")
    if right == n:
        return f"{accuracy}; there are no mistakes."
    wrong = matrix * ~np.eye(len(matrix), dtype=bool)
    truth, predicted = np.unravel_index(int(wrong.argmax()), wrong.shape)
    count = int(wrong[truth, predicted])
    times = "once" if count == 1 else f"{count:,} times"
    share = f"{count / int(matrix[truth].sum()):.2%}".replace("%", " %")
    return f"{accuracy}; the most frequent mistake is {truth} read as {predicted}, {times} ({share} of all {truth}s)."


def _text(value: float, normalise: bool) -> str:
    if value == 0:
        return "0"
    return f"{value:.1f}" if normalise else f"{value:,.0f}"
