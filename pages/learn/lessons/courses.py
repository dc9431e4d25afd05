"""All lessons as cards, in three courses of a school hour, with what this visitor has done."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.experiments.lessons import COURSES, Lesson, lessons
from core.runs.guesses import Guess
from pages.learn.lessons.choice import class_code, class_field, open_lesson
from pages.learn.lessons.visitor_progress import is_done, newest_guesses, next_lesson, outcome
from pages.shared.outcomes import outcome_badge

CARD_WIDTH = 280  # pixels
KINDS: Mapping[str, str] = {  # what a visitor guesses there, as a picture and in words
    "choice": ":material/ballot: A choice", "number": ":material/pin: A number",
    "order": ":material/format_list_numbered: An order", "curve": ":material/show_chart: A curve",
    "band": ":material/height: A band",
}  # fmt: skip


def courses() -> None:
    """Draw them, and the one that comes next above all."""
    own = newest_guesses()
    if code := class_code():
        st.caption(f"Your guesses count for the class “{code}”.")
    _next_step(own)
    if not code:
        class_field()
    for course, title in COURSES.items():
        members = [lesson for lesson in lessons().values() if lesson.course == course]
        if members:
            _course(title, members, own)


def _next_step(own: Mapping[str, Guess]) -> None:
    following = next_lesson(own)
    if following is None:
        st.success("You have done all of them.", icon=":material/done_all:")
        return
    label = f"Go on with “{following.title}”" if own else f"Begin with “{following.title}”"
    st.button(label, type="primary", icon=":material/arrow_forward:", key="lessons_next", on_click=open_lesson,
              args=(following.id,))  # fmt: skip


def _course(title: str, members: list[Lesson], own: Mapping[str, Guess]) -> None:
    done, minutes = sum(is_done(lesson, own) for lesson in members), sum(lesson.minutes for lesson in members)
    st.subheader(title)
    st.progress(done / len(members), text=f"{done} of {len(members)} lessons done, about {minutes} minutes in all")
    with st.grid(3, min_column_width=CARD_WIDTH):
        for lesson in members:
            with st.container(border=True, height="stretch", key=f"lesson_card_{lesson.id}"):
                _card(lesson, own.get(lesson.id))


def _card(lesson: Lesson, guess: Guess | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":gray[{KINDS[lesson.guess.kind]}, {lesson.minutes} min]", width="stretch")
        if guess and guess.revealed_utc:
            if outcome_of_guess := outcome(lesson, guess):
                outcome_badge(outcome_of_guess)
        elif guess:
            st.badge("Guess locked in", icon=":material/lock:", color="gray")
    with st.container(height="stretch"):  # so that the buttons of a row stand level
        st.markdown(f"**{lesson.title}**  \n{lesson.question}")
    label = "See it again" if guess and guess.revealed_utc else "Go on" if guess else "Open"
    st.button(label, key=f"lesson_{lesson.id}", icon=":material/arrow_forward:", on_click=open_lesson,
              args=(lesson.id,), help=f"Opens the lesson “{lesson.title}”.")  # fmt: skip
