"""What a network reads in the visitor's digit."""

from __future__ import annotations

import streamlit as st

from core.charts.probabilities import percent
from core.data.dataset import Images
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from core.runs.rows import Run
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.probability_bars import show_bars
from pages.shared.services import predictor


def answer(run: Run, image: Images, label: int | None) -> None:
    """What a run reads, in words and as bars in its colour."""
    try:
        with faults_as_input_errors():
            probs = predictor(run).probabilities(image[None])[0]
    except InputError as error:
        st.error(f"{escape_markdown(run.label)} can not answer. {sentence(error)}", icon=":material/error:")
        return
    predicted = int(probs.argmax())
    verdict = "" if label is None else ", right" if predicted == label else f", wrong: it is {label}"
    confidence = f"{percent(float(probs[predicted]), as_html=False)} sure{verdict}"
    st.metric(f"{escape_markdown(run.label)} reads", str(predicted), confidence, delta_color="off", delta_arrow="off")
    show_bars(probs, run, label, titled=False)  # the words stand above, large
