"""Draw: write a digit once, and every chosen network reads it."""

from __future__ import annotations

import streamlit as st

from core.data.drawn import PAD_SIDE_PIXELS
from core.errors import InputError
from core.machine.threads import use_one_thread
from core.runs.rows import Run
from pages.lab.draw.answer import answer
from pages.lab.draw.digit import SOURCES, digit_from
from pages.lab.draw.preparation import CENTRE, CROP, is_on, preparation
from pages.shared.gallery import sheet
from pages.shared.markdown import sentence
from pages.shared.run_picker import pick_runs

MAX_RUNS = 5
EMPTY = {
    "pad": "Nothing drawn yet. Draw a digit into the black square.",
    "file": "No picture yet. Choose one with a single digit.",
}
BLANK = EMPTY | {
    "file": "The picture looks empty: there is no ink on it that stands out.",
    "sample": "This image is empty.",
}


@st.fragment
def board(runs: list[Run]) -> None:
    """Everything that a stroke changes; only this is run again after one."""
    use_one_thread()
    source = st.segmented_control(
        "Your digit", list(SOURCES), default="pad", required=True, format_func=SOURCES.__getitem__, key="draw_source",
        persist_state="session",
    )  # fmt: skip
    digit = label = fault = None
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=PAD_SIDE_PIXELS):
            try:
                digit, label = digit_from(source, runs[0], is_on(CROP), is_on(CENTRE))
            except InputError as error:
                fault = error
                st.error(sentence(error), icon=":material/error:")
        if fault is None and (digit is None or digit.blank):
            st.info(EMPTY.get(source, "") if digit is None else BLANK[source], icon=":material/draw:", width=320)
        elif digit is not None:
            with st.container(width=200):
                st.caption("What the networks see")
                sheet(digit.image[None], columns=1, scale=6, alt="The 28 × 28 pixels that go into the networks")
            if len(runs) == 1:
                with st.container(width=270):
                    answer(runs[0], digit.image, label)
    if digit is not None and digit.notice:
        st.warning(digit.notice, icon=":material/help:")
    if digit is not None and not digit.blank and len(runs) > 1:
        with st.grid(3, min_column_width=240):
            for run in runs:
                with st.container():
                    answer(run, digit.image, label)
    preparation(digit)


st.title("Draw")
st.write("Write a digit once, and every network you choose reads it.")
runs = pick_runs("draw_runs", MAX_RUNS)
if runs:
    board(runs)
