"""A choice that stands in the address, so that a link opens the very same picture, and locks or hides it by its name.

The link is read where the choice is drawn: a part of a page that is drawn anew by itself keeps to what is locked, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from pages.shared.link_state import follow_once, linked_widget, remember
from pages.shared.locks import is_fixed, page

if TYPE_CHECKING:
    from streamlit.elements.lib.mutable_tab_container import TabContainer

Option = TypeVar("Option", bound=str)

VIEW = "view"  # its name in the address
NONE = "none"  # in the address: of several options not one
TEXT_LENGTH = 100  # letters of a text in the address


@dataclass(frozen=True, slots=True)
class Between:
    """The options of a number: all from ``low`` to ``high``, whole ones where these are whole."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, (int, float)) and self.low <= value <= self.high


Options = Collection[Any] | Between | None  # None: any text


def choose(
    label: str, name: str, key: str, options: Options, default: Any, widget: Callable[..., Any] = st.segmented_control,
    *, several: bool = False, **look: Any,
) -> Any:  # fmt: skip
    """Draw a choice; returns its value. name: in the address · several: any number of the options, as a list"""
    follow(name, key, options, default, several=several)
    shown = (options.low, options.high) if isinstance(options, Between) else () if options is None else (list(options),)
    value = linked_widget(name, widget, label, *shown, key=key, **look)
    keep(name, value, default)
    return default if value is None else value


def pick(
    label: str, name: str, key: str, titles: Mapping[Option, str], default: Option, explanation: str = "", **look: Any
) -> Option:
    """Draw the choice of one of several side by side. titles: value -> what it is called on screen"""
    value: Option = choose(
        label, name, key, titles, default, required=True, format_func=titles.__getitem__, wrap=True,
        help=explanation or None, **look,
    )  # fmt: skip
    return value


def switch(label: str, name: str, key: str, explanation: str = "", *, default: bool = False) -> bool:
    """Draw what is on or off. name: in the address"""
    follow(name, key, (False, True), default)
    value = bool(linked_widget(name, st.toggle, label, key=key, help=explanation or None))
    keep(name, value, default)
    return value


def follow_view(key: str, titles: Mapping[str, str]) -> str:
    """Before the page puts anything into its address: the view that a link asks for, which is the first where it names none;
    of an address that names nothing, such as the menu's, the one that was looked at last. titles: value -> on screen"""
    first = next(iter(titles))
    follow(VIEW, key, titles, first, meant=first if st.query_params else "")
    return str(st.session_state[key])


def pick_view(key: str, titles: Mapping[str, str]) -> str:
    """Draw the choice of a view, which always stands in the address; returns it."""
    view: str = linked_widget(
        VIEW, st.segmented_control, "View", list(titles), key=key, required=True, format_func=titles.__getitem__, wrap=True,
        label_visibility="collapsed",
    ) or next(iter(titles))  # fmt: skip
    keep(VIEW, view)
    return view


def pick_tab(name: str, key: str, titles: Mapping[str, str]) -> dict[str, TabContainer]:
    """Draw tabs, and of a fixed choice that one alone; returns them by value. titles: value in the address -> on the tab"""
    first = next(iter(titles))
    linked = follow_once(name, _link(name))
    if linked in titles:
        st.session_state[key] = titles[linked]
    elif is_fixed(name):
        st.session_state[key] = titles[first]
    fixed = next((value for value in titles if titles[value] == st.session_state.get(key)), first)
    shown = {fixed: titles[fixed]} if is_fixed(name) else titles
    tabs = dict(zip(shown, st.tabs(list(shown.values()), key=key, on_change="rerun"), strict=True))
    keep(name, next((value for value, tab in tabs.items() if tab.open), first), first)
    return tabs


def follow(
    name: str, key: str, options: Options, default: object, *, several: bool = False, meant: str = ""
) -> bool:  # fmt: skip
    """Before the widget ``key`` is drawn: what a link says of ``name``, if it is one of the options; else what was chosen
    before, and at first the default. Returns whether a link said it. meant: by an address without ``name``"""
    linked = follow_once(name, _link(name), meant)
    value = _value(linked, options, several) if linked else None
    if value is not None:
        st.session_state[key] = value
    elif is_fixed(name) or not _is_possible(st.session_state.get(key), options, several):
        st.session_state[key] = default
    return value is not None


def keep(name: str, value: object, default: object = None) -> None:
    """After it: put the choice into the address; the default takes ``name`` out of it."""
    remember(name, _link(name), "" if value is None or value == default else _text(value))


def keep_only(view: str, names: Mapping[str, Collection[str]]) -> None:
    """Take out of the address what was chosen in other views than this one. names: of the choices of each view"""
    for name in {name for own in names.values() for name in own}.difference(names.get(view, ())):
        keep(name, None)


def _link(name: str) -> str:
    """One for each name of a page, whichever widget it is for: what was picked in one layer is no link for the next."""
    return f"{page()}_link_{name}"


def _text(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(_text, value)) or NONE
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _value(text: str, options: Options, several: bool) -> Any:
    """None for what is not one of the options."""
    if several:
        values = [] if text == NONE else [_value(part, options, several=False) for part in text.split(",")]
        return None if None in values else values
    if options is None:
        return text[:TEXT_LENGTH]
    if isinstance(options, Between):
        try:
            number = type(options.low)(text)
        except ValueError:
            return None
        return number if number in options else None
    return {_text(option): option for option in options}.get(text)


def _is_possible(value: object, options: Options, several: bool) -> bool:
    if several:
        return isinstance(value, list) and all(_is_possible(part, options, several=False) for part in value)
    return isinstance(value, str) if options is None else value in options
