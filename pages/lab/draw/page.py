"""Draw: write a digit once, and every chosen network reads it."""

from __future__ import annotations

import streamlit as st

from core.errors import InputError
from core.machine.threads import use_one_thread
from core.runs.rows import Run
from pages.lab.draw.answer import answer
from pages.lab.draw.choice import chosen_first
from pages.lab.draw.digit import SOURCES, digit_from
from pages.lab.draw.keep import keep
from pages.lab.draw.our_digits import our_digits
from pages.lab.draw.pixels import attributions, explain_pixels, show_pixels, switch
from pages.lab.draw.preparation import CENTRE, CROP, follow_steps, preparation, what_they_see
from pages.shared.as_seen import show_shuffled
from pages.shared.busy import fragment
from pages.shared.carried import keep_drawing
from pages.shared.choices import keep_only, pick
from pages.shared.glossary import explain
from pages.shared.inside_link import see_inside
from pages.shared.locks import show_locks
from pages.shared.markdown import sentence
from pages.shared.run_picker import pick_runs
from pages.shared.services import store
from pages.shared.strange import show_how_decided, warn_of_stranger

MAX_RUNS = 5
IN_A_ROW = {1: 1, 5: 3}  # runs -> answers beside each other, else two: all of them are in view beside the pad
EMPTY = {
    "pad": "Nothing drawn yet. Draw a digit into the black square.",
    "file": "No picture yet. Choose one with a single digit.",
}
BLANK = EMPTY | {
    "file": "The picture looks empty: there is no ink on it that stands out.",
    "sample": "This image is empty.",
}


@fragment
def board(runs: list[Run]) -> None:
    """Everything that a stroke changes; only this is run again after one."""
    use_one_thread()
    source = pick("Your digit", "source", "draw_source", SOURCES, "pad", label_visibility="collapsed")
    keep_only(source, {"sample": ("sample", "turn")})
    follow_steps()
    digit = label = fault = None
    left, right = st.columns([7, 13], gap="medium")
    with left:
        try:
            digit, label = digit_from(source, runs[0], st.session_state[CROP], st.session_state[CENTRE])
        except InputError as error:
            fault = error
            st.error(sentence(error), icon=":material/error:")
        if digit is not None and not digit.blank:
            what_they_see(digit)
            show_shuffled(runs, digit.image)
            if source == "pad":
                keep_drawing(digit.image)
            if label is None:
                keep(digit.image)
    with right:
        if fault is None and (digit is None or digit.blank):
            st.info(EMPTY.get(source, "") if digit is None else BLANK[source], icon=":material/draw:")
        elif digit is not None:
            doubted = bool(digit.notice)
            if doubted:
                st.warning(digit.notice, icon=":material/help:")
            elif label is None:  # an image of a dataset is a digit
                doubted = warn_of_stranger(digit.image)
            wanted = switch()
            pixels = attributions(runs, digit.image) if wanted else {}
            with st.grid(IN_A_ROW.get(len(runs), 2), min_column_width=150):
                for run in runs:
                    with st.container(gap="xsmall"):
                        answer(run, digit.image, label, doubted)
                        if wanted:
                            show_pixels(run, digit.image, pixels)
            if wanted:
                explain_pixels(runs, digit.image, pixels)
            see_inside(runs, digit.image)
            if doubted and not digit.notice:
                show_how_decided()
    preparation(digit)


st.title("Draw")
st.write("Write a digit once, and every network you choose reads it.")
show_locks()
runs = pick_runs("draw_runs", MAX_RUNS, start=chosen_first(store().runs(), MAX_RUNS))
if runs:
    board(runs)
our_digits(runs)
if runs:
    explain("probability", "network", "test", "label", "fine-tuning")
