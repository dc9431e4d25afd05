"""What the visitor guesses, and why; locked in, it stays as it is, and the experiment begins."""

from __future__ import annotations

import streamlit as st

from core.errors import ConfigError
from core.experiments.lessons import Lesson
from core.experiments.reveals import words
from core.experiments.stored_results import stored_seconds
from core.runs import guesses
from core.runs.guesses import NAME_LENGTH, REASON_LENGTH, Guess
from pages.learn.lessons.choice import class_code
from pages.learn.lessons.experiment import count_trained, is_trained_here, networks_learn, ready_runs, start
from pages.learn.lessons.faults import keep_fault, show_fault
from pages.learn.lessons.guesses import draw, missing, value
from pages.shared.markdown import escape_markdown
from pages.shared.services import store
from pages.shared.status import duration
from pages.shared.visitor import owner
from pages.shared.watch import watch_start

REASON, NAME = "reason", "lessons_name"  # in the keys of the fields
AGAIN = "lessons_again"  # session state: the lesson in which this visitor guesses anew


def is_guessing_again(lesson: Lesson) -> bool:
    return bool(st.session_state.get(AGAIN) == lesson.id)


def guess_again(lesson: Lesson) -> None:
    """In a callback: a new try; the guess before it stays."""
    st.session_state[AGAIN] = lesson.id


def guess_form(lesson: Lesson) -> None:
    """Draw the question, a line for the reason, and the button that locks both in."""
    key = f"guess_{lesson.id}"
    with st.container(border=True, key="guess"):
        draw(lesson, key)
        st.text_input(
            "Why do you think so?", key=f"{key}_{REASON}", max_chars=REASON_LENGTH, persist_state="session",
            placeholder="One line is enough",
        )  # fmt: skip
        if class_code():
            st.text_input(
                "Your name", key=NAME, max_chars=NAME_LENGTH, persist_state="session", width=320,
                help="Stands beside your guess on the board of your class. You may leave it empty.",
            )  # fmt: skip
        st.caption(_what_follows(lesson))
        st.button(
            "Lock in my guess", type="primary", icon=":material/lock:", key="lock", on_click=_lock, args=(lesson, key)
        )
        show_fault()
    watch_start(".st-key-lock button", "Your guess is locked in …", "lessons_start")


def _what_follows(lesson: Lesson) -> str:
    """What the button starts, in a sentence."""
    if lesson.experiment.kind == "shipped":
        return "Then you see what came out with networks that were trained beforehand."
    if lesson.experiment.kind == "count":
        return "Then it is worked out on this computer. Nothing is trained."
    if not is_trained_here(lesson):
        return "The images of MNIST are not on this computer, so you then see what came out on another one."
    n, n_before = count_trained(lesson)
    if n_before == n:
        return "This computer has trained these networks already, so you then see at once what came out."
    if n_before:
        return (
            f"{n_before} of the {n} networks were trained on this computer before. Their results are reused. "
            f"Then {networks_learn(n - n_before)}."
        )
    return f"Then {networks_learn(n)} on this computer{_for_how_long(lesson)}."


def _for_how_long(lesson: Lesson) -> str:
    """The end of a sentence."""
    try:
        seconds = stored_seconds(lesson)
    except ConfigError:  # measured before the experiment was changed
        return ""
    return f", for about {duration(max(1, round(seconds)))}" if seconds else ""


def _lock(lesson: Lesson, key: str) -> None:
    """What was typed last may have come together with the click, so all is read here."""
    with keep_fault():
        guess = value(lesson, key)
        if guess is None:
            raise ConfigError(
                f"Guess first. {missing(lesson, key)}. A wrong guess is as good as a right one: you remember what surprised you"
            )
        reason = st.session_state.get(f"{key}_{REASON}") or ""
        name = st.session_state.get(NAME) or "" if class_code() else ""
        run_ids = ready_runs(lesson)
        guess_id = guesses.save(
            store(), owner(), lesson, guess, reason, class_code=class_code(), name=name, run_ids=run_ids
        )  # fmt: skip
        st.session_state.pop(AGAIN, None)
        if not run_ids:
            start(lesson, guess_id)


def locked_guess(lesson: Lesson, guess: Guess) -> None:
    """What was guessed, and why, in a line each."""
    with st.container(border=True, key="locked_guess"):
        st.markdown(f":material/lock: Your guess: **{escape_markdown(words(lesson, guess.value))}**")
        if guess.reason:
            st.caption(f"Your reason: {escape_markdown(guess.reason)}")
