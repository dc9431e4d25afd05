"""What makes a challenge: its title, what is asked and allowed, and the base run that it is measured by."""

from __future__ import annotations

import time

import streamlit as st

from core.errors import InputError
from core.runs import challenges
from core.runs.challenges import TITLE_LENGTH, Terms, terms_of
from pages.learn.teachers.challenge_base import base_run, base_run_sentence, draw_base_run
from pages.learn.teachers.class_field import class_code
from pages.shared.form import draw_form, read_form
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.services import DOUBLE_CLICK_SECONDS, get_ready, store, worker
from pages.shared.visitor import owner

CHALLENGE = "teachers_challenge"  # key of the menu of all challenges
NEW, TITLE, TERMS = "challenge_new", "challenge_title", "challenge_terms"
FAULT, MADE = "challenge_make_fault", "challenge_made"  # session state: why none was made; what was made last, and when


def challenge_form(*, is_first: bool) -> None:
    """Draw it, folded where there are challenges already."""
    place = st.expander("Make a challenge", expanded=is_first, key=NEW, on_change="rerun")
    if place.open:
        with place:
            _draw()


def _draw() -> None:
    with st.spinner("Getting the networks ready …"):
        get_ready()
    st.text_input(
        "Title", key=TITLE, max_chars=TITLE_LENGTH, persist_state="session", placeholder="Two points more", width=480
    )
    st.markdown("**What is asked and allowed**")
    draw_form(Terms, TERMS)
    draw_base_run()
    try:
        terms = terms_of(read_form(Terms, TERMS))
        config = base_run(terms)
        challenges.check_base(config, terms)
    except InputError as error:
        st.error(sentence(error), icon=":material/error:")
        is_ready = False
    else:
        st.caption(escape_markdown(base_run_sentence(config)))
        is_ready = True
    st.button(
        "Make the challenge", type="primary", icon=":material/emoji_events:", key="challenge_make", disabled=not is_ready,
        on_click=_make, help="Its base run is trained at once.",
    )  # fmt: skip
    if fault := st.session_state.pop(FAULT, ""):
        st.error(sentence(fault), icon=":material/error:")


def _make() -> None:
    """In a callback: what was typed last may have come together with the click, so all is read here. A double click makes
    one challenge."""
    try:
        terms = terms_of(read_form(Terms, TERMS))
        config = base_run(terms)
        title, code = st.session_state.get(TITLE) or "", class_code()
        content, now = (title, code, config, terms), time.monotonic()
        before, made_at = st.session_state.get(MADE, (None, 0.0))
        if content == before and now - made_at < DOUBLE_CLICK_SECONDS:
            return
        challenge_id = challenges.make(store(), owner(), title, code, config, terms)
    except InputError as error:
        st.session_state[FAULT] = str(error)
        return
    worker().wake()
    st.session_state.update({MADE: (content, now), CHALLENGE: challenge_id, TITLE: "", NEW: False})
