"""A run's network and what its layers make of a digit, worked out once for everybody who looks at the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from core.data.dataset import Images
from core.inspect.layer_pictures import FirstLook, Floats, first_look
from core.runs import shipped
from core.runs.first_looks import MAX_PICTURES
from core.runs.rows import Run
from pages.shared.choices import follow, keep
from pages.shared.link_state import linked_widget
from pages.shared.services import predictor

if TYPE_CHECKING:
    from core.inspect.activations import Activation


@st.cache_resource(show_spinner=False, max_entries=64)
def _layers(run_id: str, version: int, pixels: bytes, _run: Run, _image: Images) -> tuple[Activation, ...]:
    from core.inspect.activations import activations

    network = predictor(_run)
    return activations(network.module, _image, network.mean, network.std)


def layers(run: Run, image: Images) -> tuple[Activation, ...]:
    """Every layer in order. Raises RunError when the run's weights can not be read."""
    return _layers(run.run_id, run.version, image.tobytes(), run, image)


@st.cache_resource(show_spinner=False, max_entries=64)
def _probs(run_id: str, version: int, pixels: bytes, _run: Run, _image: Images) -> Floats:
    probs: Floats = predictor(_run).probabilities(_image[None])[0]
    return probs


@st.cache_resource(show_spinner=False, max_entries=32)
def _shipped_looks(run_id: str, _run: Run) -> dict[bytes, FirstLook]:
    return shipped.first_looks(_run)


def pick_network(runs: Mapping[str, Run]) -> str:
    """Draw the choice of one of several networks, by run id."""
    follow("network", "inside_network", runs, next(iter(runs)))
    run_id: str = linked_widget(
        "network", st.selectbox, "Network", list(runs), format_func=lambda run_id: runs[run_id].label, key="inside_network"
    )  # fmt: skip
    keep("network", run_id, next(iter(runs)))
    return run_id


def look(run: Run, image: Images, *, everything: bool = False) -> FirstLook:
    """What the layers make of the digit, and what the network answers.

    image (28, 28) uint8 · everything: all pictures of a layer. Without it, a digit that came with the program needs no torch
    for a run that did. Raises RunError when the run's weights can not be read.
    """
    pixels = image.tobytes()
    if not everything and (made := _shipped_looks(run.run_id, run).get(pixels)):
        return made
    probs = _probs(run.run_id, run.version, pixels, run, image)
    return first_look(layers(run, image), probs, None if everything else MAX_PICTURES)
