"""A network as it was at one moment of its training, and what it made of images then: read once for everybody who looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from core.analysis.metrics import Counts
from core.data import present_names
from core.data.dataset import Dataset, Images, Labels
from core.errors import DataError
from core.inspect.layer_pictures import Floats
from core.runs import snapshots
from core.runs.rows import Run
from core.runs.snapshots import Kept
from pages.shared.services import dataset, store

if TYPE_CHECKING:
    from core.engine.evaluate import Predictor
    from core.inspect.activations import Activation
    from core.inspect.maps import Plane

# Validation images are read at each moment that somebody looks at; a network that looks nine times reads a ninth of them.
MAX_READINGS = 5_000
MAX_POINTS = 500
READABLE = ("templates", "kernels")  # weights that are pictures by themselves


class Past(NamedTuple):
    """A run that can go back. moments: by rising step · end: the one whose weights the other pages show"""

    run: Run
    moments: tuple[Kept, ...]
    end: Kept


class Points(NamedTuple):
    """Validation images on the map of the finished network: points (N, 2) · labels, answers (N,)"""

    points: Floats
    labels: Labels
    answers: Labels


def past(run: Run) -> Past | None:
    """None for a run that kept nothing on its way."""
    moments = snapshots.kept(store(), run.run_id)
    if not moments:
        return None
    best_epoch = run.summary.get("best_epoch")
    return Past(run, moments, next((kept for kept in moments if kept.epoch == best_epoch), moments[-1]))


def probs_at(run: Run, step: int, image: Images) -> Floats:
    """What the network answered then, (10,). image (28, 28) uint8 · raises RunError where its weights can not be read"""
    return _probs(run.run_id, run.version, step, image.tobytes(), image)


def first_layer_at(run: Run, step: int, image: Images) -> Activation:
    """The first layer whose weights are pictures, else the very first, as it was then. Raises as ``probs_at``."""
    return _first_layer(run.run_id, run.version, step, image.tobytes(), image)


def confusion_at(run: Run, step: int) -> Counts | None:
    """(10, 10) validation images by true digit and answer; None when none were held out. Raises DataError without them."""
    return _confusion(run.run_id, run.version, step, run)


def points_at(run: Run, step: int, end: int) -> Points:
    """Where the network put validation images then. end: the step whose network the directions of the map come from"""
    return _points(run.run_id, run.version, step, end, run)


def shares(run: Run, end: int) -> tuple[float, float]:
    """How much of all variance of the finished network lies along each direction of the map."""
    return _plane(run.run_id, run.version, end, run).shares


@st.cache_resource(show_spinner=False, max_entries=64)
def _network(run_id: str, version: int, step: int) -> Predictor:
    return snapshots.at(store(), run_id, step)


@st.cache_resource(show_spinner=False, max_entries=256)
def _probs(run_id: str, version: int, step: int, pixels: bytes, _image: Images) -> Floats:
    probs: Floats = _network(run_id, version, step).probabilities(_image[None])[0]
    return probs


@st.cache_resource(show_spinner=False, max_entries=128)
def _first_layer(run_id: str, version: int, step: int, pixels: bytes, _image: Images) -> Activation:
    from core.inspect.activations import activations

    network = _network(run_id, version, step)
    layers = activations(network.module, _image, network.mean, network.std)
    return next((layer for layer in layers if layer.pictures and layer.pictures.kind in READABLE), layers[0])


@st.cache_resource(show_spinner=False, max_entries=256)
def _confusion(run_id: str, version: int, step: int, _run: Run) -> Counts | None:
    network = _network(run_id, version, step)
    views = network.config.training.tta_views
    return snapshots.validation_confusion(_run, network, _own(_run), MAX_READINGS // views)


@st.cache_resource(show_spinner=False, max_entries=256)
def _points(run_id: str, version: int, step: int, end: int, _run: Run) -> Points:
    plane, (vectors, answers) = _plane(run_id, version, end, _run), _vectors(_run, step)
    _, labels = snapshots.validation_images(_run, _own(_run), MAX_POINTS)
    return Points(plane.place(vectors), labels, answers)


@st.cache_resource(show_spinner=False, max_entries=64)
def _plane(run_id: str, version: int, end: int, _run: Run) -> Plane:
    from core.inspect.maps import pca

    return pca(_vectors(_run, end)[0])


def _vectors(run: Run, step: int) -> tuple[Floats, Labels]:
    from core.inspect.embedding import embeddings_and_answers

    network = _network(run.run_id, run.version, step)
    images, _ = snapshots.validation_images(run, _own(run), MAX_POINTS)
    vectors, answers = embeddings_and_answers(network.module, images, network.mean, network.std)
    return np.asarray(vectors), answers


def _own(run: Run) -> Dataset:
    name = run.config["data"]["dataset"]
    if name not in present_names():
        raise DataError(
            f"The images that it learned from ({run.dataset_title}) are not here, so it can not be asked how well it read "
            "them at this moment. The Data page gets them."
        )
    return dataset(name)
