"""What would change its mind: the nearest digit read otherwise, the smallest change that does it, what a score likes best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from core.data import EMBEDDED, present_names
from core.data.dataset import N_CLASSES, Images
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from core.runs.rows import Run
from pages.shared.choices import follow, keep, pick
from pages.shared.gallery import sheet
from pages.shared.link_state import linked_widget
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.run_picker import percent
from pages.shared.services import dataset, predictor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.inspect.activations import Floats
    from core.inspect.counterfactual import Attack, Change
    from core.inspect.embedding import Metric

COMPARED_IMAGES = 2_000  # of the test images, the first ones: enough for a near one, and read within seconds
METRICS: Mapping[Metric, str] = {"cosine": "By what its last layer takes", "euclidean": "By pixels"}
ATTACKS: Mapping[Attack, str] = {"fgsm": "One step (FGSM)", "pgd": "Many small steps (PGD)"}
SCALE = 5


def show(runs: Sequence[Run], image: Images) -> None:
    """Draw all three for each network. image (28, 28) uint8"""
    follow("dream", "inside_dream", range(N_CLASSES), 0)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric: Metric = pick(
            "Nearest",
            "nearest",
            "inside_metric",
            METRICS,
            "cosine",
            "How it is measured which digit is the nearest one.",
        )
        attack: Attack = pick(
            "Smallest change", "change", "inside_attack", ATTACKS, "pgd",
            "All pixels may change by at most a budget, each in the direction that speaks most against the answer; the "
            "smallest budget that changes the answer is searched.",
        )  # fmt: skip
        dreamt = linked_widget(
            "dream", st.selectbox, "Dream of a", range(N_CLASSES), key="inside_dream", width=130,
            help="From faint noise, the picture is changed step by step until the network is sure that it is this digit.",
        )  # fmt: skip
    keep("dream", dreamt, 0)
    with st.grid(len(runs), min_column_width=280):
        for run in runs:
            with st.container():
                st.markdown(f"**{escape_markdown(run.label)}**")
                try:
                    with faults_as_input_errors(), st.spinner("Searching …"):
                        _neighbour(run, image, metric)
                        _change(run, image, attack)
                        _dream(run, dreamt)
                except InputError as error:
                    st.error(sentence(error), icon=":material/error:")


def _neighbour(run: Run, image: Images, metric: Metric) -> None:
    from core.inspect.counterfactual import DOES_NOT_SHOW, ink, nearest_other
    from core.inspect.embedding import embeddings

    network, digits = predictor(run), dataset(_dataset_name(run))
    images, labels = digits.test_images[:COMPARED_IMAGES], digits.test_labels[:COMPARED_IMAGES]
    read = _read(run.run_id, run.version, run)
    answer = int(network.logits(image[None])[0].argmax())
    if metric == "euclidean":
        neighbour = nearest_other(ink(image[None])[0], answer, ink(images), read.answers, metric)
    else:
        query = embeddings(network.module, image[None], network.mean, network.std)[0]
        neighbour = nearest_other(query, answer, read.vectors, read.answers, metric)
    st.caption("The nearest digit that it reads otherwise")
    if neighbour is None:
        st.info(f"It reads all {len(images):,} images as a {answer}.", icon=":material/search_off:")
        return
    index, _ = neighbour
    words = f"It reads this one as a {read.answers[index]}; the label says {labels[index]}."
    sheet(images[[index]], columns=1, scale=SCALE, alt=words)
    st.markdown(f"{words} Searched among the first {len(images):,} test images of {digits.title}.")
    st.caption(DOES_NOT_SHOW["neighbour"])


def _change(run: Run, image: Images, attack: Attack) -> None:
    from core.inspect.counterfactual import DOES_NOT_SHOW

    st.caption("The smallest change that does it")
    change = _smallest_change(run.run_id, run.version, image.tobytes(), attack, run, image)
    if change is None:
        st.info("Not even a change by full ink changes its answer.", icon=":material/shield:")
    else:
        changed = np.rint(change.picture * 255).astype(np.uint8)
        difference = np.rint(np.abs(change.picture - image / 255) / change.budget * 255).astype(np.uint8)
        words = f"Every pixel may change by {percent(change.budget)} of full ink: it reads a {change.new_answer}"
        sheet(
            np.stack([changed, difference]),
            columns=2,
            scale=SCALE,
            captions=["changed", "where, made visible"],
            alt=words,
        )
        st.markdown(f"{words}, {percent(change.confidence)} sure, instead of a {change.answer}.")
    st.caption(DOES_NOT_SHOW[attack])


def _dream(run: Run, digit: int) -> None:
    from core.inspect.counterfactual import DOES_NOT_SHOW

    picture, confidence = _dreamt(run.run_id, run.version, digit, run)
    words = f"Of this picture it is {percent(confidence)} sure that it is the digit {digit}."
    st.caption(f"A dream of the digit {digit}: strokes that make the network sure of it")
    sheet(np.rint(picture[None] * 255).astype(np.uint8), columns=1, scale=SCALE, alt=words)
    st.markdown(words)
    st.caption(DOES_NOT_SHOW["dream"])


def _dataset_name(run: Run) -> str:
    name: str = run.config["data"]["dataset"]
    return name if name in present_names() else EMBEDDED


class _Read(NamedTuple):
    """vectors (N, D): what the last layer takes of each compared image · answers (N,): what is read"""

    vectors: Floats
    answers: NDArray[np.integer]


@st.cache_resource(show_spinner=False, max_entries=16)
def _read(run_id: str, version: int, _run: Run) -> _Read:
    from core.inspect.embedding import embeddings

    network, images = predictor(_run), dataset(_dataset_name(_run)).test_images[:COMPARED_IMAGES]
    vectors = embeddings(network.module, images, network.mean, network.std)
    return _Read(vectors, network.logits(images).argmax(1))


@st.cache_resource(show_spinner=False, max_entries=64)
def _smallest_change(
    run_id: str, version: int, pixels: bytes, attack: Attack, _run: Run, _image: Images
) -> Change | None:
    from core.inspect.counterfactual import smallest_change

    network = predictor(_run)
    return smallest_change(network.module, _image, network.mean, network.std, attack)


@st.cache_resource(show_spinner=False, max_entries=64)
def _dreamt(run_id: str, version: int, digit: int, _run: Run) -> tuple[Floats, float]:
    from core.inspect.counterfactual import dream

    network = predictor(_run)
    return dream(network.module, digit, network.mean, network.std)
