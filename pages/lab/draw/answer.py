"""What a network reads in the visitor's digit."""

from __future__ import annotations

import streamlit as st

from core.data.dataset import Images
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from core.runs.rows import Run
from pages.shared.answer import show_answer
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.services import predictor


def answer(run: Run, image: Images, label: int | None, doubted: bool) -> None:
    """What a run reads, in words and as bars in its colour. doubted: this may be no single digit"""
    try:
        with faults_as_input_errors():
            probs = predictor(run).probabilities(image[None])[0]
    except InputError as error:
        st.error(f"{escape_markdown(run.label)} can not answer. {sentence(error)}", icon=":material/error:")
        return
    show_answer(probs, run, label, trusted=not doubted)
