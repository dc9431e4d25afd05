"""A band: the lowest and the highest of all seeds, drawn with the mouse or typed."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.experiments.lessons import Lesson
from pages.learn.lessons.guesses.field import PLOT_CONFIG, number_field, number_missing, range_of, to_step, typed
from pages.shared.chart_ink import inked


def draw(lesson: Lesson, key: str) -> None:
    """An empty axis to draw on, and below it a field for each end."""
    from core.experiments.pictures import guess_axes

    st.markdown(lesson.guess.ask)
    st.caption("Draw the band with the mouse or a finger: press, drag up or down, let go. Or type its two ends.")
    place = st.container()
    with st.container(horizontal=True):
        number_field(lesson, "Lowest", f"{key}_low")
        number_field(lesson, "Highest", f"{key}_high")
    lowest, highest = typed(f"{key}_low"), typed(f"{key}_high")
    if lowest is not None and highest is not None and lowest > highest:
        st.warning("The lowest is above the highest.", icon=":material/swap_vert:")
    low, high, *_ = range_of(lesson)
    with place:
        st.plotly_chart(
            inked(guess_axes(lesson, value(lesson, key)).built()), key=f"{key}_chart", on_select=partial(_drawn, lesson, key),
            selection_mode="box", config=PLOT_CONFIG, alt=f"Empty axis from {low:,.12g} to {high:,.12g} to draw a band on",
        )  # fmt: skip


def value(_lesson: Lesson, key: str) -> tuple[float, float] | None:
    """The lowest and the highest number."""
    lowest, highest = typed(f"{key}_low"), typed(f"{key}_high")
    return (lowest, highest) if lowest is not None and highest is not None and lowest <= highest else None


def missing(lesson: Lesson, key: str) -> str:
    """An end, or the right order of both."""
    lacking = [name for name in ("lowest", "highest") if typed(f"{key}_{name.removesuffix('est')}") is None]
    return number_missing(lesson, lacking) if lacking else "The lowest is above the highest"


def _drawn(lesson: Lesson, key: str) -> None:
    """Put the ends of the box that was drawn into the fields."""
    for box in st.session_state[f"{key}_chart"].selection.box:
        ends = [to_step(lesson, float(end)) for end in box["y"]]
        st.session_state[f"{key}_low"], st.session_state[f"{key}_high"] = min(ends), max(ends)
