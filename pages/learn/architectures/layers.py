"""What an architecture is made of: its diagram, and its layers as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core import models
from core.charts.diagram import describe_diagram, diagram, shape
from core.config import run_config
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from pages.shared.gallery import is_dark
from pages.shared.markdown import sentence
from pages.shared.tables import show_table

if TYPE_CHECKING:
    from core.inspect.anatomy import Layer

MAX_ROWS = 12  # of a layer table before it scrolls
NUMBER = st.column_config.NumberColumn(format="localized")


def picture(name: str) -> None:
    """Its layers as a diagram, from the image to the ten digits."""
    st.markdown(f"**{models.title(name)}**")
    try:
        with faults_as_input_errors():
            layers = _layers(name)
    except InputError as error:
        st.error(sentence(error), icon=":material/error:")
        return
    st.graphviz_chart(diagram(layers, dark=is_dark()), alt=describe_diagram(models.title(name), layers))


def layer_table(name: str) -> None:
    """Its layers line by line, and their sums."""
    st.markdown(f"**{models.title(name)}**")
    try:
        with faults_as_input_errors():
            layers = _layers(name)
    except InputError:  # its picture has said why
        return
    frame = pd.DataFrame(
        {
            "Layer": [layer.kind for layer in layers],
            "Output shape": [shape(layer.output_shape) for layer in layers],
            "Parameters": [layer.n_params for layer in layers],
            "Multiply-adds": [layer.multiply_adds for layer in layers],
            "Name in the code": [layer.name for layer in layers],
        }
    )
    show_table(
        frame, f"layers_{name}", height="content" if len(frame) <= MAX_ROWS else 460,
        column_config={"Parameters": NUMBER, "Multiply-adds": NUMBER},
        alt=f"The layers of {models.title(name)}",
    )  # fmt: skip
    st.caption(f"Together {frame['Parameters'].sum():,} parameters and {frame['Multiply-adds'].sum():,} multiply-adds.")


@st.cache_data(show_spinner=False)
def _layers(name: str) -> tuple[Layer, ...]:
    """The layers of an architecture at default settings."""
    from core.inspect.anatomy import layers

    return layers(run_config(name, {}))
