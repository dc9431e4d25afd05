"""What a comparison showed, pair by pair: sentences, their figures, and what they are about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.verdicts import fewest_seeds
from core.compare.conditions import (
    ConditionComparison,
    accuracy_words,
    judged_split,
)
from core.compare.forecast import contestant_pairs
from core.compare.results import Round
from pages.shared.glossary import explained
from pages.shared.markdown import escape_markdown
from pages.shared.tables import show_table

MAX_OPEN_VERDICTS = 6  # verdicts that stand on the page; more of them are folded, winners first


def figure(form: str, help_: str, width: int | None = None) -> Any:
    """width: pixels, where the table is to show its first columns on a telephone"""
    return st.column_config.NumberColumn(format=form, help=help_, width=width)


def verdicts(one_round: Round) -> None:
    comparisons = one_round.comparisons
    ordered = sorted(comparisons, key=lambda pair: (pair.verdict.winner == "none", not pair.confounders))
    for pair in ordered[:MAX_OPEN_VERDICTS]:
        icon = ":material/emoji_events:" if pair.verdict.winner != "none" else ":material/balance:"
        icon = ":material/join:" if pair.confounders else icon
        st.markdown(f"{icon} {escape_markdown(pair.verdict.sentence)}")
    if len(comparisons) > MAX_OPEN_VERDICTS:
        st.caption(f"{len(comparisons) - MAX_OPEN_VERDICTS:,} more pairs stand in the table of all pairs.")
    if not comparisons:
        st.caption("One network alone has nobody to be compared with.")
    rows = _pair_table(comparisons)
    if len(rows):
        key = f"race_pairs_{comparisons[0].a}"
        fold = st.expander("All pairs in figures", key=key, on_change="rerun")
        if fold.open:
            show_table(rows, key, place=fold, column_config=explained(rows, _PAIRS), alt="Every pair with its figures")
    _explain(one_round)


_PAIRS = {
    "difference (points)": figure("%+.2f", "First minus second, in percentage points."),
    "95 %, other seeds": st.column_config.TextColumn(
        help="Interval of the difference with other seeds, on these test images."
    ),
    "95 %, other images": st.column_config.TextColumn(
        help="Interval of the difference with other seeds and other test images, too: a bootstrap over both."
    ),
    "p": figure("%.4f", "How often luck alone brings up such a gap: a sign-flip test on paired seeds."),
    "p, all pairs": figure("%.4f", "The same after Holm: many pairs are many chances for luck."),
    "wins (%)": figure("%.0f", "How often a run of the first beats a run of the second."),
}


def _pair_table(comparisons: Sequence[ConditionComparison]) -> pd.DataFrame:
    """A row for each pair that shares a seed with which one of them has finished."""
    rows = []
    for pair in comparisons:
        figures = pair.figures
        if figures is None:
            continue
        winner = {"a": pair.a, "b": pair.b, "none": "not distinguishable"}[pair.verdict.winner]
        rows.append(
            {
                "first": pair.a, "second": pair.b, "seeds": len(figures.seeds),
                "difference (points)": None if figures.difference is None else 100 * figures.difference,
                "95 %, other seeds": interval(figures.low, figures.high),
                "95 %, other images": interval(*(pair.wide or (None, None))),
                "p": figures.p, "p, all pairs": pair.p, "wins (%)": 100 * figures.win_rate,
                "better": "confounded" if pair.confounders else winner,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def interval(low: float | None, high: float | None) -> str:
    """Of fractions, in percentage points; "" where it is not known."""
    return "" if low is None or high is None else f"{100 * low:+.2f} to {100 * high:+.2f}"


def _explain(one_round: Round) -> None:
    """Why nothing can be told yet, and what the figures are about."""
    members = one_round.members
    split = judged_split(members)
    fewest, needed = min(len(member.results(split)) for member in members), fewest_seeds(contestant_pairs(len(members)))
    if fewest < needed:
        finished = ("no run", "one run")[fewest] if fewest < 2 else f"{fewest} runs"
        st.caption(
            f"One of the contestants has finished {finished} so far. Each needs at least {needed}, one for every seed, before "
            "luck can be ruled out, however large the gaps look."
        )
    key = f"n_{split}"
    n = next((run.summary[key] for member in members for run in member.runs if key in run.summary), 0)
    if not n:
        return
    unbiased = (
        "opened only after each run had chosen its weights" if split == "test" else "which also chose the weights"
    )
    lines = [f"Judged by {accuracy_words(split)} on the same {n:,} images for all, {unbiased}."]
    lines.append("There is some luck in every figure.")
    if any(pair.wide for pair in one_round.comparisons):
        lines.append(
            "The first range after “95 %” holds the gap with other seeds on these images 95 times in 100, the wider one that "
            "with other seeds and other images."
        )
    elif any(pair.figures and pair.figures.low is not None for pair in one_round.comparisons):
        lines.append(
            "The range after “95 %” holds the gap with other seeds on these images 95 times in 100. What other images do is "
            "told when all runs have ended, if they kept their answers."
        )
    lines.append(
        "Who wins more often need not be better on average: a network that seldom falls far behind may show that in none of a "
        "few seeds."
    )
    st.caption(" ".join(lines))
