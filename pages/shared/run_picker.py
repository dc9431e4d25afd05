"""Choosing runs, by hand or by a link: ``?run=`` with an id, the beginning of one, or several separated by commas."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import streamlit as st

from core import data
from core.config import without_seed
from core.errors import RunError
from core.runs.rows import Run
from pages.shared.link_state import follow_once, remember
from pages.shared.markdown import escape_markdown
from pages.shared.services import store

SHIPPED = "Shipped: trained beforehand, came with Digit Lab."
SHIPPED_FIRST = 3  # of them are chosen before anything has been trained here


def percent(fraction: float) -> str:
    """0.98745 as "98.75 %"."""
    return f"{100 * fraction:.2f} %"


def has_result(run: Run) -> bool:
    """Whether the run has weights and was judged: one that diverged or was stopped before its start has ended without."""
    return "test_acc" in run.summary


def describe(run: Run) -> str:
    """A run in a menu: its name and, when it was judged, how well it read the test images."""
    if has_result(run):
        return f"{run.label}: {percent(run.summary['test_acc'])} of {run.summary['n_test']:,} test images"
    return run.label


def nothing_yet() -> None:
    """What a page about runs shows without any, and the one step that changes it."""
    st.info(
        "No run has a result yet." if store().runs() else "No network has been trained yet.", icon=":material/timeline:"
    )
    st.page_link("pages/lab/train/page.py", label="Train a network", icon=":material/arrow_forward:")


def pick_run(key: str) -> Run | None:
    """Let the visitor choose one of the runs that have a result; None (and the way out on screen) without any.

    It begins with the visitor's newest, else with a shipped one whose images are here.
    key: of the widget; the choice survives page changes and stands in the address
    """
    runs = {run.run_id: run for run in store().runs() if has_result(run)}
    if not runs:
        _linked(key, runs)
        nothing_yet()
        return None
    linked = _linked(key, runs)
    if linked:
        st.session_state[key] = linked[0]
    if st.session_state.get(key) not in runs:
        here = data.present_names()
        own_or_seen = (
            run_id for run_id, run in runs.items() if not run.shipped or run.config["data"]["dataset"] in here
        )
        st.session_state[key] = next(own_or_seen, next(iter(runs)))
    run_id: str = st.selectbox(
        "Run", list(runs), format_func=lambda run_id: describe(runs[run_id]), key=key, persist_state="session",
        help=f"Networks that have been trained, the newest first. {SHIPPED}",
    )  # fmt: skip
    remember("run", key, run_id)
    return runs[run_id]


def pick_runs(
    key: str, limit: int, *, statuses: Collection[str] | None = None, label: str = "Runs", start: Sequence[str] = ()
) -> list[Run]:
    """Let the visitor choose up to ``limit`` runs; [] (and the way out on screen) when there is none to choose from.

    statuses: which runs to offer; without it those that have a result
    start: ids to choose at first; without it the visitor's newest run and those started together with it, else some
    shipped ones
    """
    runs = {
        run.run_id: run for run in store().runs() if (has_result(run) if statuses is None else run.status in statuses)
    }
    if not runs:
        _linked(key, runs)
        nothing_yet()
        return []
    linked = _linked(key, runs)
    before: list[str] | None = st.session_state.get(key)
    kept = [run_id for run_id in linked or before or () if run_id in runs]
    emptied = before == [] and not linked  # on purpose, unlike a choice whose runs were deleted
    wanted = kept if kept or emptied else list(start or _family(list(runs.values())))[:limit]
    if len(wanted) > limit:
        st.info(f"{len(wanted):,} runs were asked for; {limit} fit here, so these are the first {limit} of them.")
    st.session_state[key] = wanted[:limit]
    picked = st.multiselect(
        label, list(runs), format_func=lambda run_id: describe(runs[run_id]), key=key, max_selections=limit,
        persist_state="session", help=f"Up to {limit}; the newest first. {SHIPPED}",
    )  # fmt: skip
    remember("run", key, ",".join(picked))
    return [runs[run_id] for run_id in picked]


def started_with_newest(runs: Sequence[Run]) -> list[Run]:
    """The first of the runs and those started together with it."""
    newest = runs[0]
    return [run for run in runs if run is newest or (newest.group and run.group == newest.group)]


def on_dataset_of_newest(runs: Sequence[Run]) -> list[Run]:
    """The first of the runs and all others that learned from the same dataset."""
    return [run for run in runs if run.config["data"]["dataset"] == runs[0].config["data"]["dataset"]]


def _family(runs: Sequence[Run]) -> list[str]:
    """The newest run and those started together with it, one of each kind first, for a race has many seeds of every one;
    of shipped ones, the first few on the same dataset."""
    if runs[0].shipped:
        return [run.run_id for run in on_dataset_of_newest(runs)[:SHIPPED_FIRST]]
    family = started_with_newest(runs)
    first = {without_seed(run.config): run.run_id for run in reversed(family)}.values()
    return sorted((run.run_id for run in family), key=lambda run_id: run_id not in first)


def _linked(key: str, runs: Collection[str]) -> list[str]:
    """The runs that a link asks for; says on screen which of them are not to be had."""
    run_ids: list[str] = []
    for part in filter(None, follow_once("run", key).split(",")):
        try:
            run = store().run(part.strip())
        except RunError as error:
            st.warning(
                f"The link asks for a run that is not here. {escape_markdown(error)}", icon=":material/link_off:"
            )
            continue
        if run.run_id in runs:
            run_ids.append(run.run_id)
        elif run.has_ended:
            st.warning(
                f"The run in the link, {escape_markdown(run.name)}, ended without a result: "
                "there is nothing of it to show here.",
                icon=":material/link_off:",
            )
        else:
            st.warning(
                f"The run in the link, {escape_markdown(run.name)}, has no result yet. It gets one when its training ends.",
                icon=":material/hourglass_empty:",
            )
    return run_ids
