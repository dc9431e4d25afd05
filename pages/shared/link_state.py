"""A choice that also stands in the address: a link is followed once, from then on the menu decides."""

from __future__ import annotations

import streamlit as st


def link_key(key: str) -> str:
    """Where the session keeps the value of the link that was followed last for the widget ``key``."""
    return f"{key}_link"


def follow_once(name: str, key: str, default: str = "") -> str:
    """The value of the query parameter ``name``; "" when the widget ``key`` has followed that value already.

    default: what the address means without the parameter
    """
    value = st.query_params.get(name, default)
    if not value or value == st.session_state.get(link_key(key)):
        return ""
    st.session_state[link_key(key)] = value
    return value


def remember(name: str, key: str, value: str) -> None:
    """Put the choice of the widget ``key`` into the address, so that it can be sent to somebody; "" takes it out."""
    st.session_state[link_key(key)] = value
    if value and st.query_params.get(name) != value:
        st.query_params[name] = value
    elif not value and name in st.query_params:
        del st.query_params[name]
