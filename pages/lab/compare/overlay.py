"""Learning curves of up to ten runs on one pair of axes, the gap between learned and unseen images, and the gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pandas as pd
import streamlit as st

from core.compare.leaderboard import training_multiply_adds
from core.data import title
from core.errors import InputError
from core.runs.rows import Run
from pages.lab.compare.legend_labels import called
from pages.shared.axes import pick_axis, pick_live, pick_spread
from pages.shared.histories import drawn_version, history
from pages.shared.markdown import escape_markdown
from pages.shared.services import get_ready, store
from pages.shared.status import is_active

if TYPE_CHECKING:
    from core.charts.axis import X

Chart = Literal["loss", "accuracy", "gap", "gradients"]

KEY = "overlay"
POLL_SECONDS = 1.0  # seconds between two looks at the store


class Look(NamedTuple):
    """What a run's lines depend on: when all of it is equal, so is the chart. multiply_adds: of learning from one image"""

    run_id: str
    version: int
    name: str
    number: int
    multiply_adds: int | None


class Shape(NamedTuple):
    """How lines are drawn. weight: of the smoothing, 0 for none"""

    x: X
    spread: bool
    weight: float


def show(runs: Sequence[Run]) -> None:
    """The section "Curves" of the Compare page; ticks once a second while one of the runs is active, else never."""
    live = any(is_active(run) for run in runs) and pick_live(KEY)
    draw = st.fragment(run_every=POLL_SECONDS if live else None)(_panel)
    draw({run.run_id: run.status for run in runs})


def _panel(statuses: Mapping[str, str]) -> None:
    get_ready()  # a fragment has a thread of its own
    known = {run.run_id: run for run in store().runs()}
    runs = [known[run_id] for run_id in statuses if run_id in known]
    if {run.run_id: run.status for run in runs} != statuses:
        st.rerun()  # the whole page once: ticking starts or ends, and the menus learn of it
    try:
        _charts(runs)
    except InputError as error:  # somebody deleted one of them a moment ago; the next look knows
        st.info(escape_markdown(error), icon=":material/info:")


def _charts(runs: Sequence[Run]) -> None:
    from core.charts.theme import CONFIG

    shape = _shape()
    looks = tuple(
        Look(run.run_id, drawn_version(run), name, run.number, training_multiply_adds(run))
        for run, name in zip(runs, called(runs), strict=True)
    )
    datasets = list(dict.fromkeys(run.config["data"]["dataset"] for run in runs))
    if len(datasets) > 1:
        st.caption(
            f"These runs learned from different images ({', '.join(map(title, datasets))}): heights do not compare."
        )
    if shape.x == "seconds" and any(run.shipped for run in runs):
        st.caption("The seconds of shipped runs are those of the machine they were made on.")
    charts: list[Chart] = ["loss", "accuracy", "gap"]
    if any(history(run.run_id, run.version)[1]["grad_norm"].notna().any() for run in runs):
        charts.append("gradients")
    for pair in (charts[:2], charts[2:]):
        for column, chart in zip(st.columns(2), pair, strict=False):
            figure, alt = _figure(chart, looks, shape)
            column.plotly_chart(figure, key=f"{KEY}_{chart}", alt=alt, config=dict(CONFIG))
    st.caption(
        "Below the accuracies: how much better a network does on images it learned from than on others"
        + (", and how long its gradient was while it learned." if "gradients" in charts else
           ". None of these runs kept the length of its gradient: shipped ones do not, and very short ones never measure it.")
    )  # fmt: skip
    twin = st.expander("The same as a table", key=f"{KEY}_twin", on_change="rerun")
    if twin.open:
        twin.dataframe(
            _table(looks, {run.run_id: run.label for run in runs}), hide_index=True, placeholder="",
            alt="Loss and accuracy of each run after each epoch",
        )  # fmt: skip


def _shape() -> Shape:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        x = pick_axis(KEY)
        weight = st.slider(
            "Smoothing", 0.0, 0.99, 0.0, 0.01, key=f"{KEY}_smoothing", persist_state="session", width=220,
            help="0 shows what was measured. Above, each line becomes a running mean; what was measured stays, pale. "
            "The best epoch is always that of the measured figures.",
        )  # fmt: skip
        return Shape(x, pick_spread(KEY), weight)


@st.cache_resource(show_spinner=False, max_entries=64)
def _figure(chart: Chart, looks: tuple[Look, ...], shape: Shape) -> tuple[Any, str]:
    from core.charts.curves import Line, curves, describe_curves
    from core.charts.gap import describe_gap, gap_curves
    from core.charts.gradients import describe_gradients, gradient_strip
    from core.charts.theme import run_colour

    lines = [
        Line(
            one.name, run_colour(one.number), history(one.run_id, one.version)[1], one.multiply_adds,
            _calm(one.run_id, one.version, shape.weight) if shape.weight else None, one.number,
        )
        for one in looks
    ]  # fmt: skip
    if chart == "gap":
        return gap_curves(lines, x=shape.x), describe_gap(lines)
    if chart == "gradients":
        return gradient_strip(lines, x=shape.x), describe_gradients(lines)
    return curves(lines, x=shape.x, metric=chart, log_y=shape.spread), describe_curves(lines, metric=chart)


@st.cache_resource(show_spinner=False, max_entries=64)
def _calm(run_id: str, version: int, weight: float) -> pd.DataFrame:
    from core.analysis.history import smoothed

    return smoothed(history(run_id, version)[1], weight)


def _table(looks: tuple[Look, ...], labels: Mapping[str, str]) -> pd.DataFrame:
    parts = [history(one.run_id, one.version)[1].assign(run=labels[one.run_id], called=one.name) for one in looks]
    table = pd.concat(parts)
    table = table[table["whole_epoch"]].assign(accuracy=100 * table["accuracy"])
    table = table[["run", "called", "epoch", "step", "examples", "split", "loss", "accuracy", "seconds"]]
    names = {
        "called": "in the legend", "examples": "images seen", "loss": "loss (nats per image)", "accuracy": "accuracy (%)",
        "seconds": "computing time (s)",
    }  # fmt: skip
    return table.round({"loss": 4, "accuracy": 2, "seconds": 1}).rename(columns=names)
