"""All runs as a table; what is chosen in it can be shown, renamed, deleted and brought back."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core import models
from core.analysis import metrics
from core.data import title
from core.runs.rows import Run
from pages.shared.columns import FIRST_COLUMNS, FURTHER, all_columns, interval_text, rounded_seconds
from pages.shared.run_actions import delete_button, run_name_field, undo
from pages.shared.services import store


def run_table(key: str, live_key: str) -> None:
    """Draw the table. ``live_key``: of the live panel that "Show on the charts" fills."""
    undo(key)
    runs = store().runs()
    if not runs:
        return
    st.subheader("All runs")
    table = _frame(runs)
    if not all_columns(key):
        table = table[[*FIRST_COLUMNS, "status"]]
    # Chosen rows are remembered by position, so a new list starts without a choice.
    picked = st.dataframe(
        table, key=f"{key}_{runs[0].run_id}_{len(runs)}", on_select="rerun", selection_mode="multi-row",
        hide_index=True, placeholder="", column_config=_COLUMNS, alt="All runs with status, accuracies and computing time",
    )  # fmt: skip
    rows: list[int] = picked.selection.rows
    ticked = [runs[row] for row in rows if row < len(runs)]
    if not ticked:
        st.caption(
            f"Tick rows to show them on the charts, to rename or to delete them. {FURTHER.format('their states')}"
        )
        return
    ids = [run.run_id for run in ticked]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button("Show on the charts", icon=":material/show_chart:", on_click=_show, args=(live_key, ids))
        delete_button(key, ids)
        if len(ticked) == 1:
            run_name_field(key, ticked[0])


_COLUMNS = {
    **FIRST_COLUMNS,
    "status": st.column_config.TextColumn(width=75),
    "validation (%)": st.column_config.NumberColumn(format="%.2f", width=62, help="Accuracy at the best epoch."),
    "network": st.column_config.TextColumn(width=120),
    "dataset": st.column_config.TextColumn(width=110),
    "test images": st.column_config.NumberColumn(format="localized", width=66),
}


def _frame(runs: Sequence[Run]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "name": [run.label for run in runs],
            "test (%)": [_percent(run, "test") for run in runs],
            "95 % interval": [_interval(run) for run in runs],
            "parameters": [run.n_params for run in runs],
            "seconds": [rounded_seconds(run.summary.get("seconds", run.latest.get("seconds"))) for run in runs],
            "status": [run.status for run in runs],
            "validation (%)": [_percent(run, "val") for run in runs],
            "network": [
                models.TABLE[run.architecture].title if run.architecture in models.TABLE else "" for run in runs
            ],
            "dataset": [title(run.config["data"]["dataset"]) for run in runs],
            "test images": [run.summary.get("n_test") for run in runs],
        }
    )


def _percent(run: Run, on: str) -> float | None:
    fraction = run.summary.get(f"{on}_acc")
    return None if fraction is None else 100 * fraction


def _interval(run: Run) -> str:
    if "test_acc" not in run.summary:
        return ""
    return interval_text(*metrics.accuracy_interval(run.summary["test_acc"], run.summary["n_test"]))


def _show(live_key: str, ids: list[str]) -> None:
    st.session_state[live_key] = ids
