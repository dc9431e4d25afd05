"""What the class is called: one code for its guesses and its challenges, in the address as ``?class=CODE``."""

from __future__ import annotations

import secrets

import streamlit as st

from core.errors import ConfigError
from core.runs.guesses import checked_class_code
from pages.shared.link_state import follow_once, remember
from pages.shared.markdown import sentence

CLASS = "teachers_class"  # key of the field
LETTERS, CODE_LENGTH = "abcdefghjkmnpqrstuvwxyz", 4  # of a code that is made up; none that looks like another


def class_field() -> str:
    """Draw the field and return the code, made up at first; "" with a sentence on screen where what was typed is no code."""
    if code := follow_once("class", CLASS):
        st.session_state[CLASS] = code
    if not st.session_state.get(CLASS):
        st.session_state[CLASS] = "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))
    st.text_input(
        "Code of the class", key=CLASS, persist_state="session", width=320,
        help="Small letters, digits and dashes, at most 24, for its guesses and its challenges. No names of pupils. Whoever "
        "has the code can open its boards, too.",
    )  # fmt: skip
    try:
        code = class_code()
    except ConfigError as error:
        st.error(sentence(error), icon=":material/error:")
        return ""
    remember("class", CLASS, code)
    return code


def class_code() -> str:
    """What the field holds. Raises ConfigError for what is no code."""
    return checked_class_code((st.session_state.get(CLASS) or "").strip().lower())
