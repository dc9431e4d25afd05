"""Ten probabilities on a page. One of the two places that hand HTML to the browser: it is made of numbers alone."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.charts.probabilities import probability_bars
from core.charts.theme import run_colour


def show_bars(probs: NDArray[np.floating], number: int, truth: int | None = None, *, titled: bool = True) -> None:
    """What the run of that number thinks of one image; see ``probability_bars``.

    probs (10,) fractions that sum to 1 · truth: the label, when there is one
    """
    st.html(probability_bars(np.asarray(probs, np.float64), run_colour(int(number)), truth, titled=titled))
