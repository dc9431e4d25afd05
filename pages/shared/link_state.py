"""A choice, or a whole form, that also stands in the address: a link is followed once, from then on the menu decides."""

from __future__ import annotations

from collections.abc import Collection, Mapping

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


def follow_query_once(key: str, *, without: Collection[str] = ()) -> dict[str, str]:
    """All query parameters except ``without``; {} when there are none or the form ``key`` has followed these already."""
    query = {name: value for name, value in st.query_params.to_dict().items() if name not in without}
    if not query or query == st.session_state.get(link_key(key)):
        return {}
    st.session_state[link_key(key)] = query
    return dict(query)


def remember_query(key: str, query: Mapping[str, str], *, without: Collection[str] = ()) -> None:
    """Make the values of the form ``key`` the whole address; what ``without`` names stays in it as it is."""
    st.session_state[link_key(key)] = dict(query)
    current = st.query_params.to_dict()
    address = {**query, **{name: value for name, value in current.items() if name in without}}
    if current != address:
        st.query_params.from_dict(address)
