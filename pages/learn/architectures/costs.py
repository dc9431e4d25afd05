"""What the architectures cost, one line each, and the button that measures how fast they are on this machine."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core import models
from core.config import TrainingConfig, run_config
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from core.models import short_title
from pages.shared.columns import all_columns
from pages.shared.glossary import explain, explained
from pages.shared.markdown import sentence
from pages.shared.measuring import (
    benchmark_lock,
    fragment_idle_only,
    measure_button,
    threads_text,
    training_started,
    why_not,
)
from pages.shared.tables import save_button, show_table

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.engine.speed import Speed

BYTES_PER_WEIGHT = 4
TABLE = "costs"  # key of the table's switch
N_FIRST_COLUMNS = 5  # of COLUMNS; the others are there when all are asked for
COLUMNS = {
    "Network": st.column_config.TextColumn(width=122),
    "Parameters": st.column_config.NumberColumn(format="localized", width=74),
    "Learns (images/s)": st.column_config.NumberColumn(
        "Learns/s", format="localized", width=80, help="Images per second of training."
    ),
    "Answers (images/s)": st.column_config.NumberColumn(
        "Answers/s", format="localized", width=86, help="Images per second when it is asked."
    ),
    "Multiply-adds": st.column_config.NumberColumn(
        format="localized", width=84, help="For one image on its way forward."
    ),
    "Weights (kB)": st.column_config.NumberColumn(format="localized", width=88),
    "Step (MB)": st.column_config.NumberColumn(
        format="localized", width=76, help="Memory of a training step, estimated."
    ),
    "Family": st.column_config.TextColumn(width=92),
}


def costs() -> pd.DataFrame:
    """One line per architecture at default settings: what it weighs, what it computes, how fast it was."""
    speeds = _measured()
    lines = []
    for name, entry in models.TABLE.items():
        record, needed, speed = models.get(name), _step_bytes(name), speeds.get(name)
        config = record.config()
        n_params = record.n_params(config)
        lines.append(
            {
                "Network": short_title(name),
                "Parameters": n_params,
                "Learns (images/s)": round(speed.train_images_per_s) if speed else None,
                "Answers (images/s)": round(speed.infer_images_per_s) if speed else None,
                "Multiply-adds": record.multiply_adds(config),
                "Weights (kB)": round(n_params * BYTES_PER_WEIGHT / 1e3, 1),
                "Step (MB)": round(needed / 1e6, 1) if needed else None,
                "Family": entry.family,
            }
        )
    return pd.DataFrame(lines)


def comparison(compared: Collection[str]) -> None:
    """The table, and the button that fills its last two columns; up to date by itself while something trains.

    compared: the architectures that the visitor is looking at
    """
    fragment_idle_only(_comparison)(compared)


def _comparison(busy: bool, compared: Collection[str]) -> None:
    everything = all_columns(TABLE)
    place = st.empty()
    _show(place, everything=everything)
    save_button(partial(_shown, everything=everything), "costs")
    st.caption(
        "Multiply-adds are the arithmetic that one image takes on its way forward: a multiplication with an addition each "
        "(biases, norms and activations are left out). A training step holds weights, gradients, the optimizer’s notes and "
        f"what the layers hand to each other, estimated for a batch of {TrainingConfig().batch_size} images. Everything at "
        "default settings."
    )
    explain("parameters", "multiply-adds", "layer", "memory", "batch", "images per second")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = st.segmented_control(
            "Measure", ["all", "those chosen above"], default="all", required=True, key="costs_which",
            persist_state="session",
        )  # fmt: skip
        pressed = measure_button(
            "Measure on this machine", busy, key="costs_measure", type="primary",
            help="A second or so for each network: real training steps and real answers, but on images of noise.",
        )  # fmt: skip
    why_not(busy)
    if pressed:
        _measure([name for name in models.TABLE if which == "all" or name in compared], place, everything=everything)
    st.caption(_conditions())


def _shown(*, everything: bool) -> pd.DataFrame:
    return costs() if everything else costs()[list(COLUMNS)[:N_FIRST_COLUMNS]]


def _show(place: DeltaGenerator, *, everything: bool) -> None:
    table = _shown(everything=everything)
    show_table(
        table, "", place=place, height="content", placeholder="", column_config=explained(table, COLUMNS),
        alt="All architectures with their size, work and speed",
    )  # fmt: skip


def _measure(names: list[str], place: DeltaGenerator, *, everything: bool) -> None:
    """Measure one network after the other; the table in ``place`` fills while it goes on."""
    from core.engine.speed import measure

    speeds = _measured()
    with benchmark_lock() as mine:
        if not mine:
            return
        bar = st.progress(0.0)
        for done, name in enumerate(names):
            if training_started():
                break
            bar.progress(done / len(names), f"Measuring {models.title(name)} ({done + 1} of {len(names)}) …")
            try:
                with faults_as_input_errors():
                    speeds[name] = measure(name)
            except InputError as error:
                st.error(f"{models.title(name)}: {sentence(error)}", icon=":material/error:")
            _show(place, everything=everything)
        bar.empty()


def _conditions() -> str:
    """Under which conditions the speeds were measured, in a sentence; "" without any."""
    speeds = _measured()
    if not speeds:
        return ""
    first = next(iter(speeds.values()))
    return (
        f"Measured on {first.device} with {threads_text(first.threads)}, on images of noise: learning in batches of "
        f"{first.train_batch:,}, answering in batches of {first.infer_batch:,}, the fastest of several short rounds."
    )


@st.cache_resource(show_spinner=False)
def _measured() -> dict[str, Speed]:
    """What came out so far, for all visitors."""
    return {}


@st.cache_data(show_spinner=False)
def _step_bytes(name: str) -> int | None:
    """Memory of a training step at default settings; None when it can not be had here.

    A network in Keras is counted on the same layers in torch: to load Keras takes seconds, and 350 MB.
    """
    from core.machine.device import preflight

    try:
        with faults_as_input_errors():
            return preflight(run_config(models.get(name).counterpart or name, {}))
    except InputError:
        return None
