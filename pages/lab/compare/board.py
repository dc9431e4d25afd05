"""The leaderboard: all runs on one kind of digits, the best on validation images first, and what can be done to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.compare.leaderboard import At
from core.compare.same_images import ImageSet, image_sets
from core.data import DATASETS
from core.runs.rows import Run
from pages.lab.compare.board_rows import COLUMNS, baseline_rows, matching, network, ranked, shown, with_grey
from pages.lab.compare.folded import all_of, each_of, fold, fold_buttons, folded_races
from pages.shared.busy import fragment
from pages.shared.choices import Between, choose, pick, switch
from pages.shared.columns import TICKABLE_WIDTH, all_columns, further_sentence
from pages.shared.glossary import explain, explained
from pages.shared.markdown import escape_markdown
from pages.shared.races import Race, best
from pages.shared.races import rows as folded_rows
from pages.shared.redraw import redraw_page_if_changed
from pages.shared.run_actions import delete_button, notes_field, run_name_field, tags_field, undo
from pages.shared.run_picker import has_result, nothing_yet
from pages.shared.services import get_ready, store
from pages.shared.status import is_active
from pages.shared.tables import show_table
from pages.shared.watch import watch_table

KEY = "board"
# What is remembered of the table: which one it is (1, 2, …), the ticked ids, (ids row by row, columns), the column that
# carries a mark, and the order as (column, falling or not).
TURN, TICKED, LISTED, MARKED, ORDER = (f"{KEY}_{what}" for what in ("turn", "ticked", "listed", "marked", "order"))
RANKED = ("rank", False)
AT = {"best": "Best epoch", "last": "Last epoch", "at": "One epoch"}
LOWEST_HEIGHT, ROW, MOST_ROWS = 38, 35, 16  # pixels, pixels, rows before the table scrolls


def board(compare: dict[str, Any], picker: str) -> None:
    """Draw it; up to date by itself while something trains.

    compare: what "Compare these" puts into the session state beside the ticked ids · picker: where the ids go
    """
    _board(_is_busy(store().runs()), compare, picker)


def _is_busy(runs: Sequence[Run]) -> bool:
    return any(is_active(run) for run in runs)


@fragment
def _board(busy: bool, compare: dict[str, Any], picker: str) -> None:
    get_ready()  # a fragment has a thread of its own
    place = st.container()
    if busy:  # a rank can only change when an epoch ends
        watch_table((), f"{KEY}_epochs")
    all_runs = store().runs()
    redraw_page_if_changed(busy, _is_busy(all_runs))
    with place:
        _show(all_runs, compare, picker)


def _show(everyone: Sequence[Run], compare: dict[str, Any], picker: str) -> None:
    undo(KEY)
    all_runs = [run for run in everyone if (has_result(run) or not run.has_ended) and not run.patient]
    if not all_runs:
        nothing_yet()
        _without_result(everyone)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        images = _pick_images(all_runs)
        runs = images.runs
        at = _pick_epoch(runs)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = choose(
            "Filter", "filter", f"{KEY}_filter", None, "", st.text_input, live=True, placeholder="cnn finished", width=260,
            help="Shows the runs in whose name, network, tags, notes, status or dataset all of these words occur.",
        )  # fmt: skip
        pinned = _pick_baseline(runs)
        folded = {} if words.strip() else folded_races(runs, {pinned})  # who searches wants to find runs
        differences = switch(
            "Only differences", "differences", f"{KEY}_differences",
            "Adds the settings in which the listed runs differ, and leaves out what is the same in all of them.",
        )  # fmt: skip
        everything = all_columns(KEY)
    order = ranked(runs, at)
    fitting = {run.run_id for run in matching(runs, words)}
    rows = order[order["run_id"].isin(fitting | {pinned})]
    rows, stands_for = fold(rows, folded)
    if rows.empty:
        st.info("No run has all of these words.", icon=":material/filter_alt:")
        return
    by_id = {run.run_id: run for run in runs}
    table = shown(rows, by_id, at, pinned, differences=differences, everything=everything)
    below = pd.DataFrame()
    if at == "best" and not images.older_split:
        below = baseline_rows(images.dataset, table.columns)
    ticked = _table(table, list(rows["run_id"]), pinned, below)
    _explain(rows, table, len(all_of([by_id[run_id] for run_id in rows["run_id"]], stands_for)), images, at)
    _actions([by_id[run_id] for run_id in ticked], stands_for, all_runs, compare, picker)
    _without_result(everyone)


def _pick_images(all_runs: Sequence[Run]) -> ImageSet:
    """Ranks among different images mean nothing, so there is one table for each."""
    by_title = {images.title: images for images in image_sets(all_runs)}  # that of the newest run first
    first = next(iter(by_title))
    return by_title[choose("Trained on", "trained_on", f"{KEY}_images", by_title, first, st.selectbox, width=260)]


def _pick_epoch(runs: Sequence[Run]) -> At:
    choice = pick(
        "Judged after", "after", f"{KEY}_at", AT, "best",
        "Best epoch: the one whose weights each run keeps, with the lowest validation loss unless it was set otherwise.",
    )  # fmt: skip
    if choice != "at":
        return "best" if choice == "best" else "last"
    most = max(1, *(int(run.epoch or 0) for run in runs)) if runs else 1
    if st.session_state.get(f"{KEY}_epoch", 1) > most:
        st.session_state[f"{KEY}_epoch"] = most
    return int(choose("Epoch", "epoch", f"{KEY}_epoch", Between(1, most), 1, st.number_input, width=130))


def _pick_baseline(runs: Sequence[Run]) -> str | None:
    current = st.session_state.get(f"{KEY}_pinned")
    offered = [best(row.runs) if isinstance(row, Race) else row for row in folded_rows(runs)]
    offered += [run for run in runs if run.run_id == current and run not in offered]
    names = {run.run_id: run.label for run in offered}
    pinned: str | None = choose(
        "Baseline", "baseline", f"{KEY}_pinned", names, None, st.selectbox, index=None, format_func=names.__getitem__,
        width=260, placeholder="none", help="Stays on top, and every other run is measured against it.",
    )  # fmt: skip
    return pinned


def _table(table: pd.DataFrame, ids: list[str], pinned: str | None, below: pd.DataFrame) -> list[str]:
    """Draw the table and, in grey, the rows ``below``; returns the ids of the ticked rows.

    Ticks are remembered by id and the order by column, because the browser knows rows by their places alone: it shows ticks
    on other runs as soon as a new one comes between. So a click on a heading comes here and sorts here; and where something
    is ticked while rows move, a new table takes the place of the old one, with whatever order that had of its own.
    """
    ticked, (column, falling) = _ticks_and_order(table)
    order = list(table.index)
    if column in table:
        order = list(table[column].sort_values(ascending=not falling, kind="stable", key=_sortable).index)
    order.sort(key=lambda place: ids[place] != pinned)
    table, ids = table.loc[order].reset_index(drop=True), [ids[place] for place in order]
    marked = [column] if column in table and (column, falling) != RANKED else []
    rows = [place for place, run_id in enumerate(ids) if run_id in ticked]
    before, now = st.session_state.get(LISTED), (ids, list(table.columns))
    if before != now and (rows or before is None):
        st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
    st.session_state.update({TICKED: ticked, LISTED: now, MARKED: marked, ORDER: (column, falling)})
    st.session_state[_key()] = {"selection": {"rows": rows, "columns": marked, "cells": []}}
    config = explained(table, COLUMNS)
    if "by epoch" in table:
        config["by epoch"] = dict(_sparkline(table["by epoch"]))
    if marked:
        config[column]["label"] = f"{column} {'↓' if falling else '↑'}"
    show_table(
        with_grey(table, below), KEY, key=_key(), on_select="rerun", selection_mode=("multi-row", "single-column"),
        placeholder="", column_config=config,
        height=LOWEST_HEIGHT + ROW * min(len(table) + len(below), MOST_ROWS),
        alt="Runs ranked by validation accuracy, with test accuracy, size and computing time",
    )  # fmt: skip
    return [run_id for run_id in ids if run_id in ticked]


def _ticks_and_order(table: pd.DataFrame) -> tuple[list[str], tuple[str, bool]]:
    """Which runs are ticked, and by which column to sort (falling or not), after what was clicked in the table as it was."""
    ticked: list[str] = st.session_state.get(TICKED, [])
    column, falling = st.session_state.get(ORDER, RANKED)
    if _key() not in st.session_state:
        return ticked, (column, falling)
    selection, before = st.session_state[_key()]["selection"], st.session_state[LISTED][0]
    hidden = [run_id for run_id in ticked if run_id not in before]
    ticked = hidden + [before[row] for row in selection["rows"] if row < len(before)]
    columns = list(selection["columns"])
    if columns != st.session_state.get(MARKED, []):
        clicked = columns[0] if columns else column  # the same heading again takes its mark away
        if clicked == column:
            falling = not falling
        else:
            falling = clicked != "rank" and clicked in table and pd.api.types.is_numeric_dtype(table[clicked])
        column = clicked
    return ticked, (column, falling)


def _key() -> str:
    return f"{KEY}_table_{st.session_state.get(TURN, 0)}"


def _sortable(values: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_numeric_dtype(values):
        return values
    return values.map(lambda value: ", ".join(map(str, value)) if isinstance(value, list) else str(value).casefold())


def _sparkline(curves: pd.Series[Any]) -> Any:
    """The same scale in every row, from the lowest of all points."""
    points = [point for curve in curves if curve for point in curve]
    return st.column_config.LineChartColumn(
        y_min=min(points, default=0.0), y_max=100.0, width="small",
        help="Validation accuracy after each epoch from the first on; the same scale in every row.",
    )  # fmt: skip


def _explain(rows: pd.DataFrame, table: pd.DataFrame, n_shown: int, images: ImageSet, at: At) -> None:
    """table: the rows as they are shown · n_shown: runs that they stand for"""
    counts = sorted({int(n) for n in rows["n_val"].dropna()})
    n_val = f" ({' or '.join(f'{n:,}' for n in counts)})" if 0 < len(counts) <= 3 else ""
    sentences = [
        f"{n_shown:,} of {len(images.runs):,} runs on {images.title}, ranked by accuracy on their validation images{n_val}."
    ]
    if images.older_split:
        sentences.append(images.older_split)
    if at == "best":
        sentences.append("The test images only report, and only for the weights that each run chose by validation.")
    else:
        sentences.append("Test accuracies belong to the best epoch alone, so they are not shown here.")
    st.caption(" ".join([*sentences, further_sentence(table, COLUMNS, TICKABLE_WIDTH)]))
    st.caption(
        "A rank among close neighbours means nothing: with other images or another seed they may change places. “Image by "
        "image” says whether the gap between two runs could be luck; for two architectures that takes several seeds of each."
    )
    explain("validation", "test", "interval", "seed", "standard deviation", "parameters", "multiply-adds", "baseline")
    measurable = DATASETS[images.dataset].has_baselines and not images.older_split
    if at == "best" and measurable and baseline_rows(images.dataset, ["name"]).empty:
        st.page_link(
            "pages/learn/architectures/page.py",
            label="Measure how far one gets without learning",
            icon=":material/speed:",
        )


def _actions(
    ticked_runs: Sequence[Run],
    stands_for: Mapping[str, Race],
    all_runs: Sequence[Run],
    compare: dict[str, Any],
    picker: str,
) -> None:
    """Below the table: what can be done to the ticked runs. stands_for: the races that rows of theirs stand for"""
    fold_buttons([stands_for[run.run_id] for run in ticked_runs if run.run_id in stands_for], KEY)
    if not ticked_runs:
        st.caption(
            "Tick rows to compare them, or to rename, tag, annotate or delete them. Click a heading to sort by it, again to "
            "turn the order round."
        )
        return
    ids = [run.run_id for run in each_of(ticked_runs, stands_for)]
    names = ", ".join(escape_markdown(run.label) for run in ticked_runs[:5]) + (
        f" and {len(ticked_runs) - 5} more" if len(ticked_runs) > 5 else ""
    )
    st.markdown(f"**Ticked:** {names}")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pressed = st.button(
            "Compare these", type="primary", icon=":material/compare_arrows:", key=f"{KEY}_compare",
            on_click=st.session_state.update, args=({picker: ids, **compare},), disabled=len(ids) < 2,
            help="Draws their curves; tick at least two." if len(ids) < 2 else "Draws their curves.",
        )  # fmt: skip
        delete_button(KEY, [run.run_id for run in all_of(ticked_runs, stands_for)])
        st.button("Untick", icon=":material/check_box_outline_blank:", key=f"{KEY}_untick", on_click=_untick)
    if pressed:
        st.rerun()
    if stands_for.keys() & {run.run_id for run in ticked_runs}:
        return  # names, tags and notes belong to single runs
    tags = {tag for run in all_runs for tag in run.tags}
    with st.grid(2, min_column_width=280):
        if len(ticked_runs) == 1:
            run_name_field(KEY, ticked_runs[0])
        tags_field(KEY, ticked_runs, tags)
    if len(ticked_runs) == 1:
        notes_field(KEY, ticked_runs[0])


def _without_result(runs: Sequence[Run]) -> None:
    """What ended with nothing to rank stands apart."""
    ended = [run for run in runs if run.has_ended and not has_result(run)]
    if not ended:
        return
    folder = st.expander(f"Without a result ({len(ended):,})", key=f"{KEY}_without", on_change="rerun")
    if folder.open:
        with folder:
            table = pd.DataFrame({
                "name": [run.label for run in ended], "status": [run.status for run in ended],
                "network": [network(run) for run in ended],
                "trained on": [run.dataset_title for run in ended],
            })  # fmt: skip
            show_table(
                table, "without_result", alt="Runs that diverged, failed or were stopped before anything was kept"
            )
            st.page_link("pages/lab/train/page.py", label="Delete them on the Train page", icon=":material/timeline:")


def _untick() -> None:
    st.session_state[TICKED] = []
    st.session_state.pop(_key(), None)
