"""Challenges: a network, its images and a budget are fixed, a goal is set, and a class tries to reach it."""

from __future__ import annotations

import streamlit as st

from core.runs.challenges import Challenge
from core.runs.challenges import challenges as all_challenges
from pages.learn.teachers.challenge_board import challenge_board
from pages.learn.teachers.challenge_form import CHALLENGE, challenge_form
from pages.learn.teachers.challenge_removal import delete_button, way_back
from pages.learn.teachers.class_field import CLASS, class_field
from pages.shared.challenge_words import budget_sentence, goal_sentence
from pages.shared.link_state import follow_once, remember
from pages.shared.markdown import escape_markdown
from pages.shared.page_link import page_link
from pages.shared.services import store


def challenges() -> None:
    """Draw what makes a new one, and of those of this store the one that is picked."""
    st.write(
        "Everybody gets the same images and the same budget, and tries to beat a base run. The board counts right answers on "
        "images that were set aside, which no network of the challenge has learned from."
    )
    way_back()
    by_id = {challenge.challenge_id: challenge for challenge in all_challenges(store())}
    if asked := by_id.get(st.query_params.get("challenge", "")):
        st.session_state.setdefault(CLASS, asked.class_code)
    code = class_field()
    challenge_form(is_first=not by_id)
    _pick(by_id, code)


def _pick(by_id: dict[str, Challenge], code: str) -> None:
    """code: of the class whose newest challenge is shown at first"""
    asked = follow_once("challenge", CHALLENGE)
    if asked in by_id:
        st.session_state[CHALLENGE] = asked
    elif asked:
        st.warning("The link asks for a challenge that is not there any more.", icon=":material/link_off:")
    if not by_id:
        remember("challenge", CHALLENGE, "")
        return
    if st.session_state.get(CHALLENGE) not in by_id:
        of_class = [challenge_id for challenge_id, challenge in by_id.items() if challenge.class_code == code]
        st.session_state[CHALLENGE] = next(iter(of_class or by_id))
    challenge_id = st.selectbox(
        "Challenge", list(by_id), format_func=lambda one: _label(by_id[one]), key=CHALLENGE, persist_state="session",
        width=480,
    )  # fmt: skip
    remember("challenge", CHALLENGE, challenge_id)
    _show(by_id[challenge_id])


def _show(challenge: Challenge) -> None:
    st.subheader(escape_markdown(challenge.title), anchor=False)
    st.write(f"{goal_sentence(challenge.terms)} {budget_sentence(challenge)}")
    query = {"challenge": challenge.challenge_id}
    st.markdown("**Link for the class**")
    page_link("train", query)
    st.page_link(
        "pages/lab/train/page.py", label="Open it as a pupil", icon=":material/open_in_new:", query_params=query
    )
    challenge_board(challenge)
    delete_button(challenge)


def _label(challenge: Challenge) -> str:
    """As plain text: a menu draws no Markdown."""
    of_class = f", class {challenge.class_code}" if challenge.class_code else ""
    return f"{challenge.title}{of_class} (number {challenge.number})"
