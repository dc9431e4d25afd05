"""Learning curves of up to ten runs on one pair of axes, the gap between learned and unseen images, and the gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from core.analysis.history import TABLE_WORDS
from core.compare.same_images import image_sets
from core.errors import InputError
from core.runs.rows import Run
from core.runs.schema import StorageError
from pages.shared.axes import AXES, pick_live, pick_log_axis
from pages.shared.busy import fragment
from pages.shared.choices import Between, choose, pick
from pages.shared.glossary import explain, explained
from pages.shared.histories import history
from pages.shared.legend_labels import legend_labels
from pages.shared.live_state import Wanted, current
from pages.shared.markdown import escape_markdown
from pages.shared.redraw import redraw_page_if_changed
from pages.shared.services import get_ready, store
from pages.shared.status import is_active
from pages.shared.tables import show_table
from pages.shared.watch import watch_charts, watch_table

KEY = "overlay"


def show(runs: Sequence[Run]) -> None:
    """The section "Curves" of the Compare page; the curves move while one of the runs is active."""
    live = any(is_active(run) for run in runs) and pick_live(KEY)
    _panel({run.run_id: run.status for run in runs}, live)


@fragment
def _panel(statuses: Mapping[str, str], live: bool) -> None:
    get_ready()  # a fragment has a thread of its own
    by_id = {run.run_id: run for run in store().runs()}
    runs = [by_id[run_id] for run_id in statuses if run_id in by_id]
    redraw_page_if_changed(statuses, {run.run_id: run.status for run in runs})
    try:
        _charts(runs, live)
    except StorageError:  # busy is not gone
        raise
    except InputError as error:  # somebody deleted one of them a moment ago; the next snapshot knows
        st.info(escape_markdown(error), icon=":material/info:")


def _charts(runs: Sequence[Run], live: bool) -> None:
    wanted = _wanted(runs)
    titles = [images.title for images in image_sets(runs)]
    if len(titles) > 1:
        st.caption(f"These runs learned from different images ({'; '.join(titles)}): heights do not compare.")
    if wanted.x == "seconds" and any(run.is_from_elsewhere for run in runs):
        st.caption("The seconds of shipped and imported runs are those of the machine they were made on.")
    watch_charts(current(wanted), wanted, f"{KEY}_charts", live=live)
    twin = st.expander("The same as a table", key=f"{KEY}_twin", on_change="rerun")
    if twin.open:
        with twin:
            _twin(wanted.runs, live)


def _wanted(runs: Sequence[Run]) -> Wanted:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        x = pick("Horizontal axis", "x", f"{KEY}_x", AXES, "epoch", label_visibility="collapsed")
        weight = choose(
            "Smoothing", "smoothing", f"{KEY}_smoothing", Between(0.0, 0.99), 0.0, st.slider, step=0.01, width=220,
            help="0 shows what was measured. Above, each line becomes a running mean; what was measured stays, pale. "
            "The best epoch is always that of the measured figures.",
        )  # fmt: skip
        log_y = pick_log_axis(KEY, runs)
        explain("loss", "nats", "accuracy", "epoch", "validation", "loss gap", "gradient", "multiply-adds")
    return Wanted("overlay", tuple(run.run_id for run in runs), x, log_y, weight)


@fragment
def _twin(run_ids: Sequence[str], live: bool) -> None:
    place = st.container()
    if live:
        watch_table(run_ids, f"{KEY}_twin_epochs")
    runs = [store().run(run_id) for run_id in run_ids]
    table = _table(runs)
    show_table(
        table,
        "epochs",
        place=place,
        placeholder="",
        column_config=explained(table, {}),
        alt="Loss and accuracy of each run after each epoch",
    )


def _table(runs: Sequence[Run]) -> pd.DataFrame:
    parts = [
        history(run.run_id, run.version)[1].assign(run=run.label, legend=name)
        for run, name in zip(runs, legend_labels(runs), strict=True)
    ]
    table = pd.concat(parts, ignore_index=True)
    table = table[table["whole_epoch"]].assign(accuracy=100 * table["accuracy"])
    table = table[["run", "legend", "epoch", "step", "examples", "split", "loss", "accuracy", "seconds"]]
    table = table.replace({"split": dict(TABLE_WORDS)})
    names = {
        "legend": "in the legend", "examples": "images seen", "loss": "loss (nats per image)", "accuracy": "accuracy (%)",
        "seconds": "computing time (s)",
    }  # fmt: skip
    return table.round({"loss": 4, "accuracy": 2, "seconds": 1}).rename(columns=names)
