"""One of several answers."""

from __future__ import annotations

import streamlit as st

from core.experiments.lessons import Lesson


def draw(lesson: Lesson, key: str) -> None:
    """One line for each option; none is chosen at first."""
    st.radio(lesson.guess.ask, lesson.guess.options, index=None, key=key, persist_state="session")


def value(lesson: Lesson, key: str) -> str | None:
    """The option."""
    option = st.session_state.get(key)
    return option if option in lesson.guess.options else None


def missing(_lesson: Lesson, _key: str) -> str:
    """One of the options."""
    return "Choose one of the answers"
