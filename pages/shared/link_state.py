"""A choice, or a whole form, that also stands in the address: a link is followed once, from then on the menu decides, but for
what the link locks or hides (``locks``): that is read from the link with every look."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import streamlit as st

from pages.shared.locks import in_address, is_fixed, is_hidden, locks


def link_key(key: str) -> str:
    """Where the session keeps the value of the link that was followed last for the widget ``key``."""
    return f"{key}_link"


def follow_once(name: str, key: str, default: str = "") -> str:
    """The value of the query parameter ``name``; "" when the widget ``key`` has followed that value already. What the link
    locks or hides is followed each time, and the widget forgets what it held.

    default: what the address means without the parameter
    """
    if is_fixed(name):
        value = locks().values.get(name, default)
        st.session_state.pop(key, None)  # also where the value is none that the page can use
        st.session_state[link_key(key)] = value
        return value
    value = st.query_params.get(name, default)
    if not value or value == st.session_state.get(link_key(key)):
        return ""
    st.session_state[link_key(key)] = value
    return value


def remember(name: str, key: str, value: str) -> None:
    """Put the choice of the widget ``key`` into the address, so that it can be sent to somebody; "" takes it out. What the
    page's link locks and hides stays in it."""
    value = locks().values.get(name) or value
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
    """Make the values of the form ``key`` the whole address; what ``without`` names stays in it as it is, and what the page's
    link locks and hides."""
    query = {**query, **in_address()}
    st.session_state[link_key(key)] = query
    current = st.query_params.to_dict()
    address = {**query, **{name: value for name, value in current.items() if name in without}}
    if current != address:
        st.query_params.from_dict(address)


def linked_widget(
    name: str, widget: Callable[..., Any], label: str, *options: Any, key: str, start: object = None, **look: Any
) -> Any:
    """Draw the widget of what the address calls ``name``: grey where the page's link locks it, not at all where it is hidden.

    Returns the value. start: the first one, for a widget that the session holds no value of
    """
    if start is not None:
        st.session_state.setdefault(key, start)
    if is_hidden(name):
        return st.session_state.get(key)
    return widget(label, *options, key=key, persist_state="session", disabled=is_fixed(name), **look)
