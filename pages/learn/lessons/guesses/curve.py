"""A curve: one number for each contestant, clicked on a chart or typed."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.experiments.lessons import Lesson
from pages.learn.lessons.guesses.field import (
    PLOT_CONFIG,
    column_width,
    number_field,
    number_missing,
    range_of,
    to_step,
    typed,
)
from pages.shared.chart_ink import inked


def draw(lesson: Lesson, key: str) -> None:
    """Empty axes to click on, and below them a field for each contestant."""
    from core.experiments.pictures import guess_axes

    st.markdown(lesson.guess.ask)
    st.caption("Click once above each mark of the axis below, or type the numbers.")
    place = st.container()
    with st.grid(len(lesson.labels), min_column_width=column_width(lesson)):
        for number, label in enumerate(lesson.labels):
            number_field(lesson, label, f"{key}_{number}")
    low, high, *_ = range_of(lesson)
    figure = guess_axes(lesson, _numbers(lesson, key))
    figure.update_layout(dragmode=False)  # which would take a click for the start of a box
    with place:
        st.plotly_chart(
            inked(figure.built()), key=f"{key}_chart",
            on_select=partial(_clicked, lesson, key), selection_mode="points", config=PLOT_CONFIG,
            alt=f"Empty axes to click a guess on: {low:,.12g} to {high:,.12g} for each of {len(lesson.labels)}",
        )  # fmt: skip


def value(lesson: Lesson, key: str) -> tuple[float, ...] | None:
    """One number for each contestant, in their order."""
    numbers = tuple(number for number in _numbers(lesson, key) if number is not None)
    return numbers if len(numbers) == len(lesson.labels) else None


def missing(lesson: Lesson, key: str) -> str:
    """The contestants without a number."""
    numbers = zip(lesson.labels, _numbers(lesson, key), strict=True)
    return number_missing(lesson, [label for label, number in numbers if number is None])


def _numbers(lesson: Lesson, key: str) -> list[float | None]:
    return [typed(f"{key}_{number}") for number in range(len(lesson.labels))]


def _clicked(lesson: Lesson, key: str) -> None:
    """Put the points that were clicked into the fields."""
    for point in st.session_state[f"{key}_chart"].selection.points:
        if "customdata" in point:  # of the points to click; the curve above them has none
            place, number = point["customdata"]
            st.session_state[f"{key}_{int(place)}"] = to_step(lesson, float(number))
