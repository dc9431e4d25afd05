"""How many images a network needs: error or accuracy against the number of training images."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.charts.bands import MIN_BAND_SEEDS, key, ribbon
from core.charts.cost import Quality, conditions, quality_heights, quality_title, set_quality
from core.charts.figure import Figure, scatter
from core.charts.looks import marker
from core.charts.theme import empty, finish, in_percent, label, listed
from core.fields import SPLIT_WORDS, SplitName

X_TITLE = "Training images (number, log)"


def data_efficiency(table: pd.DataFrame, y: Quality = "error", *, split: SplitName = "test") -> go.Figure:
    """One line per condition through its mean over seeds, every run a point, a band where each size has three seeds or more.

    table: one row per run with columns name, look, number (of the condition: rows with the same are one line), n_train
    (images really trained on), accuracy (fraction; NaN: left out) · split: of the accuracy
    """
    title = quality_title(y, split)
    rows = table[table["accuracy"].notna() & (table["n_train"] > 0)]
    if rows.empty:
        return empty("No run has ended yet", X_TITLE, title).built()
    fig = Figure()
    wide = False
    for number, name, look, runs in conditions(rows):
        means = _means(runs)
        sizes = means["n_train"].to_numpy(np.float64)
        group = f"condition {number}"
        if (means["n"] >= MIN_BAND_SEEDS).all():
            wide = True
            low, high = (quality_heights(means[end], y) for end in ("low", "high"))
            fig.add_trace(ribbon(sizes, low, high, look.colour) | {"legendgroup": group})
        fig.add_trace(
            scatter(
                x=runs["n_train"], y=quality_heights(runs["accuracy"], y), mode="markers", legendgroup=group,
                showlegend=False, hoverinfo="skip", cliponaxis=False,
                marker=marker(look, 5, opacity=0.55),
            )
        )  # fmt: skip
        fig.add_trace(
            scatter(
                x=sizes, y=quality_heights(means["mean"], y), mode="lines+markers", name=label(name), cliponaxis=False,
                legendgroup=group, customdata=np.c_[100 * means[["mean", "low", "high"]], means["n"]],
                line={"color": look.colour, "width": 2.5}, marker=marker(look, 8),
                hovertemplate=f"%{{customdata[0]:.2f}} % {SPLIT_WORDS[split]} accuracy, mean of %{{customdata[3]:d}} runs "
                f"(%{{customdata[1]:.2f}} to %{{customdata[2]:.2f}})<extra>{label(name, 24)}</extra>",
            )
        )  # fmt: skip
    if wide:
        for trace in key(wide=True, single=False):
            fig.add_trace(trace)
    finish(fig, X_TITLE, title, height=400 + 22 * max(0, (rows["number"].nunique() - 3) // 2))
    sizes = np.unique(rows["n_train"].to_numpy(np.int64))
    fig.update_layout(showlegend=True)
    fig.update_xaxes(
        type="log", tickvals=sizes, ticktext=[f"{size:,}" for size in sizes], hoverformat=",d",
        unifiedhovertitle={"text": "%{x} training images"},
    )  # fmt: skip
    set_quality(fig, y)
    return fig.built()


def describe_data_efficiency(table: pd.DataFrame, *, split: SplitName = "test") -> str:
    """One sentence: each condition's mean accuracy at its fewest and its most images, the best at the fewest first."""
    rows = table[table["accuracy"].notna() & (table["n_train"] > 0)]
    ranked: list[tuple[float, str]] = []
    for _, name, _, runs in conditions(rows):
        means = _means(runs)
        ends = [f"{in_percent(row['mean'])} with {row['n_train']:,.0f}" for _, row in means.iloc[[0, -1]].iterrows()]
        text = ends[0] if len(means) == 1 else " and ".join(ends)
        ranked.append((-float(means["mean"].iloc[0]), f"{name} {text}"))
    if not ranked:
        return "Accuracy against training images: no run has ended yet."
    return f"Mean {SPLIT_WORDS[split]} accuracy by number of training images: {listed([text for _, text in sorted(ranked)])}."


def _means(runs: pd.DataFrame) -> pd.DataFrame:
    """Columns n_train, mean, low, high (fractions), n; ascending by n_train."""
    return runs.groupby("n_train", as_index=False).agg(
        mean=("accuracy", "mean"), low=("accuracy", "min"), high=("accuracy", "max"), n=("accuracy", "size")
    )
