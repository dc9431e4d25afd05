"""One lesson from top to bottom: the question, the guess, the experiment, and what came out."""

from __future__ import annotations

import streamlit as st

from core.experiments.lessons import COURSES, Lesson, filled
from pages.learn.lessons.choice import open_lesson
from pages.learn.lessons.experiment import experiment, is_complete, runs_of
from pages.learn.lessons.guess_form import guess_form, is_guessing_again, locked_guess
from pages.learn.lessons.pictures import what_they_see
from pages.learn.lessons.reveal import show_reveal
from pages.learn.lessons.visitor_progress import is_asked_still, newest_guesses
from pages.learn.lessons.words_used import explain_words

STEPS = ("Guess", "Run", "See")


def one_lesson(lesson: Lesson) -> None:
    """Draw it as far as this visitor has come; nothing of the result before a guess is locked in."""
    own = newest_guesses().get(lesson.id)
    guess = own if own and is_asked_still(lesson, own) and not is_guessing_again(lesson) else None
    runs = [] if guess is None else runs_of(guess)
    step = 0 if guess is None else 2 if is_complete(lesson, guess, runs) else 1
    _head(lesson, step)
    if guess is None:
        guess_form(lesson)
        return
    locked_guess(lesson, guess)
    if step == 1:
        experiment(lesson, guess, runs)
    else:
        show_reveal(lesson, guess)


def _head(lesson: Lesson, step: int) -> None:
    """The question, with how far the visitor is. step: the place of what comes now among ``STEPS``"""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All lessons", icon=":material/arrow_back:", type="tertiary", key="lessons_all", on_click=open_lesson)
        st.caption(f"{COURSES[lesson.course]} · {lesson.minutes} min")
    st.title(lesson.title)
    with st.container(horizontal=True, gap="small"):
        for place, name in enumerate(STEPS):
            icon = ":material/check:" if place < step else None
            st.badge(
                f"{place + 1} {name}", icon=icon, color="green" if place < step else "blue" if place == step else "gray"
            )
    st.subheader(lesson.question, anchor=False)
    if lesson.claim:
        st.markdown(f"> “{lesson.claim}”\n>\n> :gray[from a learner’s project]")
    before = filled(lesson.sections.get("Before you guess", ""), lesson.known_before)
    if step == 0:
        what_they_see(lesson)
        st.markdown(before)
        explain_words(lesson.question, before, lesson.guess.ask)
    elif before:
        with st.expander("Before you guess"):
            st.markdown(before)
            explain_words(lesson.question, before, lesson.guess.ask)
