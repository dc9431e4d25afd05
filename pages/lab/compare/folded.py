"""The leaderboard's races: one row each, that of the best run by validation images, until the visitor unfolds them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd
import streamlit as st

from core.runs.rows import Run
from pages.shared.races import Race, one_of_each, races

UNFOLDED = "board_unfolded"  # session state: ids of the groups whose runs are listed one by one


def folded_races(runs: Sequence[Run], apart: Collection[str | None]) -> dict[str, Race]:
    """By the id of their group, the races that are one row. apart: ids of runs that are listed whatever they belong to"""
    unfolded = {*st.session_state.get(UNFOLDED, ()), *(run.group for run in runs if run.run_id in apart)}
    return {group_id: race for group_id, race in races(runs).items() if group_id not in unfolded}


def fold(rows: pd.DataFrame, folded: Mapping[str, Race]) -> tuple[pd.DataFrame, dict[str, Race]]:
    """The ranked rows with one for each race, and which race the row of a run stands for: run_id -> race."""
    keep, stands_for, seen = [], {}, set()
    for place, (run_id, group_id) in enumerate(zip(rows["run_id"], rows["group"], strict=True)):
        race = folded.get(group_id)
        if race is None:
            keep.append(place)
        elif group_id not in seen:  # the first one is the best
            seen.add(group_id)
            keep.append(place)
            stands_for[run_id] = race
    rows = rows.iloc[keep].reset_index(drop=True)
    names = [
        f"{name}, best of {stands_for[run_id].label}" if run_id in stands_for else name
        for run_id, name in zip(rows["run_id"], rows["name"], strict=True)
    ]
    return rows.assign(name=names), stands_for


def fold_buttons(ticked: Sequence[Race], key: str) -> None:
    """Below the table: list the runs of the ticked races one by one, and back."""
    if ticked:
        ids = [*st.session_state.get(UNFOLDED, ()), *(race.group.group_id for race in ticked)]
        st.button(
            "Unfold", icon=":material/unfold_more:", key=f"{key}_unfold", on_click=st.session_state.update,
            args=({UNFOLDED: ids},), help="Lists each run of the race in a row of its own.",
        )  # fmt: skip
    elif st.session_state.get(UNFOLDED):
        st.button(
            "Fold all races", icon=":material/unfold_less:", key=f"{key}_fold", on_click=st.session_state.update,
            args=({UNFOLDED: []},),
        )  # fmt: skip


def each_of(runs: Sequence[Run], stands_for: Mapping[str, Race]) -> list[Run]:
    """The best run of each contestant where a row stands for a race, else the run itself."""
    return [
        run for row in runs for run in (one_of_each(stands_for[row.run_id].runs) if row.run_id in stands_for else [row])
    ]


def all_of(runs: Sequence[Run], stands_for: Mapping[str, Race]) -> list[Run]:
    """Every run that the rows stand for."""
    return [run for row in runs for run in (stands_for[row.run_id].runs if row.run_id in stands_for else (row,))]
