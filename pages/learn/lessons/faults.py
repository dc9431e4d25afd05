"""What went wrong with the last click, said when the page is drawn next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import InputError
from pages.shared.markdown import sentence

FAULT = "lessons_fault"  # session state


@contextmanager
def keep_fault() -> Iterator[None]:
    """In a callback: what it draws would take the place of something else, so the fault is kept."""
    try:
        yield
    except InputError as error:
        st.session_state[FAULT] = str(error)


def show_fault() -> None:
    """Below the button."""
    if fault := st.session_state.pop(FAULT, ""):
        st.error(sentence(fault), icon=":material/error:")
