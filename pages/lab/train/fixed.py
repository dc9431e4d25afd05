"""Above the form: what a link or a challenge has fixed, the goal, and the way out."""

from __future__ import annotations

import streamlit as st

from core.runs.challenges import Challenge
from core.runs.guesses import NAME_LENGTH
from core.runs.rows import check_line
from pages.lab.train import locks
from pages.shared.challenge_words import budget_sentence, goal_sentence
from pages.shared.locks import say_kept
from pages.shared.markdown import escape_markdown

NAME = "challenge_name"  # key of the field


def is_anything_fixed() -> bool:
    return locks.locks() != locks.Locks()


def pupils_name() -> str:
    """What this visitor is called on the board of a challenge, "" for no name. Raises ConfigError where it can not be shown."""
    return check_line(st.session_state.get(NAME) or "", "name", NAME_LENGTH)


def show_fixed() -> None:
    """Say what can not be changed, where there is such a thing; in a challenge, ask for the pupil's name."""
    fixed, challenge = locks.locks(), locks.challenge()
    if challenge:
        _challenge(challenge)
    elif is_anything_fixed():
        say_kept(fixed.shown_titles())


def _challenge(challenge: Challenge) -> None:
    with st.container(border=True, key="challenge"):
        st.markdown(f"**Challenge: {escape_markdown(challenge.title)}**")
        st.markdown(f"{goal_sentence(challenge.terms)} {budget_sentence(challenge)}")
        st.caption(
            "You are judged by images that no network of this challenge learns from. Each network that you train from this "
            "page counts; on the board stands the one that does best on the validation images. What is grey is the "
            "same for everybody."
        )
        st.text_input(
            "Your name on the board", key=NAME, max_chars=NAME_LENGTH, persist_state="session", width=320,
            placeholder="may stay empty", help="Without one you are called by a number, such as pupil 3.",
        )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link("pages/learn/teachers/page.py", label="Board of the class", icon=":material/emoji_events:",
                         query_params={"view": "challenges", "challenge": challenge.challenge_id})  # fmt: skip
            st.button(
                "Leave the challenge",
                type="tertiary",
                icon=":material/logout:",
                key="challenge_leave",
                on_click=locks.leave,
            )
