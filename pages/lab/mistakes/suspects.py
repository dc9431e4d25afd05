"""Misread by all: digits that all chosen networks misread, and how they do without the known wrong labels."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.analysis.suspects import Readings, misread_by_all, readings
from core.data.label_errors import label_errors
from core.fields import SPLIT_WORDS, SplitName
from pages.lab.mistakes import label_faults
from pages.lab.mistakes.choice import answers_side_by_side, pick_runs_and_split
from pages.lab.mistakes.matrix import PERCENT
from pages.lab.mistakes.read_as import caption, say_letters, short_names
from pages.shared.answered import RunAnswers
from pages.shared.busy import fragment
from pages.shared.choices import Between, choose
from pages.shared.gallery import captioned, explain_stars, numbered, pager, pictures
from pages.shared.glossary import explain
from pages.shared.inside_link import see_inside
from pages.shared.tables import show_table

SCORE = "Belief in label"


def show() -> None:
    """The choice of runs and images, the suspects, and the labels that are known to be wrong."""
    choice = pick_runs_and_split()
    if choice is None:
        return
    runs, split = choice
    members = answers_side_by_side(runs, split)
    if not members:
        return
    labels = members[0].evaluation.labels
    read = readings([member.evaluation.logits for member in members], labels)
    fragment(_gallery)(members, split, read)
    if errors := label_errors(labels):
        label_faults.show(members, split, read, errors)
    else:
        st.caption("Nobody has published which labels of these images are wrong, so none is marked.")
    explain("label", "probability", "accuracy", "interval", "test", "validation")


def _gallery(members: Sequence[RunAnswers], split: SplitName, read: Readings) -> None:
    labels, n = members[0].evaluation.labels, len(members[0].right)
    st.subheader("Misread by all of them")
    least: int = choose(
        "Each of them at least this sure of its answer", "least_sure", "mistakes_least_sure", Between(0, 99), 50, st.slider,
        format="%d %%", help="How much of its belief every one of the networks gives to the digit that it reads.",
    )  # fmt: skip
    everyone, table = (misread_by_all(read, labels, minimum) for minimum in (0.0, least / 100))
    who = f"all {len(members)} networks" if len(members) > 1 else "the one network that is chosen"
    st.write(
        f"Of {n:,} {SPLIT_WORDS[split]} images, {len(everyone):,} {_are(everyone)} misread by {who}, {len(table):,} of these "
        f"with each at least {least} % sure of its answer."
    )
    if len(members) < 2:
        st.info("Choose more networks: what only one of them misreads says more about that network.")
    if table.empty:
        return
    alike = (
        f" {table['alike'].sum():,} of the {len(table):,} {_are(table)} read alike by all." if len(members) > 1 else ""
    )
    names = short_names(members)
    st.caption(
        f"{say_letters(members, names)}Ordered by how much the networks believe in the label: the mean of the probabilities "
        f"that they give to it, the smallest first. Where it is next to nothing, the digit is odd or its label is wrong; which "
        f"of the two, a person has to say.{alike}"
    )
    run_ids = "_".join(member.run.run_id for member in members)
    shown = table.iloc[pager(len(table), f"mistakes_suspects_{run_ids}_{split}_{least}")]
    errors = label_errors(labels)
    images = pictures(members[0].run, split, labels)
    index = [int(number) for number in shown["index"]]
    captioned(images, {i: caption(i, int(labels[i]), read, names, errors) for i in index})
    explain_stars(members[0].run, errors, index)
    if images is not None:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            looked_at: int = st.selectbox(
                "Image", index, format_func=lambda i: f"{numbered(i, errors)}: label {labels[i]}", width=220,
                key=f"mistakes_suspect_{run_ids}_{split}_{least}_{index[0]}",
            )  # fmt: skip
            see_inside([member.run for member in members], images[looked_at])
    twin = st.expander("The same as a table", key="mistakes_suspects_twin", on_change="rerun")
    if twin.open:
        rows = suspects_table(table, members, read)
        shares = [SCORE, *(column for column in map(str, rows) if column.endswith(", sure"))]
        show_table(
            rows, "misread_by_all", place=twin, alt=f"{len(table):,} images that every network misreads",
            column_config=dict.fromkeys(shares, PERCENT),
        )  # fmt: skip


def suspects_table(table: pd.DataFrame, members: Sequence[RunAnswers], read: Readings) -> pd.DataFrame:
    """One row per suspect: its number, its label, the score, and what each network reads; shares in percent."""
    index = table["index"].to_numpy()
    columns = {"Number": index, "Label": table["truth"], SCORE: 100 * table["p_truth"]}
    for member, answers, sure in zip(members, read.answers, read.confidence, strict=True):
        columns |= {f"{member.name}, reads": answers[index], f"{member.name}, sure": 100 * sure[index]}
    return pd.DataFrame(columns)


def _are(rows: pd.DataFrame) -> str:
    return "is" if len(rows) == 1 else "are"
