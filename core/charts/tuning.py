"""Tuning compared fairly: what a number of trials is worth, and which learning rates were good."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.charts.cost import conditions, quality_heights, quality_title
from core.charts.figure import Figure, scatter
from core.charts.looks import marker
from core.charts.theme import empty, finish, in_percent, label, listed, log_axis, note, number_text

TRIALS_TITLE, BEST_TITLE = "Trials (number of learning rates tried)", "Expected best validation accuracy (%)"
MAX_TRIAL_LABELS = 12
LR_TITLE = "Learning rate (log)"


def best_so_far(table: pd.DataFrame) -> go.Figure:
    """The validation accuracy to expect of the best of k trials, one rising line per architecture.

    table: columns name, look, number (rows with the same are one line), trials (k = 1, 2, …), accuracy (fraction:
    ``core.analysis.statistics.expected_best``)
    """
    rows = table[table["accuracy"].notna()]
    if rows.empty:
        return empty("No trial has ended yet", TRIALS_TITLE, BEST_TITLE).built()
    fig = Figure()
    for number, name, look, line in conditions(rows):
        fig.add_trace(
            scatter(
                x=line["trials"], y=quality_heights(line["accuracy"], "accuracy"), mode="lines+markers",
                legendgroup=f"condition {number}", name=label(name),
                line={"color": look.colour, "width": 2}, marker=marker(look, 6),
                cliponaxis=False, hovertemplate=f"%{{y:.2f}} %<extra>{label(name, 24)}</extra>",
            )
        )  # fmt: skip
    finish(fig, TRIALS_TITLE, BEST_TITLE)
    fig.update_layout(showlegend=True)
    fig.update_xaxes(tickformat=",d", unifiedhovertitle={"text": "best of %{x}"})
    fig.update_xaxes(nticks=int(min(rows["trials"].max(), MAX_TRIAL_LABELS)))
    return fig.built()


def trial_scatter(table: pd.DataFrame) -> go.Figure:
    """Every trial: its learning rate and what came out on validation.

    table: one row per trial with columns name, look, number (rows with the same are one architecture), lr, accuracy
    (fraction; NaN, as when the loss was no number: left out, and the chart says how many)
    """
    title = quality_title("accuracy", "val")
    rows = table[table["accuracy"].notna()]
    missing = len(table) - len(rows)
    sentence = f"Without a result: {missing} of {len(table)} trials"
    if rows.empty:
        return empty(sentence if missing else "No trial has ended yet", LR_TITLE, title).built()
    fig = Figure()
    for number, name, look, trials in conditions(rows):
        fig.add_trace(
            scatter(
                x=trials["lr"], y=quality_heights(trials["accuracy"], "accuracy"), mode="markers",
                legendgroup=f"condition {number}", name=label(name),
                marker=marker(look, 9), cliponaxis=False,
                hovertemplate=f"{label(name)}<br>learning rate %{{x:.3~g}}: %{{y:.2f}} %<extra></extra>",
            )
        )  # fmt: skip
    finish(fig, LR_TITLE, title)
    fig.update_layout(hovermode="closest", showlegend=True)
    fig.update_xaxes(log_axis(fig.extent("x")))
    if missing:
        note(fig, sentence)
    return fig.built()


def describe_best_so_far(table: pd.DataFrame) -> str:
    """One sentence: what to expect of one trial and of all of them, the best of all first (five at most)."""
    ranked: list[tuple[float, str]] = []
    for _, name, _, rows in conditions(table[table["accuracy"].notna()]):
        line = rows.sort_values("trials")
        (_, first), (k, last) = (line[["trials", "accuracy"]].to_numpy(np.float64)[i] for i in (0, -1))
        text = f"{name} {in_percent(last)} for the best of {k:,.0f}"
        ranked.append((-last, text if len(line) == 1 else f"{text}, {in_percent(first)} for a single one"))
    if not ranked:
        return "Best of several trials: none has ended yet."
    return f"Expected validation accuracy: {listed([text for _, text in sorted(ranked)])}."


def describe_trials(table: pd.DataFrame) -> str:
    """One sentence: the best trial of each architecture and its learning rate, the best first (five at most)."""
    rows = table[table["accuracy"].notna()]
    best = rows.loc[rows.groupby("number")["accuracy"].idxmax()].sort_values("accuracy", ascending=False)
    texts = [f"{row['name']} {in_percent(row['accuracy'])} at {number_text(row['lr'])}" for _, row in best.iterrows()]
    if not texts:
        return "Trials of the learning rate: none has ended yet."
    return f"Best of {len(rows):,} trials by validation accuracy and learning rate: {listed(texts)}."
