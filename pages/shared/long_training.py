"""The question before a training that takes long: everything else starts at once."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.compare.cost import ASK_SECONDS, Estimate
from core.errors import InputError
from pages.shared.markdown import sentence

Start = Callable[[], None]  # raises InputError where nothing could be started


def start_or_ask(key: str, guess: Estimate | None, start: Start) -> None:
    """Start now; what takes over ten minutes is left to ``ask`` with the same key. guess: None when nothing is known

    Raises InputError as ``start`` does.
    """
    if guess is None or guess.seconds <= ASK_SECONDS:
        start()
        return
    st.session_state[_asked(key)] = (str(guess), start)
    st.rerun()  # the whole page, which asks: the button may stand in a fragment


def ask(key: str) -> None:
    """Draw the question, as long as there is one; at the end of a page that starts trainings."""
    if _asked(key) in st.session_state:
        _question(key, *st.session_state[_asked(key)])


def _asked(key: str) -> str:
    """Where the session keeps how long it takes, and what starts it, until the visitor has answered."""
    return f"{key}_asked"


def _question(key: str, time: str, start: Start) -> None:
    def forget() -> None:
        st.session_state.pop(_asked(key), None)

    @st.dialog("This takes a while", on_dismiss=forget)
    def draw() -> None:
        st.markdown(
            f"On this computer it would train for **{time}**. You can pause or stop it at any time; what it has learned by "
            "then is kept. Fewer images, fewer epochs or a smaller network take less."
        )
        with st.container(horizontal=True):
            starts = st.button("Start it", type="primary", icon=":material/play_arrow:", key=f"{key}_asked_start")
            if st.button("Not now", key=f"{key}_asked_not_now"):
                forget()
                st.rerun()
        if starts:
            forget()
            try:
                start()
            except InputError as error:
                st.error(sentence(error), icon=":material/error:")
            else:
                st.rerun()

    draw()
