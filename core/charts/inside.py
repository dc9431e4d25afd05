"""What a network is like inside: grids of maps, templates, kernels and attention, states row by row, marks on a digit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.charts.figure import Figure, Trace, scatter
from core.charts.signed import (
    Floats,
    Limit,
    colour_bar,
    hatch,
    limits_of,
    picture_axes,
    signed_cells,
    signed_text,
)

TILE_PIXELS, MIN_HEIGHT, MAX_HEIGHT = 84, 150, 640  # height of a tile and of a whole figure
LEGEND_PIXELS = 72  # above a picture, for what its colours stand for
DARK_INK_FROM = -0.05  # share of the range from which on dark digits are read better than white ones
OUTLINE = 127  # half of the ink
NUMBER_PIXELS, NUMBER_ASPECT = 36, 0.55  # height of a cell with a number, and its height by its width
MAX_NUMBERS = 16  # cells along a side up to which each number can be read


def picture_grid(
    pictures: Floats,
    *,
    limit: Limit = "layer",
    columns: int = 8,
    names: Sequence[str] | None = None,
    selected: int | None = None,
) -> go.Figure:
    """Pictures side by side: maps, templates, kernels of one input, attention head by head.

    pictures (N, h, w) · limit: see ``core.charts.signed.Limit`` · columns: pictures in a row · names: of each, for the text
    beside the pointer; "unit 1", ... without them · selected: the one with a frame
    Each picture has a point that carries its position as ``customdata``: Streamlit reports clicks on points.
    """
    n, height, width = pictures.shape
    columns = max(1, min(columns, n))
    rows = max(1, math.ceil(n / columns))
    limits = limits_of(pictures, limit)
    shares = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan, np.float32)
    lefts, tops = (np.arange(n) % columns) * (width + 1), (np.arange(n) // columns) * (height + 1)
    for i in range(n):
        shares[tops[i] : tops[i] + height, lefts[i] : lefts[i] + width] = np.clip(pictures[i] / limits[i], -1, 1)
    fig = Figure()
    bar = colour_bar(None if limit == "unit" else float(limits.max(initial=0)))
    fig.add_trace(signed_cells(shares, hoverinfo="skip", **bar))
    labels = names or [f"unit {i + 1:,}" for i in range(n)]
    fig.add_trace(
        scatter(
            x=lefts + (width - 1) / 2, y=tops + (height - 1) / 2, mode="markers", showlegend=False,
            marker={"size": 24, "opacity": 0, "color": "#000000"}, customdata=np.arange(n)[:, None],
            text=[f"{label}: from {signed_text(float(picture.min()))} to {signed_text(float(picture.max()))}"
                  for label, picture in zip(labels, pictures, strict=True)],
            hovertemplate="%{text}<extra></extra>",
        )
    )  # fmt: skip
    hatch(fig, shares)
    pixels = min(MAX_HEIGHT, max(MIN_HEIGHT, rows * TILE_PIXELS + LEGEND_PIXELS))
    picture_axes(fig, (shares.shape[0], shares.shape[1]), pixels)
    fig.update_layout(hoverdistance=60)
    if selected is not None and 0 <= selected < n:
        left, top = int(lefts[selected]), int(tops[selected])
        fig.add_shape(
            type="rect", x0=left - 0.9, x1=left + width - 0.1, y0=top - 0.9, y1=top + height - 0.1,
            line={"color": "#d9541e", "width": 3},
        )  # fmt: skip
        # Room for the frame of a picture at the edge.
        fig.update_xaxes(range=[-1.5, shares.shape[1] + 0.5])
        fig.update_yaxes(range=[shares.shape[0] + 0.5, -1.5])
    return fig.built()


def describe_grid(pictures: Floats, what: str) -> str:
    """One sentence. what: such as "maps of the first convolution" """
    if not len(pictures):
        return f"{what}: none."
    strongest = int(np.abs(pictures).max(axis=(1, 2)).argmax())
    silent = int((pictures == 0).all(axis=(1, 2)).sum())
    return (
        f"{len(pictures)} {what}, from {signed_text(float(pictures.min()))} to {signed_text(pictures.max())}; the strongest is "
        f"number {strongest + 1}, and {silent} of them are zero everywhere."
    )


def attention_grid(weights: Floats, *, token: int | None = None, limit: Limit = "layer") -> go.Figure:
    """Attention head by head: rows ask, columns are asked; or for one token that asks, where in the image it looks.

    weights (heads, T, T), each row sums to 1 · token: position of the patch in reading order
    """
    heads, n, _ = weights.shape
    side = math.isqrt(n)
    pictures = weights if token is None else weights[:, token].reshape(heads, side, side)
    names = [f"head {i + 1}" for i in range(heads)]
    return picture_grid(pictures, limit=limit, columns=min(4, heads), names=names)


def describe_attention(weights: Floats) -> str:
    """One sentence: which head looks most at few places."""
    peaks = weights.max(axis=2).mean(axis=1)
    head = int(peaks.argmax())
    return (
        f"Attention of {len(weights)} heads over {weights.shape[1]} patches; head {head + 1} is the most decided: on average a "
        f"patch takes {100 * peaks[head]:.1f} % from the one that it looks at most."
    )


def states_over_steps(states: Floats, *, limit: Limit = "layer", by_columns: bool = False) -> go.Figure:
    """The numbers that are carried along, step by step from top to bottom. states (T, D)"""
    limits = limits_of(states.T[:, None, :], limit)
    shares = np.clip(states / limits, -1, 1).astype(np.float32)
    fig = Figure()
    word = "column" if by_columns else "row"
    bar = colour_bar(None if limit == "unit" else float(limits.max(initial=0)))
    fig.add_trace(
        signed_cells(
            shares,
            text=_texts(states),
            hovertemplate=f"after {word} %{{y}}, unit %{{x}}: %{{text}}<extra></extra>",
            **bar,
        )
    )
    hatch(fig, shares)
    picture_axes(fig, (states.shape[0], states.shape[1]), 460, "Unit (number)", f"Image {word} (number, from 0)")
    fig.update_yaxes(scaleanchor=None, constrain=None)
    fig.update_layout(xaxis={"constrain": None})
    return fig.built()


def describe_states(states: Floats) -> str:
    """One sentence: between which steps the states change most."""
    changes = np.abs(np.diff(states, axis=0)).mean(axis=1)
    step = int(changes.argmax()) if len(changes) else 0
    return (
        f"{states.shape[1]} numbers over {states.shape[0]} steps, from {signed_text(states.min())} to "
        f"{signed_text(states.max())}; they change most from step {step + 1} to step {step + 2}."
    )


def attribution_overlay(values: Floats, image: NDArray[np.uint8], *, limit: float | None = None) -> go.Figure:
    """What speaks for the answer and what against it, pixel by pixel, with the digit's outline.

    values, image (28, 28) · limit: the value with the strongest colour, to compare several; None: the largest one here
    """
    scale = limits_of(values[None], "layer" if limit is None else limit)[0]
    shares = np.clip(values / scale, -1, 1).astype(np.float32)
    fig = Figure()
    fig.add_trace(
        signed_cells(
            shares, text=_texts(values), hovertemplate="row %{y}, column %{x}: %{text}<extra></extra>",
            **colour_bar(float(scale)),
        )
    )  # fmt: skip
    for colour, pixels in (("#ffffff", 3.5), ("#000000", 1.5)):  # seen on blue as on yellow
        fig.add_trace(_outline(image, colour, pixels))
    hatch(fig, shares)
    picture_axes(fig, (28, 28), 340)
    return fig.built()


def describe_attribution(values: Floats, image: NDArray[np.uint8]) -> str:
    """One sentence: how much speaks for and against, and whether where there is ink."""
    total = float(np.abs(values).sum())
    if not total:
        return "Every pixel counts zero."
    for_it = float(values[values > 0].sum()) / total
    on_ink = float(np.abs(values)[image > OUTLINE].sum()) / total
    return (
        f"{100 * for_it:.0f} % of all marks speak for the digit and {100 - round(100 * for_it):.0f} % against it; "
        f"{100 * on_ink:.0f} % lie where there is ink."
    )


def number_grid(values: Floats, *, limit: float | None = None) -> go.Figure:
    """A small table of numbers in colour, each number readable in its cell. values (h, w), at most 16 by 16

    limit: the value with the strongest colour; None: the largest one here. Raises ValueError for a larger table
    """
    rows, columns = values.shape
    if max(rows, columns) > MAX_NUMBERS:
        raise ValueError(f"values is {rows} by {columns}, must be at most {MAX_NUMBERS} by {MAX_NUMBERS}")
    scale = limits_of(values[None], "layer" if limit is None else limit)[0]
    shares = np.clip(values / scale, -1, 1).astype(np.float32)
    y, x = (axis.ravel() for axis in np.indices(values.shape))
    fig = Figure()
    fig.add_trace(signed_cells(shares, hoverinfo="skip", xgap=1, ygap=1))
    fig.add_trace(
        scatter(
            x=x, y=y, mode="text", text=_rounded_texts(values, float(scale)), showlegend=False,
            textfont={"size": 14 if columns <= 7 else 11,
                      "color": ["#000000" if share > DARK_INK_FROM else "#ffffff" for share in shares.ravel()]},
            hovertemplate="row %{y}, column %{x}: %{text}<extra></extra>",
        )
    )  # fmt: skip
    picture_axes(fig, (rows, columns), min(MAX_HEIGHT, NUMBER_PIXELS * rows + 16))
    fig.update_yaxes(scaleratio=NUMBER_ASPECT)
    return fig.built()


def _outline(image: NDArray[np.uint8], colour: str, pixels: float) -> Trace:
    return {
        "type": "contour", "z": image.astype(np.float32), "autocontour": False, "showscale": False, "hoverinfo": "skip",
        "showlegend": False, "contours": {"start": OUTLINE, "end": OUTLINE, "size": 1, "coloring": "none"},
        "line": {"color": colour, "width": pixels},
    }  # fmt: skip


def _rounded_texts(values: Floats, scale: float) -> list[str]:
    """Numbers with equally many decimals, so few that each fits into its cell."""
    decimals = min(3, max(0, 2 - math.floor(math.log10(scale))))
    return [signed_text(float(np.round(value, decimals))) for value in values.ravel()]


def _texts(values: Floats) -> list[list[str]]:
    return [[signed_text(float(value)) for value in row] for row in values]
