"""Challenges: a network, its data and a budget are fixed, a goal is set, and a class tries to reach it."""

from __future__ import annotations

import streamlit as st


def challenges() -> None:
    """Draw those of this store, and what makes a new one."""
    st.info("There is no challenge yet.", icon=":material/emoji_events:")
