"""Ten probabilities on a page. One of the two places that hand HTML to the browser: it is made of numbers alone."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.charts.probabilities import probability_bars
from core.runs.rows import Run
from pages.shared.run_look import run_look


def show_bars(probs: NDArray[np.floating], run: Run, truth: int | None = None, *, titled: bool = True) -> None:
    """What a run thinks of one image; see ``probability_bars``.

    probs (10,) fractions that sum to 1 · truth: the label, when there is one
    """
    st.html(probability_bars(np.asarray(probs, np.float64), run_look(run).colour, truth, titled=titled))
