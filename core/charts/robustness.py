"""What networks still read when digits are distorted: accuracy by strength, by named corruption, and a map over shifts."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

from core.charts.bands import ribbon
from core.charts.confusion import INK
from core.charts.figure import Figure, bar, scatter
from core.charts.looks import Look, marker
from core.charts.signed import signed_text
from core.charts.sprite import enlarge
from core.charts.theme import GREY, WRONG, empty, finish, in_percent, label, listed

Pixels = NDArray[np.uint8]
Y_TITLE = "Test accuracy (%)"
CURVES_HEIGHT, LEGEND_ROW_PIXELS = 430, 22
STRIP_SHARE = 0.2  # of the plot's height, for the pictures between the curves and the axis
PICTURE_WIDTH = 0.92  # of the room between two strengths
PICTURE_SCALE = 4  # pixels of the file for a pixel of the digit
MAP_HEIGHT = 400
BAR_PIXELS, GROUP_PIXELS = 9, 14  # height of a bar, and of the room between two corruptions


def strength_curves(
    table: pd.DataFrame, x_title: str, pictures: Sequence[Pixels] = (), strengths: Sequence[float] = ()
) -> go.Figure:
    """One line per run with a band of 95 %, and below the lines a digit as it looks at each strength.

    table: a row per run and strength with columns name, look, number (of the run: rows with the same are one line), strength,
    accuracy, low, high (fractions), n (images) · x_title: with the unit · pictures (28, 28) uint8 at the strengths, as many
    """
    fig = Figure()
    n_runs = 0
    for number, name, look, rows in _runs(table):
        n_runs += 1
        rows = rows.sort_values("strength")
        places, group = rows["strength"].to_numpy(np.float64), f"run {number}"
        low, high, heights = (100 * rows[column].to_numpy(np.float64) for column in ("low", "high", "accuracy"))
        if len(rows) > 1:
            fig.add_trace(ribbon(places, low, high, look.colour) | {"legendgroup": group})
        fig.add_trace(
            scatter(
                x=places, y=heights, mode="lines+markers", name=label(name), legendgroup=group, cliponaxis=False,
                line={"color": look.colour, "width": 2.5}, marker=marker(look, 8), customdata=np.c_[low, high, rows["n"]],
                hovertemplate="%{y:.2f} % (%{customdata[0]:.2f} to %{customdata[1]:.2f}), n = %{customdata[2]:,d}"
                f"<extra>{label(name, 24)}</extra>",
            )
        )  # fmt: skip
    marks = sorted({*strengths, *table["strength"]})
    finish(fig, x_title, Y_TITLE, CURVES_HEIGHT + LEGEND_ROW_PIXELS * max(0, (n_runs - 3) // 2))
    fig.update_layout(showlegend=True)
    fig.update_yaxes(range=[0, 100], dtick=20)
    if marks:
        room = min(np.diff(marks), default=1.0)
        fig.update_xaxes(tickvals=marks, range=[marks[0] - room / 2, marks[-1] + room / 2], showgrid=False)
    if len(pictures):
        _strip(fig, pictures, strengths)
    return fig.built()


def describe_strengths(table: pd.DataFrame, what: str, unit: str = "", neutral: float = 0) -> str:
    """One sentence: what each run reads of the undistorted images and at its weakest point, the most robust first.

    table: as for ``strength_curves`` · what: the distortion, such as "Shift" · unit: such as "pixels" · neutral: the strength
    of the undistorted images
    """
    ranked: list[tuple[float, str]] = []
    for _, name, _, rows in _runs(table):
        worst = _worst(rows)
        at = f"{in_percent(worst['accuracy'])} at {signed_text(worst['strength'])} {unit}".rstrip()
        text = f"{name} {at}"
        for undistorted in rows["accuracy"][rows["strength"] == neutral]:
            down = f", then down to {at}" if worst["accuracy"] < undistorted else ""
            text = f"{name} {in_percent(undistorted)} undistorted{down}"
        ranked.append((-float(worst["accuracy"]), text))
    if not ranked:
        return f"{what}: nothing has been measured yet."
    return f"{what}, accuracy on {_images(table)}: {listed([text for _, text in sorted(ranked)])}."


def corruption_bars(table: pd.DataFrame) -> go.Figure:
    """One bar per run and corruption with its interval of 95 %, the corruptions in the order of their rows.

    table: a row per run and corruption with columns name, look, number, title (of the corruption), accuracy, low, high, n
    """
    if table.empty:
        return empty("Nothing has been measured yet", Y_TITLE, "Corruption").built()
    fig = Figure()
    titles, n_runs = list(dict.fromkeys(table["title"])), 0
    for number, name, look, rows in _runs(table):
        n_runs += 1
        heights, low, high = (100 * rows[column].to_numpy(np.float64) for column in ("accuracy", "low", "high"))
        fig.add_trace(
            bar(
                x=heights, y=rows["title"], orientation="h", name=label(name), legendgroup=f"run {number}",
                marker={"color": look.colour, "line": {"color": look.colour, "width": 1},
                        "pattern": {"shape": look.pattern, "fillmode": "replace", "size": 6}},
                error_x={"type": "data", "symmetric": False, "array": high - heights, "arrayminus": heights - low,
                         "color": GREY, "thickness": 1.5, "width": 2},
                customdata=np.c_[low, high, rows["n"]],
                hovertemplate="%{x:.2f} % (%{customdata[0]:.2f} to %{customdata[1]:.2f}), n = %{customdata[2]:,d}"
                f"<extra>{label(name, 24)}</extra>",
            )
        )  # fmt: skip
    finish(fig, Y_TITLE, "", 110 + len(titles) * (GROUP_PIXELS + BAR_PIXELS * max(2, n_runs)))
    fig.update_layout(barmode="group", bargap=0.25, hovermode="y unified", showlegend=True)
    fig.update_xaxes(range=[0, 101], dtick=20)
    fig.update_yaxes(
        categoryorder="array", categoryarray=titles, autorange="reversed", showgrid=False, nticks=len(titles)
    )
    return fig.built()


def describe_corruptions(table: pd.DataFrame) -> str:
    """One sentence: each run's mean over the corruptions and the one that harms it most, the most robust first."""
    ranked = []
    for _, name, _, rows in _runs(table):
        worst, mean = _worst(rows), float(rows["accuracy"].mean())
        text = f"{name} {in_percent(mean)}, least with {str(worst['title']).lower()} ({in_percent(worst['accuracy'])})"
        ranked.append((-mean, text))
    if not ranked:
        return "Named corruptions: nothing has been measured yet."
    return f"Mean accuracy over the corruptions, on {_images(table)}: {listed([text for _, text in sorted(ranked)])}."


def shift_map(
    answers: NDArray[np.integer], shifts: Sequence[int], truth: int | None, *, dark: bool = False
) -> go.Figure:
    """Which digit a network reads wherever one digit is moved to: a number in every cell, wrong ones in filled squares.

    answers (S, S) 0..9: first axis down, second axis right, both moved by ``shifts`` pixels (S,) ascending
    truth: the digit that it is; None: the one that is read where nothing is moved · dark: the page is dark
    """
    meant = _meant(answers, shifts, truth)
    down, right = (axis.ravel() for axis in np.meshgrid(shifts, shifts, indexing="ij"))
    digits = answers.ravel()
    wrong = digits != meant
    fig = Figure()
    word = "wrong" if truth is not None else "another digit than in the middle"
    for is_wrong, name in ((False, f"reads {meant}"), (True, word)):
        cells = wrong == is_wrong
        fig.add_trace(
            scatter(
                x=right[cells], y=down[cells], mode="markers+text", text=[str(digit) for digit in digits[cells]], name=name,
                marker={"symbol": "square" if is_wrong else "circle-open", "size": 15,
                        "color": WRONG if is_wrong else GREY, "line": {"width": 0 if is_wrong else 1}},
                textfont={"size": 10, "color": INK[dark] if not is_wrong else INK[False], "weight": 700 if is_wrong else 400},
                customdata=np.stack([down[cells], right[cells]], axis=1),
                hovertemplate="%{customdata[0]:+d} down, %{customdata[1]:+d} right: reads %{text}<extra></extra>",
            )
        )  # fmt: skip
    finish(fig, "Moved right (pixels)", "Moved down (pixels)", MAP_HEIGHT)
    low, high = shifts[0] - 0.7, shifts[-1] + 0.7
    axis = {"showgrid": False, "fixedrange": True, "constrain": "domain", "dtick": 4, "tick0": 0}
    fig.update_xaxes(axis, range=[low, high], constraintoward="left")
    fig.update_yaxes(axis, range=[high, low], constraintoward="top", scaleanchor="x")
    fig.update_layout(hovermode="closest", dragmode=False, margin={"t": 8}, showlegend=True)
    return fig.built()


def describe_shift_map(answers: NDArray[np.integer], shifts: Sequence[int], truth: int | None) -> str:
    """One sentence: at how many of the places the digit is read rightly, and how far it may be moved every way."""
    meant = _meant(answers, shifts, truth)
    right = answers == meant
    reach = 0
    distance = np.maximum(*np.abs(np.meshgrid(shifts, shifts, indexing="ij")))
    while reach < max(shifts) and right[distance <= reach + 1].all():
        reach += 1
    if not right[distance == 0].all():
        return f"Reads {meant} at {right.sum():,} of {right.size:,} places, but not where it stands."
    far = f"up to {reach} pixel{'s' if reach != 1 else ''} every way" if reach else "not even one pixel every way"
    return f"Reads {meant} at {right.sum():,} of {right.size:,} places: moved {far}."


def _meant(answers: NDArray[np.integer], shifts: Sequence[int], truth: int | None) -> int:
    """The digit that counts as right."""
    middle = list(shifts).index(0)
    return int(answers[middle, middle]) if truth is None else truth


def _runs(table: pd.DataFrame) -> Iterator[tuple[int, str, Look, pd.DataFrame]]:
    """Number, name, look and rows of each run, in the order of their first rows."""
    for number, rows in table.groupby("number", sort=False):
        yield int(str(number)), str(rows["name"].iloc[0]), rows["look"].iloc[0], rows


def _worst(rows: pd.DataFrame) -> pd.Series[Any]:
    """The row with the lowest accuracy, the first of equals."""
    return rows.iloc[int(rows["accuracy"].to_numpy(np.float64).argmin())]


def _images(table: pd.DataFrame) -> str:
    """Such as "1,000 test images"."""
    return " and ".join(f"{n:,} test images" for n in sorted(set(table["n"])))


def _strip(fig: Figure, pictures: Sequence[Pixels], strengths: Sequence[float]) -> None:
    """Pictures in a row between the curves and the axis, each above its strength."""
    room = min(np.diff(sorted(strengths)), default=1.0)
    fig.update_yaxes(domain=[STRIP_SHARE, 1])
    fig.update_xaxes(anchor="free", position=0)
    fig.update_layout(
        images=[
            {
                "source": _file(picture), "xref": "x", "yref": "paper", "x": strength, "y": 0.01, "xanchor": "center",
                "yanchor": "bottom", "sizex": PICTURE_WIDTH * room, "sizey": STRIP_SHARE - 0.04, "sizing": "contain",
                "layer": "above",
            }
            for picture, strength in zip(pictures, strengths, strict=True)
        ]
    )  # fmt: skip


def _file(picture: Pixels) -> str:
    """A PNG of the picture with a thin frame, as an address."""
    framed = np.pad(enlarge(picture, PICTURE_SCALE), 1, constant_values=128)
    file = io.BytesIO()
    Image.fromarray(framed).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
