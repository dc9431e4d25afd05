"""What networks still read after a part of them is gone: accuracy by how much went, and by the bytes that are left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.charts.bands import ribbon
from core.charts.cost import conditions
from core.charts.figure import Figure, Trace, scatter
from core.charts.looks import Look, marker
from core.charts.theme import GREY, empty, finish, in_percent, label, listed, round_numbers

Scale = Literal["share", "bits"]
Y_TITLE = "Validation accuracy (%)"
MAX_BYTES_LABELS = 6  # on half a page
BYTES_TITLE = "Bytes that are left (number, log)"
HEIGHT, LEGEND_ROW_PIXELS = 380, 22
NOTHING = "Nothing has been measured yet"
LEAST_BITS, MARGIN = (
    0.8,
    0.03,
)  # of the fewest bits and of the largest share: room for a marker at both ends of the axis


def damage_curves(
    table: pd.DataFrame, x_title: str, scale: Scale, amounts: Sequence[float], marked: float | None = None
) -> go.Figure:
    """One line per run over the amounts, with its band of 95 %, and a dotted line where one amount is looked at.

    table: a row per run and amount with columns number, name, look (of the run: rows with the same number are one line),
    amount, words (of the amount, such as "4 bits"), accuracy, low, high (fractions), n (images)
    x_title: with the unit · scale: amounts are shares, drawn in percent, or bits, drawn from many to few on a log axis
    amounts: all that there will be, so that the axis stays while they are measured · marked: the one that is looked at
    """
    if table.empty:
        return empty(NOTHING, x_title, Y_TITLE, HEIGHT).built()
    fig = Figure()
    factor = 100 if scale == "share" else 1
    runs = list(conditions(table))
    for number, name, look, rows in runs:
        low, high = (100 * rows[column].to_numpy(np.float64) for column in ("low", "high"))
        places = factor * rows["amount"].to_numpy(np.float64)
        if len(rows) > 1:
            fig.add_trace(ribbon(places, low, high, look.colour) | {"legendgroup": f"run {number}"})
        fig.add_trace(_line(number, name, look, rows, places, before=""))
    finish(fig, x_title, Y_TITLE, HEIGHT + LEGEND_ROW_PIXELS * max(0, (len(runs) - 3) // 2))
    fig.update_layout(showlegend=True)
    fig.update_yaxes(range=[0, 102], dtick=20)
    if scale == "bits":
        fig.update_xaxes(
            type="log", range=[np.log10(max(amounts) / LEAST_BITS), np.log10(LEAST_BITS * min(amounts))],
            tickvals=list(amounts), ticktext=[f"{n:g}" for n in amounts], unifiedhovertitle={"text": "%{x} bits"},
        )  # fmt: skip
    else:
        margin = MARGIN * max(amounts)
        fig.update_xaxes(
            range=[-100 * margin, 100 * (max(amounts) + margin)], dtick=20 if max(amounts) <= 1 else 50, ticksuffix=" %",
            unifiedhovertitle={"text": "%{x}"},
        )  # fmt: skip
    if marked is not None:
        fig.add_shape(
            type="line", x0=factor * marked, x1=factor * marked, y0=0, y1=1, yref="paper", layer="below",
            line={"color": GREY, "width": 1.5, "dash": "dot"},
        )  # fmt: skip
    return fig.built()


def bytes_curves(table: pd.DataFrame) -> go.Figure:
    """The same against what is left to be kept: one line per run, the whole network at its right end.

    table: as for ``damage_curves``, with a column bytes
    """
    if table.empty:
        return empty(NOTHING, BYTES_TITLE, Y_TITLE, HEIGHT).built()
    fig = Figure()
    runs = list(conditions(table))
    for number, name, look, rows in runs:
        places = rows["bytes"].to_numpy(np.float64)
        fig.add_trace(_line(number, name, look, rows, places, before="%{customdata[3]}, %{x:,.0f} bytes: "))
    finish(fig, BYTES_TITLE, Y_TITLE, HEIGHT + LEGEND_ROW_PIXELS * max(0, (len(runs) - 3) // 2))
    fig.update_layout(showlegend=True, hovermode="closest")
    if extent := fig.extent("x"):
        values = round_numbers(*extent)
        fig.update_xaxes(
            type="log", tickmode="array", tickvals=values[:: 1 + len(values) // MAX_BYTES_LABELS], tickformat="~s"
        )
    fig.update_yaxes(range=[0, 102], dtick=20)
    return fig.built()


def describe_damage(table: pd.DataFrame, what: str) -> str:
    """One sentence: from what each run falls to what, and where it first reads less than half of it (five at most).

    table: as for ``damage_curves`` · what: the damage, such as "Fewer bits"
    """
    texts = []
    for _, name, _, rows in conditions(table):
        accuracies, words = rows["accuracy"].tolist(), rows["words"].tolist()
        text = f"{name} {in_percent(accuracies[0])}"
        if len(rows) > 1:
            text = f"{name} from {in_percent(accuracies[0])} to {in_percent(accuracies[-1])} at {words[-1]}"
            halved = next((at for share, at in zip(accuracies, words, strict=True) if share < accuracies[0] / 2), "")
            text += f", at {halved} first below half of that" if halved else ""
        texts.append(text)
    return f"{what}, validation accuracy: {listed(texts)}." if texts else f"{what}: nothing has been measured yet."


def describe_bytes(table: pd.DataFrame) -> str:
    """One sentence: how many bytes each run takes as it is, and the fewest of those measured (five at most)."""
    texts = []
    for _, name, _, rows in conditions(table):
        least = rows.iloc[int(rows["bytes"].to_numpy().argmin())]
        texts.append(
            f"{name} {in_percent(rows.iloc[0]['accuracy'])} with {rows.iloc[0]['bytes']:,} bytes, "
            f"{in_percent(least['accuracy'])} with {least['bytes']:,}"
        )
    return f"Validation accuracy by bytes: {listed(texts)}." if texts else "Bytes: nothing has been measured yet."


def _line(number: int, name: str, look: Look, rows: pd.DataFrame, places: NDArray[np.float64], *, before: str) -> Trace:
    low, high = (100 * rows[column].to_numpy(np.float64) for column in ("low", "high"))
    return scatter(
        x=places, y=100 * rows["accuracy"].to_numpy(np.float64), mode="lines+markers", name=label(name),
        legendgroup=f"run {number}", cliponaxis=False, line={"color": look.colour, "width": 2.5}, marker=marker(look, 8),
        customdata=[list(row) for row in zip(low.tolist(), high.tolist(), rows["n"].tolist(), rows["words"], strict=True)],
        hovertemplate=f"{before}%{{y:.2f}} % (%{{customdata[0]:.2f}} to %{{customdata[1]:.2f}}), n = %{{customdata[2]:,d}}"
        f"<extra>{label(name, 24)}</extra>",
    )  # fmt: skip
