"""What came of a comparison: verdicts in sentences, and every figure they rest on in a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import pandas as pd
import streamlit as st

from core.charts.looks import Look
from core.compare.conditions import (
    accuracy_words,
    conditions,
    judged_split,
)
from core.compare.kinds.kind import Kind
from core.compare.kinds.tuning import best_of_trials
from core.compare.results import Round, rounds
from core.errors import InputError
from core.runs.groups import Group
from core.runs.rows import Run
from pages.lab.race.grid_view import show_grid
from pages.lab.race.verdict_view import figure, verdicts
from pages.shared.chart_ink import inked
from pages.shared.columns import all_columns, further_sentence, rounded_seconds
from pages.shared.glossary import explained
from pages.shared.markdown import escape_markdown
from pages.shared.services import store
from pages.shared.tables import show_table

N_FIRST_COLUMNS = 8  # of the contestants' table; the others are there when all are asked for
Looks = Mapping[int, Look]  # of each condition, by its number
Seen = tuple[tuple[str, int], ...]  # run id, and the version of what has ended: while these stay, so does the verdict


def results(group: Group, kind: Kind, runs: Sequence[Run], looks: Looks) -> None:
    """Everything below the curves. kind, runs: of the group"""
    if not any(run.status == "finished" for run in runs):
        st.caption("The verdict appears here as soon as runs have finished.")
        return
    VIEWS[kind.view](group, kind, runs, looks)


def _one_verdict(group: Group, kind: Kind, runs: Sequence[Run], _looks: Looks) -> None:
    (only,) = judged(group, runs)
    st.subheader("Verdict")
    verdicts(only)
    if kind.caveat:
        st.caption(kind.caveat)
    _conditions(only, kind, key="race_table")


def judged(group: Group, runs: Sequence[Run]) -> list[Round]:
    """The rounds of a group, remembered for as long as no further run begins or ends."""
    seen = tuple((run.run_id, run.version if run.has_ended else -bool(run.version)) for run in runs)
    return _judged(group.group_id, seen, group, runs)


@st.cache_resource(show_spinner=False, max_entries=16)  # each holds all runs of a group
def _judged(group_id: str, seen: Seen, _group: Group, _runs: Sequence[Run]) -> list[Round]:
    # Other images are asked when all have ended, which takes up to a second; nobody wins before.
    ended = all(run.has_ended for run in _runs)
    return rounds(_group, _runs, store().evaluation if ended else None)


# ---- one row per condition


_CONDITIONS = {
    "contestant": st.column_config.TextColumn(width=84),
    "test (%)": figure("%.2f", "Mean accuracy of the runs that finished, on images by which nothing was chosen.", 58),
    "test from": figure("%.2f", "95 % t-interval of the mean with other seeds, on these test images.", 55),
    "test to": figure("%.2f", "95 % t-interval of the mean with other seeds, on these test images.", 55),
    "parameters": figure("localized", "Weights of the network.", 66),
    "seconds": figure("localized", "Computing time of a run, mean.", 50),
    "finished": st.column_config.TextColumn(width=60),
    "validation (%)": figure("%.2f", "Mean accuracy over seeds, at each run's best epoch.", 58),
    "± test": figure("%.2f", "Standard deviation over seeds, in percentage points.", 55),
    "± validation": figure("%.2f", "Standard deviation over seeds, in percentage points.", 55),
    "n test": figure("localized", "Test images.", 60),
    "multiply-adds": figure("localized", "For one image, forward.", 84),
    "images/s": figure("localized", "While training, mean.", 70),
}


def _conditions(one_round: Round, kind: Kind, key: str, factors: Sequence[Mapping[str, Sequence[str]]] = ()) -> None:
    """factors: of a grid, whose cells are named by the values of both settings"""
    rows = kind.table(one_round.members)
    names: dict[str, Any] = {"contestant": rows["label"]}
    if factors:
        pairs = list(product(*(factor["values"] for factor in factors)))
        names = {str(factor["title"]): [pair[place] for pair in pairs] for place, factor in enumerate(factors)}
    finished = [f"{done} of {runs}" for done, runs in zip(rows["finished"], rows["runs"], strict=True)]
    columns = {  # first what one comes for, all of it in view on a telephone
        **names, "test (%)": 100 * _numbers(rows["test_mean"]),
        "test from": 100 * _numbers(rows["test_low"]), "test to": 100 * _numbers(rows["test_high"]),
        "parameters": rows["n_params"], "seconds": rows["seconds"].map(rounded_seconds), "finished": finished,
        "validation (%)": 100 * _numbers(rows["val_mean"]), "± test": 100 * _numbers(rows["test_sd"]),
        "± validation": 100 * _numbers(rows["val_sd"]), "n test": rows["n_test"],
        "multiply-adds": rows["multiply_adds"], "images/s": _numbers(rows["images_per_s"]).round(),
    }  # fmt: skip
    table = pd.DataFrame(columns)
    if not all_columns(key):
        table = table.iloc[:, : N_FIRST_COLUMNS + len(names) - 1]
    show_table(
        table, key, key=key, placeholder="", column_config=explained(table, _CONDITIONS),
        alt="Each contestant with accuracies over seeds and its costs",
    )  # fmt: skip
    if further := further_sentence(table, _CONDITIONS):
        st.caption(further)


def _numbers(column: pd.Series[float]) -> pd.Series[float]:
    return column.astype("float64")


# ---- one verdict for each number of training images


def _by_size(group: Group, kind: Kind, runs: Sequence[Run], looks: Looks) -> None:
    from core.charts.data_efficiency import data_efficiency, describe_data_efficiency
    from core.charts.theme import CONFIG

    members = conditions(group, runs)
    split = judged_split(members)
    measured = accuracy_words(split)
    rows = _named(kind.table(members), looks)
    st.subheader("Accuracy by number of training images")
    if rows.empty:
        return
    error = st.toggle(
        "As error, on a log axis", key="race_by_size_error", persist_state="session",
        help="Close to 100 % a small step is a large one: half the mistakes.",
    )  # fmt: skip
    st.plotly_chart(
        inked(data_efficiency(rows, "error" if error else "accuracy", split=split)), key="race_by_size", config=dict(CONFIG),
        alt=describe_data_efficiency(rows, split=split),
    )  # fmt: skip
    grouped = rows.groupby(["label", "n_train"], sort=False)["accuracy"]
    means = grouped.agg(mean="mean", sd="std", n="size").reset_index()
    means[["mean", "sd"]] *= 100
    names = {"label": "contestant", "n_train": "training images", "sd": "± over seeds", "n": "seeds"}
    names["mean"] = f"{measured} (%)"
    show_table(
        means.rename(columns=names), "race_by_size", placeholder="", key="race_by_size_table",
        column_config={f"{measured} (%)": figure("%.2f", "Mean over seeds."), "± over seeds": figure("%.2f", "Points."),
                       "training images": figure("localized", "Really learned from.")},
        alt="Accuracy of each contestant at each number of training images",
    )  # fmt: skip
    st.subheader("Verdict")
    size: int = st.segmented_control(
        "Number of training images", group.plan["sizes"], format_func=size_words, default=group.plan["sizes"][-1],
        required=True, wrap=True, key=f"race_at_{group.group_id}", persist_state="session",
    )  # fmt: skip
    verdicts(judged(group, runs)[group.plan["sizes"].index(size)])
    st.caption(kind.caveat)


def size_words(size: int) -> str:
    """A number of training images as a plan asks for it."""
    return f"{size:,}" if size else "all"


# ---- trials, of which validation images choose the best


def _by_trial(group: Group, kind: Kind, runs: Sequence[Run], looks: Looks) -> None:
    from core.charts.theme import CONFIG
    from core.charts.tuning import best_so_far, describe_best_so_far, describe_trials, trial_scatter

    trials = _named(kind.table(conditions(group, runs)), looks)
    st.subheader("What tuning is worth")
    expected = _named(best_of_trials(trials), looks)
    points = trials.assign(accuracy=trials["val_acc"].where(trials["val_acc"] > 0))
    left, right = st.columns(2)
    left.plotly_chart(
        inked(best_so_far(expected)), key="race_best", alt=describe_best_so_far(expected), config=dict(CONFIG)
    )
    right.plotly_chart(
        inked(trial_scatter(points)), key="race_trials_chart", alt=describe_trials(points), config=dict(CONFIG)
    )
    st.caption(
        "Left: how good the best of that many trials is on average, whichever came first. A network that only wins after "
        "many of them has bought its lead with tuning. Right: every trial."
    )
    st.subheader("Chosen by validation images")
    chosen_trials = trials[trials["chosen"]]
    shown = pd.DataFrame(
        {
            "contestant": chosen_trials["label"], "learning rate": chosen_trials["lr"],
            "validation (%)": 100 * chosen_trials["val_acc"],
            "test (%)": 100 * _numbers(chosen_trials["test_acc"]), "n test": chosen_trials["n_test"],
            "trials": [int((trials["number"] == number).sum()) for number in chosen_trials["number"]],
        }
    )  # fmt: skip
    show_table(
        shown, "race_chosen", key="race_chosen", placeholder="", alt="The chosen learning rate of each contestant",
        column_config={"learning rate": figure("%.5g", "The best of its trials on validation images."),
                       "validation (%)": figure("%.2f", "The best of several: a little too good to be true."),
                       "test (%)": figure("%.2f", "Only of the chosen trial.")},
    )  # fmt: skip
    st.caption(kind.caveat)
    by_id = {run.run_id: run for run in runs}
    with st.container(horizontal=True):
        for label, run_id in zip(chosen_trials["label"], chosen_trials["run_id"], strict=True):
            try:
                config = by_id[run_id].run_config()
            except InputError:  # written for settings that no longer exist
                continue
            st.page_link(
                "pages/lab/train/page.py", label=f"Use {escape_markdown(label)}'s on the Train page",
                icon=":material/arrow_forward:",
                query_params={"architecture": config.architecture, "dataset": config.data.dataset, **config.link()},
            )  # fmt: skip


def _named(rows: pd.DataFrame, looks: Looks) -> pd.DataFrame:
    """The same rows as the charts take them: with name and look."""
    return rows.assign(name=rows["label"], look=rows["number"].map(lambda number: looks[number]))


def _as_grid(group: Group, kind: Kind, runs: Sequence[Run], _looks: Looks) -> None:
    (only,) = judged(group, runs)
    if only.grid:
        show_grid(group, kind, only, only.grid)
    _conditions(only, kind, key="race_table", factors=group.plan["factors"])


# How the results of a kind are shown.
VIEWS: Mapping[str, Callable[[Group, Kind, Sequence[Run], Looks], None]] = {
    "verdict": _one_verdict, "sizes": _by_size, "trials": _by_trial, "grid": _as_grid,
}  # fmt: skip
