"""The first thing to do: write a digit, and every network that came with the program answers beside it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.errors import InputError
from core.runs.rows import Run
from pages.learn.home.readings import UNDECIDED_BELOW, Reading, card, read_by_all, summary, waiting_card
from pages.learn.home.samples import samples
from pages.shared.busy import fragment
from pages.shared.carried import keep_drawing
from pages.shared.component import component
from pages.shared.inside_link import see_inside
from pages.shared.markdown import sentence
from pages.shared.pad import own_pad, pad_pixels

PAD = "home_pad"


@fragment
def first_digit(runs: Sequence[Run]) -> None:
    """The pad, and beside it what each of the runs reads; only this is run again after a stroke."""
    left, right = st.columns([1, 2], gap="medium")
    with left:
        png = own_pad(PAD)
        samples(PAD)
    with right:
        if png is None:
            _show([waiting_card(run) for run in runs], "Write a digit from 0 to 9: each of them answers at once.")
        else:
            _answer(runs, png)


def _answer(runs: Sequence[Run], png: bytes) -> None:
    # Here and not above: both need scipy or torch, for which the page itself does not wait.
    from core.data.drawn import from_rgba
    from pages.shared.strange import warn_of_stranger

    try:
        digit = from_rgba(pad_pixels(png))
    except InputError as error:
        st.error(sentence(error), icon=":material/error:")
        return
    if digit.blank:
        _show([waiting_card(run) for run in runs], "There is no ink on the pad yet.")
        return
    keep_drawing(digit.image)
    with st.spinner("The networks are getting ready …"):
        readings = read_by_all(runs, digit.image)
    _show([card(reading) for reading in readings], summary(readings))
    for reading in readings:
        if reading.fault:
            st.error(reading.fault, icon=":material/error:")
    if digit.notice:
        st.warning(digit.notice, icon=":material/help:")
    else:
        warn_of_stranger(digit.image)
    see_inside(_apart(readings), digit.image)


def _show(cards: list[dict[str, object]], words: str) -> None:
    note = (
        "The bar is how sure a network is, by its own account. Where it does not reach the mark at "
        f"{100 * UNDECIDED_BELOW:.0f} %, the network counts as undecided here."
    )
    component("readers")(
        key="home_readers", data={"cards": cards, "summary": words, "note": note, "mark": UNDECIDED_BELOW}
    )


def _apart(readings: Sequence[Reading]) -> list[Run]:
    """The runs, those first whose answers differ from each other: only some of them stand side by side inside."""
    first_of_each = {reading.digit: reading.run for reading in reversed(readings) if reading.probs is not None}
    chosen = list(first_of_each.values())
    return [*chosen, *(reading.run for reading in readings if reading.probs is not None and reading.run not in chosen)]
