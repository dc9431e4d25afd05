"""Which lesson is open, and for which class: ``?lesson=ID`` and ``?class=CODE``."""

from __future__ import annotations

import re

import streamlit as st

from core.errors import InputError
from core.experiments import lessons
from core.experiments.lessons import Lesson

LESSON, CLASS = "lesson", "class"  # in the address
CLASS_CODE = "lessons_class"  # session state: for which class the visitor guesses, "" for none
CODE_FIELD = "lessons_code"  # key of the field in which a code is typed
_CODE = re.compile(r"[a-z0-9-]{1,24}")


def follow() -> Lesson | None:
    """The lesson that the address names; None where it names none. Says on screen when there is no such lesson or class."""
    code = st.query_params.get(CLASS, "")
    if _CODE.fullmatch(code):
        st.session_state[CLASS_CODE] = code
    elif code:
        st.warning("The link names a class that can not be one: a to z, 0 to 9 and dashes, at most 24 of them.",
                   icon=":material/link_off:")  # fmt: skip
    lesson_id = st.query_params.get(LESSON, "")
    if not lesson_id:
        return None
    try:
        return lessons.get(lesson_id)
    except InputError:
        st.warning("The link asks for a lesson that is not here.", icon=":material/link_off:")
        return None


def class_code() -> str:
    """For which class this visitor guesses, "" for none."""
    return str(st.session_state.get(CLASS_CODE, ""))


def class_field() -> None:
    """Where a pupil without the link types the code of the class."""
    st.text_input(
        "Code of your class", key=CODE_FIELD, max_chars=24, on_change=_join, width=320,
        placeholder="Only if your teacher gave you one",
    )  # fmt: skip


def _join() -> None:
    """In a callback: as if the link had named the class."""
    if code := (st.session_state.get(CODE_FIELD) or "").strip().lower():
        st.query_params[CLASS] = code


def open_lesson(lesson_id: str = "") -> None:
    """In a callback: show this lesson, "" for the list of all."""
    query = {LESSON: lesson_id} if lesson_id else {}
    if class_code():
        query[CLASS] = class_code()
    st.query_params.from_dict(query)
