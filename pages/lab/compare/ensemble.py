"""Several runs that answer together: the mean of their probabilities, beside each of them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.analysis import pairs
from core.analysis.metrics import INTERVAL_MEANING, wilson
from core.analysis.statistics import paired
from core.analysis.verdicts import verdict_for_pair
from core.compare.leaderboard import rank_key
from pages.shared.answered import RunAnswers
from pages.shared.choices import choose
from pages.shared.markdown import escape_markdown
from pages.shared.tables import show_table

TOGETHER = "Ensemble"
PERCENT = st.column_config.NumberColumn(format="%.2f %%")
COUNT = st.column_config.NumberColumn(format="localized")


def show(candidates: Sequence[RunAnswers]) -> None:
    """Who votes, how well they read alone and together, and whether together is better than the best of them alone.

    candidates: at least one run, all on the same test images
    """
    st.write(
        "Let several networks answer together: their probabilities are averaged, and the most probable digit counts."
    )
    by_id = {member.run.run_id: member for member in candidates}
    voter_ids = choose(
        "Who votes", "voters", f"ensemble_{'-'.join(by_id)}", by_id, list(by_id), st.pills, several=True,
        selection_mode="multi", format_func=lambda run_id: escape_markdown(by_id[run_id].name),
    )  # fmt: skip
    members = [member for member in candidates if member.run.run_id in voter_ids]
    if not members:
        st.info("Nobody votes. Choose at least two networks.", icon=":material/how_to_vote:")
        return
    labels = members[0].evaluation.labels
    n = len(labels)
    together = pairs.ensemble([member.evaluation.logits for member in members]).argmax(axis=1) == labels
    rows = [(member.name, member.run.summary.get("val_acc"), int(member.right.sum())) for member in members]
    table = [_row(name, val_acc, right, n) for name, val_acc, right in [*rows, (TOGETHER, None, int(together.sum()))]]
    show_table(
        pd.DataFrame(table), "ensemble", height="content", placeholder="–",
        column_config=dict.fromkeys(("Validation accuracy", "Test accuracy", "from", "to"), PERCENT) | {"Right": COUNT},
        alt=f"Accuracy of each voter and of the ensemble on {n:,} test images",
    )  # fmt: skip
    best = best_single(members)
    if len(members) == 1:
        st.write("An ensemble of one is that network itself.")
    elif best is None:
        st.write("None of them held images out for validation, so there is no fair way to say which is the best alone.")
    else:
        verdict = verdict_for_pair("the ensemble", best.name, paired(together, best.right), images="test images")
        finding = f"T{verdict.finding[1:]}" if verdict.finding.startswith("the ensemble") else verdict.finding
        st.markdown(f"**{escape_markdown(finding)}**")
        st.caption(
            f"{escape_markdown(verdict.figures)} {escape_markdown(best.name)} is the best of them alone on validation images. "
            "This speaks about these trained networks, not about their architectures."
        )
    st.caption(
        f"n = {n:,} test images; from … to is the 95 % interval. {INTERVAL_MEANING} The test images were opened once for each "
        "run, after its training. Nothing is chosen on them: choosing the voters by this table would make it flatter."
    )


def best_single(members: Sequence[RunAnswers]) -> RunAnswers | None:
    """The best on validation images (``rank_key``); None where nobody held any out."""
    validated = [member for member in members if "val_acc" in member.run.summary]
    return max(validated, key=lambda member: rank_key(member.run.summary), default=None)


def _row(name: str, val_acc: float | None, right: int, n: int) -> dict[str, object]:
    low, high = wilson(right, n)
    return {
        "Network": name, "Validation accuracy": None if val_acc is None else 100 * val_acc, "Right": right,
        "Test accuracy": 100 * right / n, "from": 100 * low, "to": 100 * high,
    }  # fmt: skip
