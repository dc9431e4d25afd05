"""How well the chosen networks read the kept digits, beside the test images of their own dataset."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from core.analysis.metrics import INTERVAL_MEANING, wilson
from core.analysis.statistics import holm, paired
from core.analysis.verdicts import verdict_for_pair
from core.data.class_set import Digits, learned_from
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from core.runs.beginning import knows_class_set
from core.runs.class_set import ClassSet
from core.runs.rows import Run
from pages.lab.draw.our_training import train_with_them
from pages.shared.columns import interval_text
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.services import predictor
from pages.shared.tables import show_table

FEW_POINTS = 5.0  # percentage points to either side above which an interval is called wide


def our_score(runs: Sequence[Run], kept: ClassSet) -> None:
    """The view "How networks read them"."""
    if not len(kept):
        st.info("Nothing is kept yet. Draw a digit above, choose which one it is, and press “Keep”.")
        return
    if not runs:
        st.info("Choose networks above: then you see how well each of them reads these digits.")
        return
    digits, images = _judged_on(runs, kept)
    if not len(digits):
        st.info("None of these digits is held out yet: keep a few more.")
        return
    right = _right(runs, digits)
    if right:
        _table([run for run in runs if run.run_id in right], right, len(digits), images)
        _words([run for run in runs if run.run_id in right], right, len(digits), images)
        train_with_them([run for run in runs if run.run_id in right])


def _judged_on(runs: Sequence[Run], kept: ClassSet) -> tuple[Digits, str]:
    """The digits that none of the networks learned from, and what they are called."""
    if any(knows_class_set(run) for run in runs):
        digits = kept.digits.part(~learned_from(kept.digits.images))
        st.caption(
            f"Of {len(kept):,} kept digits these are the {len(digits):,} that are held out: a network among those above has "
            "learned from the others. Both halves may hold digits of the same people."
        )
        return digits, "held-out digits"
    return kept.digits, "kept digits"


def _right(runs: Sequence[Run], digits: Digits) -> dict[str, NDArray[np.bool_]]:
    """Run id -> which digits it reads correctly (N,); what can not answer is said and left out."""
    right: dict[str, NDArray[np.bool_]] = {}
    bar = st.empty()
    for number, run in enumerate(runs):
        bar.progress(number / len(runs), f"Network {number + 1} of {len(runs)} reads {len(digits):,} digits …")
        try:
            with faults_as_input_errors():
                right[run.run_id] = _answers(run.run_id, run.version, digits.hash, run, digits) == digits.labels
        except InputError as error:
            st.error(f"{escape_markdown(run.label)} can not answer. {sentence(error)}", icon=":material/error:")
    bar.empty()
    return right


# All but the last two only key the cache: when they change, there is something new to read.
@st.cache_resource(show_spinner=False, max_entries=32)
def _answers(run_id: str, version: int, digits_hash: str, _run: Run, _digits: Digits) -> NDArray[np.int64]:
    answers: NDArray[np.int64] = predictor(_run).logits(_digits.images).argmax(1)
    return answers


def _table(runs: Sequence[Run], right: dict[str, NDArray[np.bool_]], n: int, images: str) -> None:
    rows = [
        {
            "name": run.label,
            "ours (%)": 100 * float(right[run.run_id].mean()),
            "95 % interval": interval_text(*wilson(int(right[run.run_id].sum()), n)),
            "right": f"{int(right[run.run_id].sum()):,} of {n:,}",
            "test (%)": 100 * run.summary["test_acc"],
            "tested on": f"{run.summary['n_test']:,} of {run.dataset_title}",
        }
        for run in runs
    ]
    show_table(
        pd.DataFrame(rows), "networks_on_our_digits", key="draw_our_score", column_config=_COLUMNS,
        alt=f"Accuracy of each network on {n:,} {images}, with its interval, beside its test accuracy",
    )  # fmt: skip


_COLUMNS = {
    "name": st.column_config.TextColumn(width=110),
    "ours (%)": st.column_config.NumberColumn(format="%.2f", width=62, help="Accuracy on the digits that people kept here."),
    "95 % interval": st.column_config.TextColumn(width=80, help=f"{INTERVAL_MEANING} In percent."),
    "right": st.column_config.TextColumn(width=75),
    "test (%)": st.column_config.NumberColumn(
        format="%.2f", width=62, help="Accuracy on the test images of the dataset that it learned from."
    ),
    "tested on": st.column_config.TextColumn(width=140),
}  # fmt: skip


def _words(runs: Sequence[Run], right: dict[str, NDArray[np.bool_]], n: int, images: str) -> None:
    """How much such a number says, and whether the best two differ by more than luck."""
    intervals = [wilson(int(right[run.run_id].sum()), n) for run in runs]
    points = 50 * max(high - low for low, high in intervals)
    if points > FEW_POINTS:
        few = "1 digit is few" if n == 1 else f"{n:,} digits are few"
        st.write(
            f"{few}: with others by the same hands, an accuracy could well be {points:.0f} percentage points higher or lower. "
            "Keep more before you trust a difference."
        )
    if len(runs) < 2:
        return
    order = sorted(runs, key=lambda run: -int(right[run.run_id].sum()))
    pairs = [paired(right[a.run_id], right[b.run_id]) for a, b in combinations(order, 2)]
    p = holm([pair.mid_p for pair in pairs])[0]
    first, second = (escape_markdown(run.label) for run in order[:2])
    verdict = verdict_for_pair(first, second, pairs[0], p, images=images)
    st.write(f"{'Not distinguishable: ' if verdict.winner == 'none' else ''}{verdict.sentence}")
