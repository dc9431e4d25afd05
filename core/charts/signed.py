"""Signed numbers as pictures: zero is always the same grey, and the sign is told by colour, by brightness and by hatching.

More is yellow and brighter, less is blue, darker and hatched. Grey stays grey on light and on dark pages, whatever the range
is. The scale is read by all eyes (after cividis: Nuñez, Anderton and Renslow 2018).
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.charts.figure import Figure, Trace
from core.charts.theme import finish, number_text

Floats = NDArray[np.float32]
# The value that has the strongest colour: a number, to compare pictures with each other, or the largest one here of all
# pictures together ("layer") or of each picture alone ("unit").
Limit = float | Literal["layer", "unit"]

NEGATIVE, ZERO, POSITIVE = "#00204d", "#7c7b78", "#ffea46"
COLOURS = ((0.0, NEGATIVE), (0.5, ZERO), (1.0, POSITIVE))
HATCH_PIXELS = 720  # about the longer side of the drawn lines
MIN_HATCH_PERIOD_PIXELS = 6  # from line to line; in large cells one line a cell
HATCH_OPACITY = 0.55
MIN_HATCHED_SHARE = 0.02  # of the limit; nearer to zero the sign has no meaning for the eye
BARE_MARGIN_PIXELS = 12  # left of a picture without axes: half of the lowest number of the colour bar
COLOUR_BAR_PAD_PIXELS = 20  # at its ends: Plotly leaves out a number that is cut, such as half of "−0.00578"
MINUS = "\u2212"


def signed_text(value: float) -> str:
    """A number with three digits that count and a minus as wide as a plus: −0.31, 1.2, 0."""
    text = number_text(abs(value))
    return f"{MINUS}{text}" if value < 0 and text != "0" else text


def common_limit(arrays: Sequence[Floats]) -> float:
    """The largest size of any number in several layers or networks, for one range on all of their pictures."""
    return max((float(np.abs(array).max()) for array in arrays if array.size), default=0.0)


def limits_of(pictures: Floats, limit: Limit) -> Floats:
    """The value with the strongest colour for each picture, (N,), above zero. pictures (N, h, w)"""
    if limit == "unit":
        limits = np.abs(pictures).max(axis=(1, 2))
    else:
        limits = np.full(len(pictures), common_limit([pictures]) if limit == "layer" else limit)
    return np.where(limits > 0, limits, 1).astype(np.float32)


def signed_cells(shares: Floats, **more: Any) -> Trace:
    """A heatmap of numbers from -1 (the strongest blue) over 0 to 1 (the strongest yellow); NaN is left empty."""
    return {
        "type": "heatmap", "z": shares, "zmin": -1, "zmax": 1, "colorscale": COLOURS, "showscale": False, **more,
    }  # fmt: skip


def hatch(fig: Figure, shares: Floats) -> None:
    """Lines over every cell that is clearly below zero. shares (H, W) as drawn, from -1 to 1 and NaN"""
    below = np.nan_to_num(shares) < -MIN_HATCHED_SHARE
    if not below.any():
        return
    height, width = below.shape
    scale = max(2, round(HATCH_PIXELS / max(height, width)))
    rows, columns = np.ogrid[: height * scale, : width * scale]
    period = max(MIN_HATCH_PERIOD_PIXELS, scale)
    lines = (rows + columns) % period < max(2, period // 4)
    mask = below.repeat(scale, axis=0).repeat(scale, axis=1) & lines
    white = np.full(mask.shape, 255, np.uint8)
    file = io.BytesIO()
    picture = np.stack([white, mask * np.uint8(255 * HATCH_OPACITY)], axis=2)
    Image.fromarray(picture, "LA").save(file, "PNG", compress_level=3)
    fig.update_layout(
        images=[
            {
                "source": f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}", "xref": "x", "yref": "y",
                "x": -0.5, "y": -0.5, "sizex": width, "sizey": height, "sizing": "stretch", "layer": "above",
            }
        ]
    )  # fmt: skip


def colour_bar(limit: float | None) -> dict[str, Any]:
    """What the colours stand for, above a picture. limit: of the strongest one; None where each picture has its own"""
    ends = [f"{MINUS}{number_text(limit)}", "0", number_text(limit)] if limit else ["lowest", "0", "highest"]
    return {
        "showscale": True,
        "colorbar": {
            "orientation": "h", "thickness": 10, "len": 0.6, "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "ypad": 4,
            "xpad": COLOUR_BAR_PAD_PIXELS,
            "tickvals": [-1, 0, 1], "ticktext": ends, "outlinewidth": 0,
        },
    }  # fmt: skip


def picture_axes(fig: Figure, shape: tuple[int, int], height: int, x_title: str = "", y_title: str = "") -> None:
    """Square cells, the first row on top; the axes have numbers only where they have a title. height: in pixels"""
    finish(fig, x_title, y_title, height)
    rows, columns = shape
    axis = {"showgrid": False, "zeroline": False, "fixedrange": True, "constrain": "domain", "ticks": ""}
    fig.update_xaxes(
        {
            **axis,
            "range": [-0.5, columns - 0.5],
            "showticklabels": bool(x_title),
            "automargin": bool(x_title),
            "constraintoward": "left",
        }
    )
    fig.update_yaxes(
        {
            **axis,
            "range": [rows - 0.5, -0.5],
            "showticklabels": bool(y_title),
            "automargin": bool(y_title),
            "scaleanchor": "x",
            "constraintoward": "top",
        }
    )
    margin = {"t": 8} if x_title or y_title else {"t": 8, "l": BARE_MARGIN_PIXELS, "r": 4, "b": 4}
    fig.update_layout(hovermode="closest", dragmode=False, clickmode="event+select", margin=margin)
