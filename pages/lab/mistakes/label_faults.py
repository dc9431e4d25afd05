"""Accuracy as labelled, and without the test images whose own label is known to be wrong: both, side by side."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd
import streamlit as st

from core.analysis.metrics import wilson
from core.analysis.suspects import Readings, right_without
from core.data import DATASETS
from core.data.label_errors import SOURCE
from core.fields import SplitName
from pages.lab.mistakes.matrix import PERCENT
from pages.lab.mistakes.read_as import caption, say_letters, short_names
from pages.shared.answered import RunAnswers
from pages.shared.gallery import captioned, pictures
from pages.shared.run_picker import percent
from pages.shared.tables import show_table

AS_LABELLED, WITHOUT = "As labelled", "Without them"


def show(members: Sequence[RunAnswers], split: SplitName, read: Readings, errors: Collection[int]) -> None:
    """members: on the same images, at least one · errors: indices of the images whose label is known to be wrong"""
    run, labels, n = members[0].run, members[0].evaluation.labels, len(members[0].right)
    phrase = DATASETS[run.config["data"]["dataset"]].phrase
    st.subheader("Labels that are known to be wrong")
    st.write(
        f"{len(errors)} of the {n:,} test images of {phrase} carry a label that most people do not see in them. {SOURCE} They "
        "stay in every figure of Digit Lab. Here you see what they change."
    )
    table = faults_table(members, errors)
    show_table(
        table, "without_label_faults", height="content", column_config=dict.fromkeys((AS_LABELLED, WITHOUT), PERCENT),
        alt=f"Accuracy of each network on all {n:,} test images and without {len(errors)} wrong labels",
    )  # fmt: skip
    st.caption(
        f"As labelled: n = {n:,} images; without them: n = {n - len(errors):,}. Intervals are those of 95 %. A gap of at "
        f"most {len(errors)} mistakes between two networks says nothing: it may lie in wrong labels alone. Agrees with wrong "
        "label: how many of them a network reads as the label says, and most people do not."
    )
    names = short_names(members)
    index = sorted(errors)
    st.caption(f"{say_letters(members, names)}All {len(errors)}, and what each network reads:")
    captioned(pictures(run, split, labels), {i: caption(i, int(labels[i]), read, names, errors) for i in index})


def faults_table(members: Sequence[RunAnswers], errors: Collection[int]) -> pd.DataFrame:
    """One row per network; accuracies in percent."""
    rows = []
    for member in members:
        whole, kept = right_without(member.right, ()), right_without(member.right, errors)
        rows.append(
            {
                "Network": member.name, AS_LABELLED: 100 * whole[0] / whole[1], WITHOUT: 100 * kept[0] / kept[1],
                "Mistakes, as labelled": whole[1] - whole[0], "Mistakes, without them": kept[1] - kept[0],
                "Agrees with wrong label": int(member.right[sorted(errors)].sum()),
                "Interval, as labelled": _interval(*whole), "Interval, without them": _interval(*kept),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _interval(right: int, n: int) -> str:
    low, high = wilson(right, n)
    return f"{100 * low:.2f} to {percent(high)}"
