"""All runs as a table; what is chosen in it can be shown, renamed, deleted and brought back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core import models
from core.analysis import metrics
from core.runs.rows import Run
from pages.lab.train.damaged import damaged_runs
from pages.shared.columns import (
    FIRST_COLUMNS,
    TICKABLE_WIDTH,
    all_columns,
    further_sentence,
    interval_text,
    rounded_seconds,
)
from pages.shared.glossary import explained
from pages.shared.races import Race, best, one_of_each, rows
from pages.shared.run_actions import delete_button, run_name_field, undo
from pages.shared.run_picker import has_result
from pages.shared.services import store
from pages.shared.tables import show_table


def run_table(key: str, live_key: str, *, among: Collection[str] | None = None) -> None:
    """Draw the table. live_key: of the live panel that "Show on the charts" fills · among: ids of its runs, None for all"""
    undo(key)
    runs = [run for run in store().runs() if among is None or run.run_id in among]
    damaged = store().damaged_runs() if among is None else []
    if not runs and not damaged:
        return
    st.subheader("All runs" if among is None else "The base run and your networks")
    with_result = [run for run in runs if has_result(run) or not run.has_ended]
    without = [run for run in runs if run.has_ended and not has_result(run)]
    unfolded: list[str] = st.session_state.setdefault(f"{key}_unfolded", [])
    listed = rows(with_result, unfolded)
    everything = all_columns(key)
    if listed:
        _table(key, listed, live_key, everything=everything)
    if without:
        # A race that was stopped leaves many of these; nothing can be read off them.
        fold = st.expander(f"Without a result ({len(without):,})", key=f"{key}_without", on_change="rerun")
        if fold.open:
            with fold:
                st.caption("Diverged, failed, or stopped before anything was kept.")
                _table(f"{key}_rest", list(without), live_key, everything=everything, undo_key=key)
    if damaged:
        damaged_runs(key, damaged)


def _table(key: str, listed: Sequence[Run | Race], live_key: str, *, everything: bool, undo_key: str = "") -> None:
    # Chosen rows are remembered by position, so a new list starts without a choice.
    first = listed[0].runs[0] if isinstance(listed[0], Race) else listed[0]
    frame = _frame(listed, everything=everything)
    picked = show_table(
        frame, "runs_without_result" if undo_key else "runs", key=f"{key}_{first.run_id}_{len(listed)}",
        on_select="rerun", selection_mode="multi-row",
        placeholder="", column_config=explained(frame, _COLUMNS),
        alt="All runs with status, accuracies and computing time",
    )  # fmt: skip
    places: list[int] = picked.selection.rows
    ticked = [listed[place] for place in places if place < len(listed)]
    folding = f"{key}_unfolded"
    if not ticked:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                "Tick rows to show them on the charts, to rename or to delete them, and races to unfold them. "
                f"{further_sentence(frame, _COLUMNS, TICKABLE_WIDTH)}"
            )
            if st.session_state.get(folding):
                st.button("Fold all races", icon=":material/unfold_less:", key=f"{key}_fold", on_click=_unfold,
                          args=(folding, []))  # fmt: skip
        return
    ticked_races = [row for row in ticked if isinstance(row, Race)]
    runs = [run for row in ticked for run in (row.runs if isinstance(row, Race) else (row,))]
    shown = [run for row in ticked for run in (one_of_each(row.runs) if isinstance(row, Race) else [row])]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            "Show on the charts", icon=":material/show_chart:", key=f"{key}_show", on_click=_show,
            args=(live_key, [run.run_id for run in shown]),
            help="Of a race the best run of each network, by validation images." if ticked_races else None,
        )  # fmt: skip
        if ticked_races:
            ids = [*st.session_state.get(folding, []), *(race.group.group_id for race in ticked_races)]
            st.button(
                "Unfold", icon=":material/unfold_more:", key=f"{key}_unfold", on_click=_unfold, args=(folding, ids),
                help="Lists each run of the race in a row of its own.",
            )  # fmt: skip
        delete_button(undo_key or key, [run.run_id for run in runs], button_key=f"{key}_delete")
        if len(runs) == 1:
            run_name_field(key, runs[0])


def _unfold(folding: str, group_ids: list[str]) -> None:
    st.session_state[folding] = group_ids


_COLUMNS = {
    **FIRST_COLUMNS,
    "status": st.column_config.TextColumn(width=75),
    "validation (%)": st.column_config.NumberColumn(
        format="%.2f", width=62, help="Accuracy at the best epoch; of a race, that of its best run."
    ),
    "network": st.column_config.TextColumn(width=120),
    "dataset": st.column_config.TextColumn(width=110),
    "test images": st.column_config.NumberColumn(format="localized", width=66),
}


def _frame(listed: Sequence[Run | Race], *, everything: bool) -> pd.DataFrame:
    table = pd.DataFrame([_race_row(row) if isinstance(row, Race) else _run_row(row) for row in listed])
    return table if everything else table[[*FIRST_COLUMNS, "status"]]


def _run_row(run: Run) -> dict[str, Any]:
    return {
        "name": run.label,
        "test (%)": _percent(run, "test"),
        "95 % interval": _interval(run),
        "parameters": run.n_params,
        "seconds": rounded_seconds(run.summary.get("seconds", run.latest.get("seconds"))),
        "status": run.status,
        "validation (%)": _percent(run, "val"),
        "network": _network(run),
        "dataset": run.dataset_title,
        "test images": run.summary.get("n_test"),
    }


def _race_row(race: Race) -> dict[str, Any]:
    """A race as one row: the accuracies are those of its best run by validation images, the time is that of all."""
    own = [_run_row(run) for run in race.runs]
    finished = sum(run.status == "finished" for run in race.runs)
    return _run_row(best(race.runs)) | {
        "name": race.label,
        "parameters": None,
        "seconds": rounded_seconds(sum(row["seconds"] or 0.0 for row in own)),
        "status": f"{finished:,} of {len(own):,} finished",
        "network": ", ".join(dict.fromkeys(row["network"] for row in reversed(own))),
    }


def _network(run: Run) -> str:
    return models.TABLE[run.architecture].title if run.architecture in models.TABLE else ""


def _percent(run: Run, on: str) -> float | None:
    fraction = run.summary.get(f"{on}_acc")
    return None if fraction is None else 100 * fraction


def _interval(run: Run) -> str:
    if "test_acc" not in run.summary:
        return ""
    return interval_text(*metrics.accuracy_interval(run.summary["test_acc"], run.summary["n_test"]))


def _show(live_key: str, ids: list[str]) -> None:
    st.session_state[live_key] = ids
