"""Two runs image by image, and all chosen runs two by two: is a gap more than luck, and which digits does it lie in?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
import streamlit as st

from core.analysis import pairs
from core.analysis.metrics import losses
from core.analysis.statistics import Paired, cochran_q, holm, paired
from core.analysis.verdicts import ALPHA, verdict_for_pair
from core.charts.agreement import agreement, describe_agreement
from core.charts.theme import CONFIG
from core.compare.results import compare_runs
from core.data.label_errors import label_errors
from core.runs.rows import Run
from pages.lab.compare import ensemble
from pages.shared.answered import RunAnswers, answers_on_same_images
from pages.shared.busy import fragment
from pages.shared.chart_ink import inked
from pages.shared.choices import choose, follow, keep
from pages.shared.gallery import captioned, explain_stars, is_dark, numbered, pager, pictures
from pages.shared.glossary import explain, explained
from pages.shared.link_state import linked_widget
from pages.shared.markdown import escape_markdown
from pages.shared.run_picker import percent
from pages.shared.services import get_ready
from pages.shared.tables import show_table

CELLS: Mapping[pairs.Cell, str] = {
    "only_a": "only A", "only_b": "only B", "both": "both", "neither": "neither"
}  # fmt: skip
SIDES = {"pairing_a": "A", "pairing_b": "B"}
P_VALUE_COLUMNS = ("mid-p", "after Holm")
MAX_PAIRS_UNSCROLLED = 10  # pairs that are shown without scrolling
POINTS = st.column_config.NumberColumn(format="%+.2f")


def show(runs: Sequence[Run]) -> None:
    """The section "Image by image" of the Compare page. runs: those chosen there, each with a result"""
    members = answers_on_same_images(runs)
    if len(members) < 2:
        if len(runs) < 2 or members:
            st.info("Choose at least two runs on the same test images to compare them image by image.")
        return
    fragment(_two_networks)(members)
    if len(members) > 2:
        st.subheader("All pairs")
        _all_pairs(members)
    st.subheader("An ensemble")
    fragment(ensemble.show)(members)


def points(fraction: float) -> str:
    """A difference of accuracies: 0.0123 is "+1.23"."""
    return f"{100 * fraction:+.2f}".replace("-0.00", "+0.00").replace("-", "−")


def p_is(p: float) -> str:
    """A p value with four digits: "p = 0.0123", "p < 0.0001"."""
    return f"p = {p:.4f}" if p >= 0.00005 else "p < 0.0001"


def p_text(p: float) -> str:
    """The same without the letter: "0.0123", "< 0.0001"."""
    return p_is(p).removeprefix("p ").removeprefix("= ")


def interval(difference: Paired) -> str:
    """The 95 % interval of a difference."""
    return f"{points(difference.low)} to {points(difference.high)}"


def _two_networks(members: Sequence[RunAnswers]) -> None:
    """The verdict about A and B, its numbers, and the images behind each of them."""
    get_ready()  # a fragment has a thread of its own
    st.subheader("Two networks")
    by_id = {member.run.run_id: member for member in members}
    a, b = (by_id[run_id] for run_id in _choose(by_id))
    adjusted = _holm_p_values(members).get(frozenset((a.run.run_id, b.run.run_id)))
    result = compare_runs(a.name, b.name, a.evaluation, b.evaluation, p=adjusted)
    st.markdown(f"**{escape_markdown(result.verdict.finding)}**")
    st.caption(
        f"{escape_markdown(f'{result.verdict.figures} {result.verdict.caveat}'.strip())} Over several seeds, a race can say "
        "more about those."
    )
    left, beside = st.columns([11, 10], gap="medium")
    with left:
        _numbers(a, b, result.figures, adjusted)
    with beside:
        _gallery(a, b)


def _choose(by_id: Mapping[str, RunAnswers]) -> list[str]:
    """Two select boxes; a link (``?a=…&b=…``) is followed once, and the choice stands in the address."""
    ids = list(by_id)
    sides: list[str] = []
    with st.container(horizontal=True):
        for place, (key, side) in enumerate(SIDES.items()):
            # The default of B is the second run, unless A has been given that one.
            first = next(run_id for run_id in ids[place:] + ids if run_id not in sides)
            follow(side.lower(), key, ids, first)
            run_id = linked_widget(
                side.lower(), st.selectbox, side, ids, format_func=lambda run_id: by_id[run_id].name, key=key, width=340
            )
            keep(side.lower(), run_id)
            sides.append(run_id)
    return sides


def _holm_p_values(members: Sequence[RunAnswers]) -> dict[frozenset[str], float]:
    """Of every pair, by the ids of its runs: mid-p after Holm; empty for a single pair, which nothing raises."""
    two_by_two = list(combinations(members, 2))
    if len(two_by_two) < 2:
        return {}
    adjusted = holm([paired(a.right, b.right).mid_p for a, b in two_by_two])
    return {frozenset((a.run.run_id, b.run.run_id)): p for (a, b), p in zip(two_by_two, adjusted, strict=True)}


def _numbers(a: RunAnswers, b: RunAnswers, counts: Paired, adjusted: float | None) -> None:
    alike = float((a.evaluation.logits.argmax(axis=1) == b.evaluation.logits.argmax(axis=1)).mean())
    st.caption(
        f"A, {escape_markdown(a.name)}, reads {percent(a.accuracy)} and B, {escape_markdown(b.name)}, {percent(b.accuracy)} of "
        f"the same n = {counts.n:,} test images. They give the same answer to {percent(alike)} of them."
    )
    rows = [[counts.both, counts.only_a], [counts.only_b, counts.neither]]
    counted = pd.DataFrame(rows, index=["A right", "A wrong"], columns=["B right", "B wrong"])
    counted["Sum"] = counted.sum(axis=1)
    counted.loc["Sum"] = counted.sum()
    st.table(counted.map("{:,}".format), alt="How many test images both, only one, or neither network read correctly")
    with st.container(gap="xsmall"):
        st.markdown(
            f"Difference, A − B: **{points(counts.difference)} points**",
            help="Accuracy of A minus accuracy of B, in percentage points.",
        )  # fmt: skip
        st.markdown(
            f"95 % interval: **{interval(counts)} points**",
            help="Intervals made this way hold the difference of these two trained networks on endlessly many such images 95 "
            "times in 100. With 0 inside, either of the two could be the better one.",
        )  # fmt: skip
        st.markdown(
            f"McNemar, mid-p: **{p_text(counts.mid_p)}**",
            help="Were both equally good, each image that only one of them reads would be the toss of a coin. This is how "
            f"often coins alone give such a gap, or a larger one. Below {ALPHA:g} it counts as more than luck.",
        )  # fmt: skip
        st.markdown(
            f"McNemar, exact: **{p_text(counts.exact)}**",
            help="The same question, answered with more caution than needed: it finds real gaps less often. It stands here "
            "because many papers give it; the verdict uses mid-p.",
        )  # fmt: skip
    explain("percentage points", "interval", "p", "mid-p", *(() if adjusted is None else ("Holm",)), "ensemble")
    if adjusted is not None:
        st.caption(f"Counting all pairs of the chosen runs (Holm), mid-{p_is(adjusted)}. The verdict goes by that.")


def _gallery(a: RunAnswers, b: RunAnswers) -> None:
    there = pairs.contingency_cells(a.right, b.right)
    cell = choose(
        "Images read correctly by", "right", "pairing_cell", CELLS, "only_a", st.pills, required=True,
        format_func=lambda name: f"{CELLS[name]} ({len(there[name]):,})",
    )  # fmt: skip
    labels = a.evaluation.labels
    errors = label_errors(labels)
    if not len(there[cell]):
        st.info("There is no such image.", icon=":material/rule:")
        return
    hardness = losses(a.evaluation.logits, labels) + losses(b.evaluation.logits, labels)
    ordered = there[cell][np.argsort(-hardness[there[cell]], kind="stable")]
    shown = ordered[pager(len(ordered), f"pairing_page_{a.run.run_id}_{b.run.run_id}_{cell}")]
    said_a, said_b = (one.evaluation.logits.argmax(axis=1) for one in (a, b))
    st.caption("The true digit, then what A and what B said; what was hardest for both together comes first.")
    captioned(
        pictures(a.run, "test", labels),
        {i: f"{labels[i]}: A {said_a[i]}, B {said_b[i]}\n{numbered(i, errors)}" for i in map(int, shown)},
    )
    explain_stars(a.run, errors, [*map(int, shown)])


def _all_pairs(members: Sequence[RunAnswers]) -> None:
    """Every pair, judged with all the others in mind, and how far the runs agree."""
    n, names = len(members[0].right), [member.name for member in members]
    q, df, p = cochran_q(np.array([member.right for member in members]))
    answer = "yes, hardly by luck" if p < ALPHA else "not distinguishable, so make little of a single pair below"
    st.write(
        f"Does any of these {len(members)} networks read better than another? Cochran’s Q = {q:.2f} with {df} degrees of "
        f"freedom, {p_is(p)}: {answer}."
    )
    table = pair_table(members)
    p_values = list(P_VALUE_COLUMNS)
    table[p_values] = table[p_values].map(p_text)
    show_table(
        table, "pairs", height="content" if len(table) <= MAX_PAIRS_UNSCROLLED else 400,
        column_config=explained(table, dict.fromkeys(("Difference", "from", "to"), POINTS)),
        alt="Every pair of runs with its counts and its verdict",
    )  # fmt: skip
    st.caption(
        f"On n = {n:,} test images. Difference: accuracy of A minus that of B in percentage points, with its 95 % interval. "
        "Whoever compares many pairs finds a gap by luck sooner or later; Holm’s method raises each p value so that among all "
        f"these pairs together this happens at most {100 * ALPHA:.0f} times in 100. The verdicts go by that; the intervals are "
        "those of each pair alone."
    )
    shares = pairs.agreement(np.array([member.evaluation.logits.argmax(axis=1) for member in members]))
    st.plotly_chart(
        inked(agreement(shares, names, n, dark=is_dark())), key="pairing_agreement", alt=describe_agreement(shares, names, n),
        config={**CONFIG, "displayModeBar": False},
    )  # fmt: skip
    twin = st.expander("The same as a table", key="pairing_agreement_twin", on_change="rerun")
    if twin.open:
        show_table(
            pd.DataFrame(100 * shares, index=names, columns=names),
            "same_answers",
            place=twin,
            index=True,
            height="content",
            column_config=dict.fromkeys(names, ensemble.PERCENT),
            alt="Percent of test images to which two runs give the same answer",
        )


def pair_table(members: Sequence[RunAnswers]) -> pd.DataFrame:
    """A row per pair: how many images each alone read, the difference in percentage points, p values, the verdict."""
    adjusted = _holm_p_values(members)
    rows = []
    for a, b in combinations(members, 2):
        comparison, p = paired(a.right, b.right), adjusted[frozenset((a.run.run_id, b.run.run_id))]
        winner = {"a": a.name, "b": b.name, "none": ""}[verdict_for_pair(a.name, b.name, comparison, p).winner]
        rows.append(
            {
                "A": a.name, "B": b.name, "Only A right": comparison.only_a, "Only B right": comparison.only_b,
                "Difference": 100 * comparison.difference, "from": 100 * comparison.low, "to": 100 * comparison.high,
                "mid-p": comparison.mid_p, "after Holm": p,
                "Verdict": f"{winner} reads more" if winner else "not distinguishable",
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
