"""A map of images: near each other lies what a network finds alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.charts.confusion import INK
from core.charts.figure import Figure, scatter
from core.charts.theme import WRONG, finish

# One for each digit, which is also written: the colour is no more than a help. Each at least 3:1 on a light and a dark page.
DIGIT_COLOURS = (
    "#af3262", "#9b9508", "#9016fa", "#399dd9", "#4da659", "#7447bd", "#1ca69b", "#8f5091", "#1686fb", "#ba251d",
)  # fmt: skip

MIN_PART, MARGIN = 0.2, 1.2  # of the whole map along each axis, and how much more than the places themselves
MAX_LARGE_SQUARES = 24  # more than that would hide the map


def embedding_map(
    points: NDArray[np.floating],
    labels: NDArray[np.integer],
    predicted: NDArray[np.integer],
    *,
    selected: Sequence[int] = (),
    here: tuple[float, float] | None = None,
    axes: tuple[str, str] = ("First direction (no unit)", "Second direction (no unit)"),
    around: tuple[tuple[float, float], tuple[float, float]] | None = None,
    dark: bool = False,
) -> go.Figure:
    """Every image as its true digit; the misread ones have a ring, what is selected a square, and one digit more a star.

    points (N, 2) · labels, predicted (N,): true digits and answers · selected: positions among the N · here: of the star
    around: lower left and upper right corner of the part that is drawn; None: all of it
    Each digit's ``customdata`` is its position among the N, so a click on either of two maps can mark the same images on both.
    """
    fig = Figure()
    wrong = np.flatnonzero(labels != predicted)
    fig.add_trace(
        scatter(
            x=points[wrong, 0], y=points[wrong, 1], mode="markers", name="misread", hoverinfo="skip",
            marker={"symbol": "circle-open", "size": 17, "color": WRONG, "line": {"width": 2, "color": WRONG}},
            unselected={"marker": {"opacity": 1}},
        )
    )  # fmt: skip
    for digit in np.unique(labels):
        rows = np.flatnonzero(labels == digit)
        colour = DIGIT_COLOURS[digit]
        fig.add_trace(
            scatter(
                x=points[rows, 0], y=points[rows, 1], mode="text", text=str(digit), showlegend=False, name=str(digit),
                textfont={"size": 12, "color": colour}, unselected={"textfont": {"color": colour}},
                customdata=np.stack([rows, labels[rows], predicted[rows]], axis=1),
                hovertemplate="image %{customdata[0]:,d}: a %{customdata[1]}, read as %{customdata[2]}<extra></extra>",
            )
        )  # fmt: skip
    positions = [i for i in selected if 0 <= i < len(points)]
    if positions:
        ink, size = INK[dark], 20 if len(positions) <= MAX_LARGE_SQUARES else 10
        fig.add_trace(
            scatter(
                x=points[positions, 0], y=points[positions, 1], mode="markers", name="picked", hoverinfo="skip",
                marker={"symbol": "square-open", "size": size, "color": ink, "line": {"width": size / 8, "color": ink}},
                unselected={"marker": {"opacity": 1}},
            )
        )  # fmt: skip
    if here is not None:
        fig.add_trace(
            scatter(
                x=[here[0]], y=[here[1]], mode="markers", name="this digit", hoverinfo="skip",
                marker={"symbol": "star", "size": 20, "color": INK[dark], "line": {"width": 2, "color": INK[not dark]}},
                unselected={"marker": {"opacity": 1}},
            )
        )  # fmt: skip
    finish(fig, *axes, height=520)
    fig.update_layout(hovermode="closest", dragmode="select", clickmode="event+select")
    fig.update_xaxes(showticklabels=False, showgrid=False)
    fig.update_yaxes(showticklabels=False, showgrid=False)
    if around is not None:
        (left, bottom), (right, top) = around
        fig.update_xaxes(range=[left, right])
        fig.update_yaxes(range=[bottom, top])
    return fig.built()


def part_around(
    points: NDArray[np.floating], centre: NDArray[np.floating]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The lower left and the upper right corner of what is drawn around some places of a map.

    points (N, 2): all of the map · centre (M, 2): the places, M at least 1; at least a fifth of the map is drawn around them
    """
    span = points.max(0) - points.min(0)
    low, high = centre.min(0), centre.max(0)
    half = np.maximum(MARGIN * (high - low), MIN_PART * span) / 2
    middle = (low + high) / 2
    (left, bottom), (right, top) = (middle - half).tolist(), (middle + half).tolist()
    return (left, bottom), (right, top)


def describe_embedding(labels: NDArray[np.integer], predicted: NDArray[np.integer]) -> str:
    """One sentence: how many images, and how many of them misread."""
    wrong = int((labels != predicted).sum())
    return (
        f"A map of {len(labels):,} images, each drawn as its true digit; {wrong:,} of them are misread and have a ring."
    )
