"""Choosing runs, by hand or by a link: ``?run=`` with an id, the beginning of one, or several separated by commas."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

import streamlit as st

from core import data
from core.compare.same_images import image_sets
from core.errors import RunError
from core.runs.rows import Run
from core.runs.schema import StorageError
from pages.shared.link_state import follow_once, linked_widget, remember
from pages.shared.markdown import escape_markdown
from pages.shared.races import Race, best, one_of_each, races, rows
from pages.shared.services import store

SHIPPED = "Shipped: trained beforehand, came with Digit Lab."
COMPARED_FIRST = 5  # runs that are compared at first, where none were started together
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
        older = " (older split)" if run.older_split else ""
        return f"{run.label}: {percent(run.summary['test_acc'])} of {run.summary['n_test']:,} test images{older}"
    return run.label


def nothing_yet() -> None:
    """What a page about runs shows without any, and the one step that changes it."""
    st.info(
        "No run has a result yet." if store().runs() else "No network has been trained yet.", icon=":material/timeline:"
    )
    st.page_link("pages/lab/train/page.py", label="Train a network", icon=":material/arrow_forward:")


def pick_run(key: str) -> Run | None:
    """Let the visitor choose one of the runs that have a result; None (and the way out on screen) without any.

    It begins with the visitor's newest, of a race with the best on validation images, else with a shipped one; and with one
    whose images are here as long as there is any. The menu has one row for a race; who chooses that gets its best run, and the
    others to choose from.
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
    folded = races(runs.values())
    current = st.session_state.get(key)
    if current in folded:
        st.session_state[key] = best(folded[current].runs).run_id
    elif current not in runs:
        st.session_state[key] = first_choice(with_images(runs.values()) or list(runs.values()))[0]
    options = _menu(runs, [st.session_state[key]])
    run_id: str = linked_widget(
        "run", st.selectbox, "Run", list(options), format_func=options.__getitem__, key=key,
        help=f"Networks that have been trained, the newest first. {SHIPPED}",
    )  # fmt: skip
    remember("run", key, run_id)
    return runs[run_id]


def pick_runs(
    key: str, limit: int, *, with_curves: bool = False, label: str = "Runs", start: Sequence[str] = (),
    showable: Collection[str] | None = None, among: Collection[str] | None = None,
) -> list[Run]:  # fmt: skip
    """Let the visitor choose up to ``limit`` runs; [] (and the way out on screen) when there is none to choose from.

    The menu has one row for a race; who adds that adds the best run of each contestant, and finds the others in the menu.
    with_curves: offer also runs that go on or wait; those that ended without a result are there for a link alone
    start: ids to choose at first; without it those of ``first_choice``
    showable: ids of the runs that the page has something to show of, None for all; others that it began with itself, before
    anybody chose, give way to ``start``
    among: ids of the runs that the menu offers beside those that a link asks for, None for all
    """
    everyone = {run.run_id: run for run in store().runs()}
    linked = _linked(key, [run_id for run_id, run in everyone.items() if with_curves or has_result(run)])
    if among is not None:
        everyone = {run_id: run for run_id, run in everyone.items() if run_id in among or run_id in linked}
    before: list[str] | None = st.session_state.get(key)
    if (
        showable is not None
        and before == st.session_state.get(_began_key(key))
        and not set(before or ()) <= set(showable)
    ):
        before = None
    asked = set(linked or before or ()) if with_curves else set()
    runs = {
        run_id: run for run_id, run in everyone.items()
        if has_result(run) or (with_curves and (not run.has_ended or run_id in asked))
    }  # fmt: skip
    if not runs:
        nothing_yet()
        return []
    folded = races(runs.values())
    kept: list[str] = []
    for run_id in linked or before or ():
        kept += [run.run_id for run in one_of_each(folded[run_id].runs)] if run_id in folded else [run_id]
    kept = list(dict.fromkeys(run_id for run_id in kept if run_id in runs))
    emptied = before == [] and not linked  # on purpose, unlike a choice whose runs were deleted
    wanted = kept
    if not kept and not emptied:
        wanted = list(start or first_choice(list(runs.values())))[:limit]
        st.session_state[_began_key(key)] = wanted
    if len(wanted) > limit:
        st.info(f"{len(wanted):,} runs were asked for; {limit} fit here, so these are the first {limit} of them.")
    st.session_state[key] = wanted[:limit]
    options = _menu(runs, wanted)
    picked = linked_widget(
        "run", st.multiselect, label, list(options), format_func=options.__getitem__, key=key, max_selections=limit,
        help=f"Up to {limit}; the newest first. {SHIPPED}",
        wrap=True,  # also in a column, where all but the first would have to be scrolled to
    )  # fmt: skip
    remember("run", key, ",".join(picked))
    return [runs[run_id] for run_id in picked]


def with_images(runs: Iterable[Run]) -> list[Run]:
    """Those of the runs whose dataset is here, shipped ones only if it is still split as it was for them."""
    here = data.present_names()
    return [run for run in runs if run.config["data"]["dataset"] in here and not (run.shipped and run.older_split)]


def _began_key(key: str) -> str:
    """Where the session keeps the runs that the menu ``key`` began with."""
    return f"{key}_began"


def _menu(runs: Mapping[str, Run], chosen: Collection[str]) -> dict[str, str]:
    """Value -> text: each run, and one row for each race of which none is chosen."""
    unfolded = {runs[run_id].group for run_id in chosen}
    listed = sorted(runs.values(), key=lambda run: run.patient)  # patients below all others
    return {
        row.group.group_id if isinstance(row, Race) else row.run_id: row.label if isinstance(row, Race) else describe(row)
        for row in rows(listed, unfolded)
    }  # fmt: skip


def first_choice(runs: Sequence[Run]) -> list[str]:
    """What to begin with: the newest of these runs that finished with a result, together with those started beside it, of a
    race the best run of each contestant, best first; of shipped ones, the first few on the same images. Of runs that saw
    more or fewer images, those that saw most.

    Without any that finished: with a result, or, of those that go on, the newest. [] for no run
    """
    own = [run for run in runs if not run.shipped]
    for ready in (_finished, has_result, _goes_on):
        if newest := next((run for run in own if ready(run)), None):
            beside = [run for run in own if ready(run) and newest.group and run.group == newest.group]
            beside = with_most_images(beside or [newest])
            chosen = one_of_each(beside)
            first = best(chosen)
            return [run.run_id for run in sorted(chosen, key=lambda run: run is not first)]
    shipped = [run for run in runs if run.shipped and not run.patient] or [run for run in runs if run.shipped]
    return [run.run_id for run in on_images_of_newest(shipped)[:SHIPPED_FIRST]] if shipped else []


def compared_first(runs: Sequence[Run], limit: int, picked: str = "") -> list[str]:
    """Where runs are compared: the newest one with a result and those started together with it; where it was alone, others
    that learned from the same images, of each race the best.

    limit: the most that fit · picked: the id of the run to begin with instead
    """
    judged = [run for run in runs if has_result(run) and (not run.patient or run.run_id == picked)]
    first = _race_of(picked, judged) if picked else first_choice(runs)
    if len(first) != 1 or not judged:
        return first[:limit]
    alike = on_images_of_newest([run for run in judged if run.run_id == first[0]] + judged)
    each = [best(row.runs).run_id if isinstance(row, Race) else row.run_id for row in rows(alike)]
    return list(dict.fromkeys([*first, *each]))[: min(limit, COMPARED_FIRST)]


def _race_of(picked: str, runs: Sequence[Run]) -> list[str]:
    """The run with this id, which is one of these, and the others of its race, one of each contestant."""
    group = next(run.group for run in runs if run.run_id == picked)
    members = with_most_images([run for run in runs if run.group == group]) if group else []
    return list(dict.fromkeys([picked, *(run.run_id for run in one_of_each(members))]))


def _finished(run: Run) -> bool:
    return has_result(run) and run.status == "finished"


def _goes_on(run: Run) -> bool:
    return not run.has_ended


def with_most_images(runs: Sequence[Run]) -> list[Run]:
    """Those of the runs that learn from the most training images: a comparison may have many that see only a few."""
    wanted = [run.config["data"]["n_train"] or math.inf for run in runs]
    return [run for run, n_train in zip(runs, wanted, strict=True) if n_train == max(wanted)]


def on_images_of_newest(runs: Sequence[Run]) -> list[Run]:
    """The first of the runs and all others that learned from the same images."""
    return list(image_sets(runs)[0].runs)


def _linked(key: str, runs: Collection[str]) -> list[str]:
    """The runs that a link asks for; says on screen which of them are not to be had."""
    run_ids: list[str] = []
    for part in filter(None, follow_once("run", key).split(",")):
        try:
            run = store().run(part.strip())
        except StorageError:  # busy is not gone
            raise
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
