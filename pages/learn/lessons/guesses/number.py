"""One number, typed."""

from __future__ import annotations

import streamlit as st

from core.experiments.lessons import Lesson
from pages.learn.lessons.guesses.field import number_field, number_missing, typed


def draw(lesson: Lesson, key: str) -> None:
    """A field that is empty at first."""
    st.markdown(lesson.guess.ask)
    number_field(lesson, "Your guess", key)


def value(_lesson: Lesson, key: str) -> float | None:
    """In the unit that is shown."""
    return typed(key)


def missing(lesson: Lesson, _key: str) -> str:
    """The number."""
    return number_missing(lesson, ["your guess"])
