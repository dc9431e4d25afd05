"""What a dataset is made of: images per digit, and how much of each brightness."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.charts.figure import Figure, bar
from core.charts.theme import empty, finish
from core.fields import SPLIT_WORDS, SplitName

# Splits are no runs: one smoothed colour, told apart by fill and by name.
COLOUR = "#5b7fae"
PATTERNS: Mapping[SplitName, str] = {"train": "", "val": "/", "test": "x"}


def class_counts(counts: pd.DataFrame) -> go.Figure:
    """Images per digit, one bar per split with its number printed.

    counts: columns split ("train", "val", "test"), digit (0..9), count (images)
    """
    x_title, y_title = "Images (count)", "Digit (class)"
    if counts.empty:
        return empty("No images yet", x_title, y_title).built()
    fig = Figure()
    present = [split for split in PATTERNS if (counts["split"] == split).any()]
    for split in present:
        name = SPLIT_WORDS[split]
        bars = counts[counts["split"] == split]
        fig.add_trace(
            bar(
                x=bars["count"], y=bars["digit"], orientation="h", name=name,
                text=[f"{count:,}" for count in bars["count"]], textposition="outside", cliponaxis=False,
                textfont={"size": 11}, constraintext="none",
                marker={"color": COLOUR, "pattern": {"shape": PATTERNS[split], "fillmode": "replace", "size": 6},
                        "line": {"color": COLOUR, "width": 1}},
                hovertemplate=f"%{{x:,d}} images, {name}<extra></extra>",
            )
        )  # fmt: skip
    finish(fig, x_title, y_title, height=110 + 10 * (12 + 17 * len(present)))
    fig.update_layout(barmode="group", bargap=0.22, hovermode="y unified", showlegend=True)
    fig.update_xaxes(range=[0, 1.14 * float(counts["count"].max())], tickformat=",d", nticks=6)
    fig.update_yaxes(autorange="reversed", dtick=1, showgrid=False, unifiedhovertitle={"text": "digit %{y}"})
    return fig.built()


def pixel_histogram(counts: NDArray[np.integer]) -> go.Figure:
    """How many pixels have each brightness. counts (256,) int: pixels of value 0 (background) to 255 (full ink)."""
    x_title, y_title = "Pixel value (0 = background, 255 = ink)", "Pixels (count, log)"
    if not counts.any():
        return empty("No pixels yet", x_title, y_title, 300).built()
    fig = Figure(
        bar(
            x=np.arange(len(counts)), y=counts, marker={"color": COLOUR, "line": {"width": 0}}, showlegend=False,
            hovertemplate="%{y:,d} pixels<extra></extra>",
        )
    )  # fmt: skip
    finish(fig, x_title, y_title, height=300)
    fig.update_layout(bargap=0)
    fig.update_xaxes(
        tickvals=[0, 50, 100, 150, 200, 255], range=[-1, 256], showgrid=False, unifiedhovertitle={"text": "value %{x}"}
    )
    fig.update_yaxes(type="log", dtick=1, tickformat=",d")
    return fig.built()


def describe_counts(counts: pd.DataFrame) -> str:
    """One sentence: images per split, its rarest and its most frequent digit. Takes what ``class_counts`` takes."""
    parts = []
    for split, name in SPLIT_WORDS.items():
        bars = counts[counts["split"] == split]
        if bars.empty:
            continue
        images, digits = bars["count"].to_numpy(), bars["digit"].to_numpy()
        least, most = images.argmin(), images.argmax()
        parts.append(
            f"{name} {images.sum():,} images, from {images[least]:,} (digit {digits[least]}) "
            f"to {images[most]:,} (digit {digits[most]}) per class"
        )
    return f"Images per digit: {'; '.join(parts)}." if parts else "Images per digit: none yet."


def describe_pixels(counts: NDArray[np.integer]) -> str:
    """One sentence: how much of the images is pure background and how much full ink. Takes what ``pixel_histogram`` takes."""
    total = int(counts.sum())
    if not total:
        return "Pixel values: none yet."
    background, ink = (f"{int(counts[value]) / total:.2%}".replace("%", " %") for value in (0, -1))
    return f"Of {total:,} pixels {background} are pure background (0) and {ink} are full ink (255)."
