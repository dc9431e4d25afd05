"""What a network reads in a digit: the digit, how sure it is, and all ten probabilities."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.charts.probabilities import percent
from core.runs.rows import Run
from pages.shared.markdown import escape_markdown
from pages.shared.probability_bars import show_bars


def show_answer(probs: NDArray[np.floating], run: Run, label: int | None = None, *, trusted: bool = True) -> None:
    """In words and as bars in the run's colour. probs (10,) fractions that sum to 1 · label: of the image, if any

    trusted: False leaves out how sure it is, of what may be no digit
    """
    predicted = int(probs.argmax())
    sure = [f"{percent(float(probs[predicted]), as_html=False)} sure"] if trusted else []
    right = [] if label is None else ["right" if predicted == label else f"wrong: it is {label}"]
    st.metric(
        f"{escape_markdown(run.label)} reads", str(predicted), ", ".join(sure + right) or None, delta_color="off",
        delta_arrow="off",
    )  # fmt: skip
    show_bars(probs, run, label, titled=False)  # the words stand above, large
