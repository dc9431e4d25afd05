"""A challenge is deleted by who made it, and brought back."""

from __future__ import annotations

import streamlit as st

from core.errors import InputError
from core.runs import challenges
from core.runs.challenges import Challenge
from pages.shared.markdown import sentence
from pages.shared.services import store
from pages.shared.visitor import owner

DELETED, FAULT = "challenge_deleted", "challenge_fault"  # session state: id and title of the last one; why it failed


def delete_button(challenge: Challenge) -> None:
    """For its maker; others are told why they see none."""
    if challenge.owner == owner():
        st.button(
            "Delete this challenge", icon=":material/delete:", key="challenge_delete", on_click=_delete, args=(challenge,),
            help="The board goes, the runs stay. Can be undone for a day.",
        )  # fmt: skip
    else:
        st.caption("It was made in another browser, and can be deleted only there.")


def way_back() -> None:
    """What went wrong with the last click, and the way back from the last deletion."""
    if fault := st.session_state.pop(FAULT, ""):
        st.error(sentence(fault), icon=":material/error:")
    if deleted := st.session_state.get(DELETED):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"Deleted “{deleted[1]}”.")
            st.button("Undo", icon=":material/undo:", key="challenge_undo", on_click=_restore, args=(deleted[0],))


def _delete(challenge: Challenge) -> None:
    try:
        challenges.delete(store(), owner(), challenge.challenge_id)
        st.session_state[DELETED] = challenge.challenge_id, challenge.title
    except InputError as error:
        st.session_state[FAULT] = str(error)


def _restore(challenge_id: str) -> None:
    try:
        challenges.restore(store(), owner(), challenge_id)
        st.session_state.pop(DELETED, None)
    except InputError as error:
        st.session_state[FAULT] = str(error)
