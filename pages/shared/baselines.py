"""The baselines without gradients: what they keep, and the button that measures how well and how fast they answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.analysis.metrics import accuracy_interval
from core.data import DATASETS, EMBEDDED, DatasetName, suggested_dataset
from core.data.config import DataConfig
from core.data.dataset import N_CLASSES, SIDE
from core.data.split import split
from core.errors import InputError
from core.experiments.baselines import BASELINES, baseline
from core.machine.faults import faults_as_input_errors
from pages.shared.architecture_text import show_architecture
from pages.shared.markdown import sentence
from pages.shared.measuring import (
    benchmark_lock,
    fragment_idle_only,
    measure_button,
    threads_text,
    training_started,
    why_not,
)
from pages.shared.run_picker import percent
from pages.shared.services import dataset
from pages.shared.status import duration

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

# What a baseline keeps, and how many images that is when it has seen so many training images.
KEEPS: Mapping[str, tuple[str, Callable[[int], int]]] = {
    "knn": ("every training image", lambda n_train: n_train),
    "class-mean": ("the average image of each digit", lambda n_train: N_CLASSES),
}
IMAGE_BYTES = 4 * SIDE**2  # scaled pixels are float32


@dataclass(frozen=True, slots=True)
class Measured:
    """accuracy: fraction of ``n_test`` test images · n_train: images that it was shown · seconds: for all answers"""

    accuracy: float
    n_test: int
    n_train: int
    seconds: float
    threads: int

    @property
    def interval(self) -> tuple[float, float]:
        """In which the accuracy on endlessly many such images lies, 95 % (``wilson``)."""
        return accuracy_interval(self.accuracy, self.n_test)


def baselines() -> None:
    """The table, and the button that fills it; up to date by itself while something trains."""
    fragment_idle_only(_baselines)()


def _baselines(busy: bool) -> None:
    on = suggested_dataset()
    st.write(
        "Two ways to read digits that only compare images. Nothing in them is learned by gradients, so their rows are grey. "
        "A network that does not beat them was not worth its training."
    )
    place = st.empty()
    _show(place, on)
    with st.container(horizontal=True):
        button = st.empty()
        if not _is_complete(on):
            with button:
                pressed = measure_button(
                    f"Measure on {DATASETS[on].phrase}", busy, key="baselines_measure",
                    help="They look at the training images once, and answer all test images.",
                )  # fmt: skip
        for name, entry in BASELINES.items():
            about = st.popover(entry.title, icon=":material/school:")
            with about:
                st.markdown(f"#### {entry.title}")
                show_architecture(name)
    if not _is_complete(on):
        why_not(busy)
        if pressed:
            _measure(on, place)
            if _is_complete(on):
                button.empty()
    st.caption(_conditions(on))


def _show(place: DeltaGenerator, on: DatasetName) -> None:
    results = measured(on)
    rows = [_row(name, results.get(name)) for name in BASELINES]
    place.table(
        pd.DataFrame([{head: f":gray[{cell}]" for head, cell in row.items()} for row in rows]),
        alt="The baselines with what they keep, how well and how fast they answer",
    )  # fmt: skip


def _row(name: str, result: Measured | None) -> dict[str, str]:
    kept, count = KEEPS[name]
    if result:
        n_images = count(result.n_train)
        kept += f" ({n_images:,} × {SIDE**2} numbers, {n_images * IMAGE_BYTES / 1e3:,.0f} kB)"
    return {
        "Baseline": BASELINES[name].title,
        "Keeps in memory": kept,
        "Test accuracy": f"{percent(result.accuracy)} of {result.n_test:,}" if result else "not measured yet",
        "Time": duration(result.seconds) if result else "not measured yet",
    }


def _measure(on: DatasetName, place: DeltaGenerator) -> None:
    """Measure what is still missing, the quick one first; the table in ``place`` fills while it goes on."""
    with benchmark_lock() as mine:
        if not mine:
            return
        for name in reversed(list(BASELINES)):
            if name in measured(on):
                continue
            if training_started():
                return
            title = BASELINES[name].title
            slow = name == "knn" and on != EMBEDDED
            patience = f" On {DATASETS[on].phrase}, this takes up to a minute." if slow else ""
            with st.spinner(f"{title} is answering …{patience}", show_time=True):
                try:
                    with faults_as_input_errors():
                        measured(on)[name] = _measure_one(name, on)
                except InputError as error:
                    st.error(sentence(error), icon=":material/error:")
                    return
            _show(place, on)


def _measure_one(name: str, on: DatasetName) -> Measured:
    """Let a baseline answer the test images. Raises DataError when the dataset is not what it claims to be."""
    import sklearn.neighbors  # noqa: F401  # loading it is not answering
    import torch

    digits, config = dataset(on), DataConfig(dataset=on)
    began = time.perf_counter()
    score = baseline(name, digits, config, "test").score
    seconds = time.perf_counter() - began
    return Measured(score.accuracy, score.n, len(split(digits, config).train), seconds, torch.get_num_threads())


def _conditions(on: DatasetName) -> str:
    """Under which conditions the figures came about, in a sentence; "" without any."""
    results = measured(on)
    if not results:
        return ""
    first = next(iter(results.values()))
    return (
        f"Measured on {DATASETS[on].phrase} with {threads_text(first.threads)}: compared with {first.n_train:,} training "
        f"images, asked about {first.n_test:,} test images. The time is that of all {first.n_test:,} answers."
    )


def _is_complete(on: DatasetName) -> bool:
    return all(name in measured(on) for name in BASELINES)


@st.cache_resource(show_spinner=False)
def measured(on: DatasetName) -> dict[str, Measured]:
    """What came out so far on a dataset, for all visitors: name of the baseline -> figures."""
    return {}
