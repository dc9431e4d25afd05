"""A run's network and what its layers make of a digit, worked out once for everybody who looks at the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.data.dataset import Images
from core.runs.rows import Run
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
