"""An order, the best first: one click for each place."""

from __future__ import annotations

import streamlit as st

from core.experiments.lessons import Lesson

PLACES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


def draw(lesson: Lesson, key: str) -> None:
    """Every place, and a button for each contestant, grey for one that has its place. Nothing moves when a place is taken:
    whoever has put the button that locks it in under the pointer still meets it."""
    order: list[str] = st.session_state.get(key, [])
    st.markdown(lesson.guess.ask)
    for place in range(len(lesson.labels)):
        st.markdown(f"**{place + 1}.** {order[place] if place < len(order) else '…'}")
    left = [label for label in lesson.labels if label not in order]
    st.caption(f"Click the one that comes {PLACES[len(order)]}." if left else "All have a place.")
    with st.container(horizontal=True):
        for place, label in enumerate(lesson.labels):
            st.button(
                label, key=f"{key}_{place}", on_click=_put, args=(lesson, key, [*order, label]), disabled=label in order
            )
        st.button(
            "Begin again", icon=":material/undo:", type="tertiary", key=f"{key}_undo", on_click=_put,
            args=(lesson, key, []), disabled=not order,
        )  # fmt: skip


def value(lesson: Lesson, key: str) -> tuple[str, ...] | None:
    """The labels of all contestants, the best first."""
    order = tuple(st.session_state.get(key, ()))
    return order if len(order) == len(lesson.labels) else None


def missing(lesson: Lesson, key: str) -> str:
    """Whoever has no place yet."""
    order = st.session_state.get(key, [])
    return f"Without a place: {' and '.join(label for label in lesson.labels if label not in order)}"


def _put(lesson: Lesson, key: str, order: list[str]) -> None:
    """The last one needs no click."""
    left = [label for label in lesson.labels if label not in order]
    st.session_state[key] = order + (left if len(left) == 1 else [])
