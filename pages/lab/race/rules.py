"""The rules of a comparison: how many seeds, images and trials, what everybody may spend, and whose size counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core import models
from core.analysis.verdicts import fewest_seeds
from core.compare.budget import BUDGETS
from core.compare.kinds.kind import Kind
from core.compare.plan import HIGHEST_LR, LOWEST_LR, SIZES, TRIALS
from core.compare.size_match import Match
from core.config import TrainingConfig
from core.fields import settings
from pages.shared.link_state import linked_widget

MATCHES: Mapping[Match, str] = {
    "none": "as they are", "parameters": "equal parameters", "multiply-adds": "equal multiply-adds",
    "seconds": "equal seconds",
}  # fmt: skip
# What a budget's field says, the factor to its own unit, and where it begins.
AMOUNTS: Mapping[str, tuple[str, float, float]] = {
    "epochs": ("Epochs", 1, 5), "steps": ("Steps", 1, 1_000), "examples": ("Images looked at", 1, 100_000),
    "seconds": ("Seconds", 1, 30), "multiply-adds": ("Billion multiply-adds", 1e9, 100),
}  # fmt: skip
MOST_SEEDS = 12
FEWEST_TRIALS, MOST_TRIALS = 2, 50


def pick_seeds(n_judged: int, what: str) -> tuple[int, ...]:
    """n_judged: pairs, or blocks of a grid, that are judged together · what: in words, such as "3 contestants" """
    fewest = fewest_seeds(n_judged)
    seed = next(setting for setting in settings(TrainingConfig) if setting.name == "seed")
    with st.grid(2, min_column_width=230, vertical_alignment="bottom"):
        n = linked_widget(
            "seeds", st.slider, "Seeds", 1, MOST_SEEDS, start=fewest_seeds(), key="race_seeds",
            help=f"How often everybody runs, each time with other luck. With {what} {fewest} are the "
            "fewest that can tell; what they would find stands below the form.",
        )  # fmt: skip
        first = linked_widget(
            "first_seed", st.number_input, "First seed", int(seed.low or 0), int(seed.high or 0) - MOST_SEEDS,
            start=seed.default, key="race_first_seed", help="The others follow it.",
        )  # fmt: skip
    return tuple(range(first, first + n))


def pick_budget(kind: Kind) -> tuple[Any, float] | None:
    """Kind and amount in its own unit; None: the epochs of the learning settings."""
    with st.grid(2, min_column_width=230, vertical_alignment="bottom"):
        by = linked_widget(
            "budget", st.selectbox, "Budget of each run", ["none", *BUDGETS], start="none",
            format_func=lambda name: kind.without_budget if name == "none" else BUDGETS[name], key="race_budget",
            help="What everybody may spend. It is turned into steps before the start, so that it can be repeated.",
        )  # fmt: skip
        if by == "none":
            return None
        label, factor, start = AMOUNTS[by]
        amount = linked_widget(
            "budget", st.number_input, label, 0.0, start=float(start), format="%g" if by == "epochs" else "%.0f",
            step=1.0 if start < 100 else 100.0, key=f"race_amount_{by}",
        )  # fmt: skip
    return by, amount * factor


def pick_match() -> Match:
    match: Match = linked_widget(
        "match", st.segmented_control, "Sizes of the networks", list(MATCHES), format_func=MATCHES.__getitem__, start="none",
        required=True, wrap=True, key="race_match",
        help="A fair fight: one network sets the size, and the others are made larger or smaller until they agree "
        "within 5 %.",
    )  # fmt: skip
    return match


def pick_lead(named: Sequence[str]) -> list[str]:
    """The same networks, first the one whose size the others are given."""
    if st.session_state.get("race_lead") not in named:
        st.session_state["race_lead"] = named[0]
    lead: str = linked_widget(
        "match", st.selectbox, "Whose size counts", named, format_func=models.title, key="race_lead",
        help="The others are made larger or smaller to match it. It moves itself only when they can not.",
    )  # fmt: skip
    return [lead, *(name for name in named if name != lead)]


def pick_sizes() -> tuple[int, ...]:
    sizes: list[int] = linked_widget(
        "sizes", st.pills, "Training images", SIZES, selection_mode="multi", start=list(SIZES), wrap=True,
        format_func=lambda size: f"{size:,}" if size else "all", key="race_sizes",
    )  # fmt: skip
    return tuple(sizes)


def pick_trials() -> tuple[int, float, float]:
    lr = next(setting for setting in settings(TrainingConfig) if setting.name == "lr")
    with st.grid(3, min_column_width=180, vertical_alignment="bottom"):
        trials = linked_widget(
            "trials", st.number_input, "Trials", FEWEST_TRIALS, MOST_TRIALS, start=TRIALS, key="race_trials",
            help="Learning rates tried for each network.",
        )  # fmt: skip
        lowest, highest = (
            linked_widget(
                "lr_range", st.number_input, f"{which} learning rate", lr.low, lr.high, start=value, step=0.0001, format="%g",
                help=lr.help, key=f"race_{name}",
            )
            for which, name, value in (("Lowest", "low", LOWEST_LR), ("Highest", "high", HIGHEST_LR))
        )  # fmt: skip
    return trials, lowest, highest
