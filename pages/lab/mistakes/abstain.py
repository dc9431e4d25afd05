""" "I do not know": what is gained, and what is lost, when a network answers only where it is sure."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.analysis.calibration import Abstaining, abstaining
from core.analysis.metrics import wilson
from core.fields import SPLIT_WORDS, SplitName
from pages.lab.mistakes.calibrated import surest_first
from pages.lab.mistakes.matrix import PERCENT
from pages.shared.answered import RunAnswers
from pages.shared.chart_ink import inked
from pages.shared.choices import choose
from pages.shared.glossary import explained
from pages.shared.run_look import run_look
from pages.shared.tables import show_table

# In percent; closer together where most answers are.
THRESHOLDS = (0.0, 50.0, 60.0, 70.0, 80.0, 85.0, 90.0, 95.0, 98.0, 99.0, 99.5, 99.9, 99.99)
SHARES = ("Coverage", "Accuracy", "from", "to")
COUNTS = ("Answered", "Mistakes left", "Held back, wrong", "Held back, right")
COUNT = st.column_config.NumberColumn(format="localized")


def show(members: Sequence[RunAnswers], split: SplitName) -> None:
    """The threshold, what it costs, and the whole curve. members: on the same images, at least one"""
    from core.charts.calibration import Coverage, coverage_curves, describe_coverage
    from core.charts.theme import CONFIG

    st.subheader("“I do not know”")
    st.write("A network may keep silent where it is not sure. That leaves fewer mistakes, and fewer answers.")
    percent_sure: float = choose(
        "It says “I do not know” below", "threshold", "mistakes_threshold", THRESHOLDS, 90.0, st.select_slider,
        format_func=lambda value: f"{value:g} %",
        help="Choose it by the validation images; the test images then report about it.",
    )  # fmt: skip
    rows, curves = [], []
    for member in members:
        answers, curve = surest_first(member, split)
        split_up = abstaining(answers, percent_sure / 100)
        rows.append(_row(member.name, split_up))
        share = split_up.right / split_up.answered if split_up.answered else float("nan")
        curves.append(Coverage(member.name, run_look(member.run), curve, split_up.answered / split_up.n, share))
    show_table(
        pd.DataFrame(rows), "i_do_not_know", height="content", placeholder="–",
        column_config=explained(rows[0], dict.fromkeys(SHARES, PERCENT) | dict.fromkeys(COUNTS, COUNT)),
        alt=f"What each network answers when it keeps silent below {percent_sure:g} %",
    )  # fmt: skip
    n = len(members[0].right)
    st.caption(
        f"n = {n:,} {SPLIT_WORDS[split]} images. Accuracy is that of the answers which are given; from … to is its 95 % "
        "interval. Held back, right: answers that would have been right, the price of the silence."
    )
    st.plotly_chart(
        inked(coverage_curves(curves)), key="mistakes_coverage", config=dict(CONFIG), alt=describe_coverage(curves)
    )
    st.caption(
        "From right to left, fewer and fewer images are answered, the surest ones last. Compare networks by their curves: at "
        "equal thresholds they answer different numbers of images, for one network’s 90 % is not another one’s."
    )


def _row(name: str, counts: Abstaining) -> dict[str, object]:
    low, high = wilson(counts.right, counts.answered)
    return {
        "Network": name, "Coverage": 100 * counts.answered / counts.n, "Answered": counts.answered,
        "Accuracy": 100 * counts.right / counts.answered if counts.answered else None, "from": 100 * low, "to": 100 * high,
        "Mistakes left": counts.wrong, "Held back, wrong": counts.held_back_wrong,
        "Held back, right": counts.held_back_right,
    }  # fmt: skip
