"""A field for one number of a guess; empty at first, so that no number is suggested."""

from __future__ import annotations

import math
from typing import NamedTuple

import streamlit as st

from core.experiments.lessons import Lesson

FIELD_WIDTH, NARROW_FIELD_WIDTH = 240, 140  # pixels
SHORT_RANGE_CHARACTERS = 10  # of a range of numbers that a narrow field can show
PLOT_CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}


class Range(NamedTuple):
    """Of the numbers that may be guessed, in the unit shown. decimals: of every one of them"""

    low: float
    high: float
    step: float
    decimals: int


def range_of(lesson: Lesson) -> Range:
    """Of a lesson in which numbers are guessed. Raises ValueError in another."""
    guess = lesson.guess
    if guess.low is None or guess.high is None or guess.step is None:
        raise ValueError(f"{lesson.id} asks for no number")
    return Range(float(guess.low), float(guess.high), float(guess.step), max(lesson.decimals, _decimals(guess.step)))


def number_field(lesson: Lesson, label: str, key: str) -> None:
    """Draw it."""
    low, high, step, decimals = range_of(lesson)
    unit = lesson.guess.unit or lesson.unit
    st.number_input(
        f"{label} ({unit})" if unit else label, min_value=low, max_value=high, value=None, step=step,
        format=f"%.{decimals}f", key=key, placeholder=f"{low:,.12g} to {high:,.12g}", width=FIELD_WIDTH,
        persist_state="session",
    )  # fmt: skip


def number_missing(lesson: Lesson, names: list[str]) -> str:
    """That these fields hold none, and what they take."""
    low, high, *_ = range_of(lesson)
    return f"No number from {low:,.12g} to {high:,.12g} for {' and '.join(names)}"


def column_width(lesson: Lesson) -> int:
    """How wide a field beside others has to be for its range to be read, in pixels."""
    low, high, *_ = range_of(lesson)
    return FIELD_WIDTH if len(f"{low:,.12g} to {high:,.12g}") > SHORT_RANGE_CHARACTERS else NARROW_FIELD_WIDTH


def typed(key: str) -> float | None:
    """What a field holds, None as long as it is empty."""
    number = st.session_state.get(key)
    return None if number is None else float(number)


def to_step(lesson: Lesson, value: float) -> float:
    """The nearest number that a field can hold."""
    low, high, step, decimals = range_of(lesson)
    return round(min(high, max(low, low + round((value - low) / step) * step)), decimals)


def _decimals(step: float) -> int:
    """How many it takes to write a step."""
    return max(0, math.ceil(-math.log10(step) - 1e-9))
