"""What is chosen in a view also stands in the address, so that a link opens the very same picture."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import streamlit as st

from pages.shared.link_state import follow_once, linked_widget, remember
from pages.shared.locks import is_fixed

Option = TypeVar("Option", bound=str)


def pick(
    label: str, name: str, key: str, titles: Mapping[Option, str], default: Option, explanation: str = ""
) -> Option:
    """Draw the choice of one of several. name: in the address · titles: value -> what it is called on screen"""
    follow(name, key, titles, default)
    value: Option | None = linked_widget(
        name, st.segmented_control, label, list(titles), required=True, format_func=titles.__getitem__, key=key, wrap=True,
        help=explanation or None,
    )  # fmt: skip
    keep(name, value, default)
    return default if value is None else value


def switch(label: str, name: str, key: str, explanation: str = "") -> bool:
    """Draw what is on or off, off at first. name: in the address"""
    follow(name, key, (False, True), False)
    value = bool(linked_widget(name, st.toggle, label, key=key, help=explanation or None))
    keep(name, value, False)
    return value


def follow(name: str, key: str, options: Collection[Any], default: object) -> None:
    """Before the widget ``key`` is drawn: what a link says of ``name``, if it is one of the options; else what was chosen
    before, and at first the default."""
    by_text = {_text(option): option for option in options}
    linked = follow_once(name, _link(name))
    if linked in by_text:
        st.session_state[key] = by_text[linked]
    elif is_fixed(name) or st.session_state.get(key) not in options:
        st.session_state[key] = default


def keep(name: str, value: object, default: object = None) -> None:
    """After it: put the choice into the address; the default takes ``name`` out of it."""
    remember(name, _link(name), "" if value == default else _text(value))


def _link(name: str) -> str:
    """One for each name, whichever widget it is for: what was picked in one layer is no link for the next."""
    return f"inside_link_{name}"


def _text(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
