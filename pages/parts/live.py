"""Training as it happens: one card per chosen run and two charts, redrawn only when there is something new."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from core.analysis import coach, metrics
from core.errors import InputError
from core.runs.rows import Request, Run
from core.standings import training_multiply_adds
from pages.parts.axes import METRICS, pick_axis, pick_live, pick_spread
from pages.parts.histories import Rows, drawn_version, history
from pages.parts.run_picker import percent, pick_runs
from pages.parts.services import soon, store, worker
from pages.parts.status import SAID_BY_STATUS, duration, is_active, said
from pages.parts.words import inert

if TYPE_CHECKING:
    from core.charts.axis import Metric, X

LIMIT = 8  # as many as there are colours
EVERY = 1.0  # seconds between two looks at the store
ALL = ("queued", "running", "stopping", "paused", "interrupted", "finished", "stopped", "diverged", "failed")

Look = tuple[
    str, int, str, int, int | None
]  # run id, version, name, number, multiply-adds: all that a chart depends on


def live_panel(key: str) -> None:
    """Let the visitor choose runs, and show them; ticks once a second while one of them is active, else never."""
    runs = store().runs()
    if not runs and "run" not in st.query_params:
        st.caption("The curves appear here as soon as something trains.")
        return
    st.subheader("Curves")
    if runs and all(run.shipped for run in runs):
        st.caption(
            "Your own curves appear here as soon as something trains. Until then: networks that came with Digit Lab."
        )
    active = [run.run_id for run in runs if is_active(run)]
    chosen = pick_runs(key, LIMIT, statuses=ALL, label="Runs on the charts", start=active[:LIMIT])
    if not chosen:
        return
    live = any(is_active(run) for run in chosen) and pick_live(key)
    draw = st.fragment(run_every=EVERY if live else None)(_panel)
    draw({run.run_id: run.status for run in chosen}, key)


def _panel(statuses: Mapping[str, str], key: str) -> None:
    known = {run.run_id: run for run in store().runs()}
    runs = [known[run_id] for run_id in statuses if run_id in known]
    if {run.run_id: run.status for run in runs} != statuses:
        st.rerun()  # the whole page once: ticking starts or ends, and the table learns of it
    try:
        _show(runs, key, sum(one.status == "running" for one in known.values()))
    except InputError as error:  # somebody deleted one of them a moment ago; the next look knows
        st.info(inert(error), icon=":material/info:")


def _show(runs: Sequence[Run], key: str, running: int) -> None:
    with st.grid(min(2, max(1, len(runs))), min_column_width=320):
        for run in runs:
            with st.container(border=True, height="stretch"):
                _card(run, key, running)
    _charts(runs, key)
    for run in runs:
        if advice := coach.diagnose(history(run.run_id, run.version)[0]):
            st.warning(f"**{inert(run.label)}**: {advice}", icon=":material/troubleshoot:")


def _charts(runs: Sequence[Run], key: str) -> None:
    from core.charts.theme import CONFIG

    with st.container(horizontal=True, vertical_alignment="center"):
        x, log_y = pick_axis(key), pick_spread(key)
    looks = tuple((run.run_id, drawn_version(run), run.label, run.number, training_multiply_adds(run)) for run in runs)
    for column, metric in zip(st.columns(2), METRICS, strict=True):
        figure, alt = _figure(looks, x, metric, log_y)
        with column:
            st.plotly_chart(figure, key=f"{key}_{metric}", alt=alt, config=dict(CONFIG))
    twin = st.expander("The same as a table", key=f"{key}_twin", on_change="rerun")
    if twin.open:
        twin.dataframe(_table(looks), hide_index=True, alt="Loss and accuracy of each run after each epoch")


@st.cache_resource(show_spinner=False, max_entries=16)
def _figure(looks: tuple[Look, ...], x: X, metric: Metric, log_y: bool) -> tuple[Any, str]:
    from core.charts.curves import Line, curves, describe_curves
    from core.charts.theme import run_colour

    lines = [
        Line(name, run_colour(number), history(run_id, version)[1], work)
        for run_id, version, name, number, work in looks
    ]
    return curves(lines, x=x, metric=metric, log_y=log_y), describe_curves(lines, metric=metric)


def _table(looks: tuple[Look, ...]) -> pd.DataFrame:
    parts = [history(run_id, version)[1].assign(run=name) for run_id, version, name, *_ in looks]
    table = pd.concat(parts)
    table = table[table["whole_epoch"]].assign(accuracy=100 * table["accuracy"])
    table = table[["run", "epoch", "split", "loss", "accuracy", "seconds"]].round(
        {"loss": 4, "accuracy": 2, "seconds": 1}
    )
    names = {"loss": "loss (nats per image)", "accuracy": "accuracy (%)", "seconds": "computing time (s)"}
    return table.rename(columns=names)


def _card(run: Run, key: str, running: int) -> None:
    rows, points = history(run.run_id, run.version)
    st.text(run.label)
    share = min(1.0, (run.epoch or 0.0) / run.epochs)
    if run.status in ("finished", "stopped", "diverged", "failed"):
        _ending(run, rows)
    else:
        st.progress(share, text=f"{said(run)}{_left(run, rows, key, running)}")
    facts = [
        f"{run.n_params:,} parameters" if run.n_params else "",
        duration(run.summary.get("seconds", run.last.get("seconds", 0.0))) + " of computing" if run.version else "",
        f"{run.last['images_per_s']:,.0f} images/s" if run.last.get("images_per_s") else "",
        run.device + (" of another machine" if run.shipped else ""),
    ]
    st.caption(" · ".join(fact for fact in facts if fact))
    marked = np.flatnonzero(points["is_best"].to_numpy())  # on arrays: a filtered frame takes a tenth of a look
    if len(marked) and points["epoch"].to_numpy()[marked[-1]] > 0:
        epoch, accuracy, loss = (float(points[name].to_numpy()[marked[-1]]) for name in ("epoch", "accuracy", "loss"))
        split = "validation" if points["split"].iat[marked[-1]] == "val" else "training"
        so_far = "" if run.has_ended else " so far"
        st.caption(f"Best epoch{so_far}: {epoch:g}, {percent(accuracy)} {split} accuracy, loss {loss:.4f} nats")
    _buttons(run, key)


def _left(run: Run, rows: Rows, key: str, running: int) -> str:
    """About how long still, from this screen's own clock: it knows what validation and the other runs take."""
    paces: dict[str, list[tuple[float, float]]] = st.session_state.setdefault(f"{key}_paces", {})
    if run.status != "running" or run.epoch is None:
        paces.pop(run.run_id, None)
        return ""
    seen = paces.setdefault(run.run_id, [])
    seen.append((time.monotonic(), run.epoch))
    del seen[:-30]
    (began, at_first), (now, at_last) = seen[0], seen[-1]
    recent = [row["epoch_seconds"] for row in rows if row["event"] == "epoch" and row["epoch"] > 0][-3:]
    if now - began >= 5 and at_last - at_first >= 0.5:
        per_epoch = (now - began) / (at_last - at_first)
    elif recent:
        per_epoch = running * sum(recent) / len(recent)
    elif run.last.get("images_per_s"):
        per_epoch = running * run.started["n_train"] / run.last["images_per_s"]
    else:
        return ""
    return f", about {duration(max(1.0, round((run.epochs - run.epoch) * per_epoch)))} left"


def _ending(run: Run, rows: Rows) -> None:
    """How it ended, what came out, and where to go from here."""
    epochs = f"{run.epoch or 0:g} of {run.epochs:,} epochs"
    if run.status == "failed":
        st.error(f"Failed: {inert(run.reason or 'the reason is in the server log')}", icon=":material/error:")
    elif run.status == "finished":
        early = run.reason if run.reason not in ("", "completed") else ""
        st.badge(f"Finished: {epochs}" + (f", {early}" if early else ""), icon=":material/check:", color="green")
    else:
        said = SAID_BY_STATUS.get(run.status, "Diverged: the loss is no longer a number")
        st.badge(f"{said} ({epochs})", icon=":material/stop_circle:", color="orange")
    if "test_acc" in run.summary:
        accuracy, n = run.summary["test_acc"], run.summary["n_test"]
        low, high = metrics.wilson(round(accuracy * n), n)
        st.markdown(
            f"**{percent(accuracy)}** test accuracy", help=f"Of {n:,} images that it had never seen. On other images from "
            f"the same writers, expect {percent(low)} to {percent(high)} (95 % Wilson interval).",
        )  # fmt: skip
        st.caption(f"{n:,} test images; 95 % interval {percent(low)} to {percent(high)}")
        with st.container(horizontal=True):
            link = {"run": run.run_id}
            st.page_link("pages/lab/mistakes.py", label="Mistakes", icon=":material/rule:", query_params=link)
            st.page_link("pages/lab/draw.py", label="Draw", icon=":material/draw:", query_params=link)


def _buttons(run: Run, key: str) -> None:
    offered: list[tuple[str, Request, str]] = []
    if run.status in ("paused", "interrupted"):
        offered.append(("Resume", "run", ":material/play_arrow:"))
    if run.status in ("queued", "running"):
        offered.append(("Pause", "pause", ":material/pause:"))
    if run.status in ("queued", "running", "paused", "interrupted"):
        offered.append(("Stop", "stop", ":material/stop:"))
    if offered:
        with st.container(horizontal=True):
            for label, what, icon in offered:
                st.button(
                    label, icon=icon, key=f"{key}_{what}_{run.run_id}", on_click=_ask, args=(run.run_id, what),
                    help="Keeps the best weights and judges them on the test images." if what == "stop" else None,
                )  # fmt: skip


def _ask(run_id: str, what: Request) -> None:
    try:
        store().request(run_id, what)
        worker().wake()
        soon(lambda: _heeded(store().run(run_id)))
    except InputError as error:
        st.toast(inert(error), icon=":material/error:")


def _heeded(run: Run) -> bool:
    """Whether the training has done what it was asked for last; a pause is noted without any delay."""
    return run.status != "stopping" or run.being_judged
