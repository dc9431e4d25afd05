"""Links: a page that is filled in, with choices and settings that pupils can not change or do not see."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

import streamlit as st

from core import models
from core.config import all_settings
from core.errors import ConfigError, InputError
from core.runs.schema import StorageError
from pages.learn.teachers.train_address import ADDRESS_LENGTH, MOST_NOTICES, page_and_query, read_address
from pages.shared.link_names import NAMES
from pages.shared.linked_text import page_file
from pages.shared.markdown import sentence
from pages.shared.page_link import page_link

PAGE, ADDRESS = "links_page", "links_address"  # keys of the fields
SERVER_ONLY = frozenset({"run", "a", "b", "group", "like"})  # names whose values are runs


class Base(NamedTuple):
    """What the link begins with. query: by name · titles: what can be locked or hidden, by name
    notices: a sentence for what of the address can not be used · caption: which networks are in it, "" where none is named
    key: tells the menus of one base from those of another"""

    query: Mapping[str, str]
    titles: Mapping[str, str]
    notices: list[str]
    caption: str
    key: str


def links() -> None:
    """Draw what makes such a link."""
    st.write(
        "Set up a page as your class shall find it, copy its address, and choose here what of it nobody can change."
    )
    st.session_state.setdefault(PAGE, "train")
    with st.grid(2, min_column_width=300):
        page: str = st.selectbox(
            "Page", list(NAMES), format_func=str.capitalize, key=PAGE, persist_state="session",
            help="On Race, the address stands behind “Link to this set-up”.",
        )  # fmt: skip
        address = st.text_input(
            f"Address of {page.capitalize()}", key=ADDRESS, max_chars=ADDRESS_LENGTH, persist_state="session",
            on_change=_take_page, placeholder="paste it here; empty: as the page begins",
        )  # fmt: skip
    try:
        base = _base(page, address)
    except StorageError:  # busy is not gone
        raise
    except InputError as error:
        st.error(sentence(error), icon=":material/link_off:")
        return
    for notice in base.notices:
        st.warning(sentence(notice), icon=":material/link_off:")
    locked, hidden = _choices(base)
    st.markdown("**Link for the class**")
    fixed = {"lock": ",".join(locked), "hide": ",".join(hidden)}
    query = {**base.query, **{name: value for name, value in fixed.items() if value}}
    page_link(page, query)
    st.page_link(page_file(page), label="Open it as a pupil", icon=":material/open_in_new:", query_params=query)
    runs = " It names runs, so it works on this server only." if SERVER_ONLY & base.query.keys() else ""
    st.caption(
        "What is locked or hidden stays as the link says, whatever a browser sends. Whoever opens the page without the link "
        f"can change everything: it guides a class, and keeps nobody out.{runs}"
    )


def _take_page() -> None:
    """In a callback: a pasted address says which page it is of."""
    with suppress(ConfigError):  # said below the field
        page = page_and_query(st.session_state[ADDRESS])[0]
        if page in NAMES:
            st.session_state[PAGE] = page


def _base(page: str, address: str) -> Base:
    """Raises ConfigError for no address and for a network that is not here, RunError for a run that is not, StorageError."""
    if page == "train":
        train = read_address(address)
        return _with_settings(page, train.query, train.architectures, train.notices, "_".join(train.architectures))
    query = page_and_query(address)[1]
    if page == "race":  # which says itself what of its link can not be used
        named = [name.strip() for name in query.get("architecture", "").split(",")]
        architectures = [name for name in named if name in models.TABLE]
        return _with_settings(page, query, architectures, [], "_".join([page, *architectures]))
    titles = NAMES[page]
    notices = [f"The address names something that {page.capitalize()} does not read: {name[:40]!r}" for name in query
               if name not in titles]  # fmt: skip
    return Base(
        {name: value for name, value in query.items() if name in titles}, titles, notices[:MOST_NOTICES], "", page
    )


def _with_settings(page: str, query: Mapping[str, str], architectures: list[str], notices: list[str], key: str) -> Base:
    """Of a page with a form; of no network in particular, the settings that all share."""
    titles = {
        setting.name: setting.title for name in architectures or [models.RECOMMENDED] for setting in all_settings(name)
    }
    networks = ", ".join(models.title(name) for name in architectures)
    return Base(query, NAMES[page] | titles, notices, f"Networks in it: {networks}." if networks else "", key)


def _choices(base: Base) -> tuple[list[str], list[str]]:
    """Which names are locked, and which are hidden."""
    if base.caption:
        st.caption(base.caption)
    titles = base.titles
    with st.grid(2, min_column_width=300):
        locked = st.multiselect(
            "Locked: shown, but grey", list(titles), format_func=titles.__getitem__, key=f"links_lock_{base.key}",
            persist_state="session", placeholder="nothing",
        )  # fmt: skip
        hidden = st.multiselect(
            "Hidden: not shown", [name for name in titles if name not in locked], format_func=titles.__getitem__,
            key=f"links_hide_{base.key}", persist_state="session", placeholder="nothing",
        )  # fmt: skip
    return locked, hidden
