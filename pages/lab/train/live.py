"""Training as it happens: one card per chosen run and two charts, which move without a script (``pages/shared/watch.py``)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd
import streamlit as st

from core.analysis import metrics
from core.analysis.history import TABLE_WORDS
from core.errors import InputError
from core.runs.reading import damaged_events_sentence
from core.runs.rows import Request, Run
from core.runs.schema import StorageError
from pages.lab.train.layer_health import layer_health
from pages.lab.train.outcome import outcome
from pages.shared.axes import pick_axis, pick_live, pick_log_axis
from pages.shared.busy import fragment
from pages.shared.glossary import explain, explained
from pages.shared.histories import history
from pages.shared.inside_link import see_inside
from pages.shared.live_state import Wanted, best, current, facts
from pages.shared.markdown import escape_markdown
from pages.shared.redraw import redraw_page_if_changed
from pages.shared.robustness_link import see_robustness
from pages.shared.run_actions import OUT_OF_QUEUE, stop, undo
from pages.shared.run_picker import percent, pick_runs
from pages.shared.services import store, worker
from pages.shared.status import ended_sentence, is_active
from pages.shared.tables import show_table
from pages.shared.take_away import take_it_with_you
from pages.shared.watch import MOST_RUNS, watch_card, watch_charts, watch_table

BEGUN = "begun"  # session state: the first of the runs that were started last, which is brought into view


def live_panel(key: str, *, comes_first: bool = False, among: Collection[str] | None = None) -> None:
    """Let the visitor choose runs, and show them; they move while one of them is active.

    comes_first: the page is about these runs, so their curves stand on top, and what came of them when they have ended
    among: the ids of those to choose from, None for all
    """
    runs = [run for run in store().runs() if among is None or run.run_id in among]
    if not runs and "run" not in st.query_params:
        st.caption("The curves appear here as soon as something trains.")
        return
    if not comes_first:
        st.subheader("Curves")
    if runs and all(run.shipped for run in runs):
        st.caption(
            "Your own curves appear here as soon as something trains. Until then: networks that came with Digit Lab."
        )
    undo(f"{key}_queue", OUT_OF_QUEUE)
    answer, curves = st.container(), st.container()
    running = [run.run_id for run in runs if is_active(run) and run.status != "queued"]
    waiting = [run.run_id for run in runs if run.status == "queued"]
    picked = pick_runs(
        key,
        MOST_RUNS,
        with_curves=True,
        label="Runs on the charts",
        start=(running or waiting)[:MOST_RUNS],
        among=among,
    )
    if not picked:
        return
    live = any(is_active(run) for run in picked) and pick_live(key)
    with curves:
        _panel({run.run_id: run.status for run in picked}, key, live)
    if comes_first and all(run.has_ended for run in picked):
        with answer:
            outcome(picked)


@fragment
def _panel(statuses: Mapping[str, str], key: str, live: bool) -> None:
    by_id = {run.run_id: run for run in store().runs()}
    runs = [by_id[run_id] for run_id in statuses if run_id in by_id]
    redraw_page_if_changed(statuses, {run.run_id: run.status for run in runs})
    try:
        _show(runs, key, live)
    except StorageError:  # busy is not gone
        raise
    except InputError as error:  # somebody deleted one of them a moment ago; the next snapshot knows
        st.info(escape_markdown(error), icon=":material/info:")


def _show(runs: Sequence[Run], key: str, live: bool) -> None:
    """The curves, below them how far each run is, and at the end what can be switched."""
    panel = st.container(key=f"{key}_panel")
    charts, cards = panel.container(), panel.container()
    with panel.container(horizontal=True, vertical_alignment="center"):
        wanted = Wanted("runs", tuple(run.run_id for run in runs), pick_axis(key), pick_log_axis(key, runs))
        explain("loss", "nats", "accuracy", "epoch", "validation", "test", "interval", "parameters")
    snapshot = current(wanted)
    begun = st.session_state.get(BEGUN, "")
    scroll_to = (begun, f"{key}_panel") if begun in wanted.runs else None
    with charts:
        watch_charts(snapshot, wanted, f"{key}_charts", live=live, scroll_to=scroll_to)
    with cards, st.grid(min(2, max(1, len(runs))), min_column_width=320):
        for run in runs:
            with st.container(border=True, height="stretch"):
                _head(run, key)
                if run.has_ended:
                    _ending(run, key)
                else:
                    watch_card(snapshot, wanted, run.run_id, f"{key}_card_{run.run_id}", live=live)
                if damage := _damage(run.run_id, run.version):
                    st.caption(f":material/broken_image: {damage}")
                layer_health(run.run_id, key, live)
    twin = st.expander("The same as a table", key=f"{key}_twin", on_change="rerun")
    if twin.open:
        with twin:
            _twin(wanted.runs, key, live)


@fragment
def _twin(run_ids: Sequence[str], key: str, live: bool) -> None:
    place = st.container()
    if live:
        watch_table(run_ids, f"{key}_twin_epochs")
    runs = [store().run(run_id) for run_id in run_ids]
    table = _table(runs)
    show_table(
        table,
        f"{key}_epochs",
        place=place,
        column_config=explained(table, {}),
        alt="Loss and accuracy of each run after each epoch",
    )


def _table(runs: Sequence[Run]) -> pd.DataFrame:
    parts = [history(run.run_id, run.version)[1].assign(run=run.label) for run in runs]
    table = pd.concat(parts, ignore_index=True)
    table = table[table["whole_epoch"]].assign(accuracy=100 * table["accuracy"])
    table = table[["run", "epoch", "split", "loss", "accuracy", "seconds"]].replace({"split": dict(TABLE_WORDS)})
    table = table.round({"loss": 4, "accuracy": 2, "seconds": 1})
    names = {"loss": "loss (nats per image)", "accuracy": "accuracy (%)", "seconds": "computing time (s)"}
    return table.rename(columns=names)


@st.cache_resource(show_spinner=False, max_entries=1024)
def _damage(run_id: str, version: int) -> str:
    """What is damaged of its events; looked for once for each version, since it reads them all."""
    return damaged_events_sentence(store(), run_id)


def _ending(run: Run, key: str) -> None:
    """How it ended, what came out, and where to go from here."""
    if run.status == "failed":
        st.error(f"Failed: {escape_markdown(run.reason or 'the reason is in the server log')}", icon=":material/error:")
    elif run.status == "finished":
        st.badge(escape_markdown(ended_sentence(run)), icon=":material/check:", color="green")
    else:
        st.badge(escape_markdown(ended_sentence(run)), icon=":material/stop_circle:", color="orange")
    if "test_acc" in run.summary:
        accuracy, n = run.summary["test_acc"], run.summary["n_test"]
        low, high = metrics.accuracy_interval(accuracy, n)
        st.markdown(
            f"**{percent(accuracy)}** test accuracy", help=f"Of {n:,} images that it had never seen. The interval below: "
            f"{metrics.INTERVAL_MEANING}",
        )  # fmt: skip
        st.caption(
            f"{n:,} test images; 95 % interval {percent(low)} to {percent(high)}, for endlessly many images like these"
        )
        if run.older_split:
            st.caption(run.older_split)
        with st.container(horizontal=True):
            link = {"run": run.run_id}
            st.page_link("pages/lab/mistakes/page.py", label="Mistakes", icon=":material/rule:", query_params=link)
            st.page_link("pages/lab/draw/page.py", label="Draw", icon=":material/draw:", query_params=link)
            see_inside([run])
            see_robustness([run])
            take_it_with_you(run, key)
    for line in (facts(run), best(run)):
        if line:
            st.caption(escape_markdown(line))  # a run may be from elsewhere, and its machine called anything


def _head(run: Run, key: str) -> None:
    """Its name and what can be asked of it. Fixed position: content below grows while training."""
    offered: list[tuple[str, Request, str]] = []
    if run.status in ("paused", "interrupted"):
        offered.append(("Resume", "run", ":material/play_arrow:"))
    if run.status in ("queued", "running"):
        offered.append(("Pause", "pause", ":material/pause:"))
    if run.status in ("queued", "running", "paused", "interrupted"):
        offered.append(("Stop", "stop", ":material/stop:"))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(run.label, width="stretch")
        for label, what, icon in offered:
            st.button(
                label, icon=icon, key=f"{key}_{what}_{run.run_id}", on_click=_ask, args=(key, run.run_id, what),
                help="Keeps the best weights so far and judges them on the test images." if what == "stop" else None,
            )  # fmt: skip


def _ask(key: str, run_id: str, what: Request) -> None:
    if what == "stop":
        stop(f"{key}_queue", [run_id])
        return
    try:
        store().request(run_id, what)
        worker().wake()
    except InputError as error:
        st.toast(escape_markdown(error), icon=":material/error:")
