"""What stands on a page that a lesson has led to: a note, and an outline around the control that it is about.

The address names the lesson and which of its links was followed (``?tip=shuffled-pixels.0``); the words come from the lesson's
file, so that nobody can send a link that puts words of his own on a page.
"""

from __future__ import annotations

import streamlit as st

from core.errors import InputError
from core.experiments import lessons
from pages.shared.component import component

PARAMETER = "tip"
FOLLOWED = "pointer"  # session state: the address of the page, the id of the lesson and the number of its link


def tip(lesson_id: str, number: int) -> str:
    """What the address of a lesson's link says, so that its page shows the note. number: of the link, from 0"""
    return f"{lesson_id}.{number}"


def show_pointer(page: str) -> None:
    """Above a page, until it is closed or another page is opened: the note of the link that led here. page: its address"""
    if linked := st.query_params.get(PARAMETER):
        del st.query_params[PARAMETER]  # a page's own link may mean the whole address
        lesson_id, _, number = linked.rpartition(".")
        st.session_state[FOLLOWED] = (page, lesson_id, int(number) if number.isdecimal() else -1)
    led_to, lesson_id, number = st.session_state.get(FOLLOWED, ("", "", -1))
    if led_to != page:
        st.session_state.pop(FOLLOWED, None)
        return
    try:
        lesson = lessons.get(lesson_id)
    except InputError:  # the lesson of an older link
        return
    if not 0 <= number < len(lesson.looks) or lesson.looks[number].page != page:
        return
    look = lesson.looks[number]
    with st.container(border=True, key="pointer"):
        if look.tip:
            st.markdown(f":material/school: {look.tip}")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(
                "pages/learn/lessons/page.py", label=f"Back to the lesson “{lesson.title}”",
                icon=":material/arrow_back:", query_params={"lesson": lesson_id},
            )  # fmt: skip
            st.button("Close", icon=":material/close:", type="tertiary", key="pointer_close", on_click=_forget)
    if look.point and look.tip:
        component("pointer")(key="pointer_spot", data={"key": look.point, "text": look.tip})


def _forget() -> None:
    st.session_state.pop(FOLLOWED, None)
