"""The numbers of the layers in tables, for whoever can not see the pictures, or wants to know exactly."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from core.charts.probabilities import percent
from core.charts.signed import signed_text
from core.data.dataset import Images
from core.inspect.layer_pictures import Floats, softmax
from core.runs.rows import Run
from pages.lab.inside.network import layers
from pages.lab.inside.pictures import shape_words

MAX_NUMBERS = 128  # of a layer in a table
PER_ROW = 4


def show_numbers(run: Run, image: Images) -> None:
    """The scores, and every layer of at most ``MAX_NUMBERS`` numbers. image (28, 28) uint8"""
    *before, last = layers(run, image)
    scores = [
        (str(digit), signed_text(float(score)), percent(float(share), as_html=False))
        for digit, (score, share) in enumerate(zip(last.values, softmax(last.values), strict=True))
    ]
    st.caption(f"**{len(before) + 1}. {last.title}**: the ten scores, and the probabilities that they make.")
    st.table(pd.DataFrame(scores, columns=["Digit", "Score", "Probability"]), hide_index=True)
    large = []
    for number, layer in enumerate(before, start=1):
        if layer.values.size > MAX_NUMBERS:
            large.append(f"{number}. {layer.title}: {shape_words(layer.values.shape)}")
            continue
        with st.expander(f"{number}. {layer.title}: {shape_words(layer.values.shape)}"):
            st.table(_table(layer.values.ravel()), hide_index=True)
    if large:
        st.caption(
            f"More than {MAX_NUMBERS} numbers, too many for a table: {'; '.join(large)}. The view One number shows each of "
            "them, and how it comes about."
        )


def _table(values: Floats) -> pd.DataFrame:
    """Rows of so many units; the first of each row stands before it."""
    texts = [signed_text(float(value)) for value in values]
    texts += [""] * (math.ceil(len(texts) / PER_ROW) * PER_ROW - len(texts))
    rows = [(f"{i:,}", *texts[i : i + PER_ROW]) for i in range(0, len(texts), PER_ROW)]
    return pd.DataFrame(rows, columns=["Unit", *(f"+ {i}" for i in range(PER_ROW))])
