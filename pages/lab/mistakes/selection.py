"""Which cell of the confusion matrix the gallery shows: a true digit and a read one, either of them any."""

from __future__ import annotations

import streamlit as st

from core.data.dataset import N_CLASSES

ANY = "any"
DIGITS = [ANY, *map(str, range(N_CLASSES))]
TRUTH, PREDICTED = "mistakes_truth", "mistakes_predicted"
_TURN = "mistakes_turn"


def select_cell(*digits: str) -> None:
    """Filter the gallery by these (truth, prediction), or as the menus say.

    The matrix gets a new key, so that its last click is forgotten and the same cell can be clicked again.
    """
    if digits:
        st.session_state[TRUTH], st.session_state[PREDICTED] = digits
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


def matrix_key() -> str:
    """The key of the matrix until the next selection."""
    return f"mistakes_matrix_{st.session_state.get(_TURN, 0)}"
