"""Which architectures stand side by side: by the menu, or once by a link."""

from __future__ import annotations

from types import MappingProxyType

import streamlit as st

from core import models
from pages.shared.link_state import follow_once, linked_widget, remember
from pages.shared.markdown import escape_markdown

CHOICE = "architectures"
PARTS = MappingProxyType(  # name in a link -> title of the tab
    {
        "picture": "How an image goes through",
        "layers": "Layer by layer",
        "settings": "Settings at default",
        "about": "About",
    }
)
MAX_NETWORKS = 3  # side by side
START = ("mlp", "cnn")


def choose() -> list[str]:
    """The architectures to show side by side, by the menu or once by a link, in the address as well."""
    if linked := follow_once(CHOICE, CHOICE):
        _follow(linked)
    st.session_state.setdefault(CHOICE, list(START))
    names: list[str] = linked_widget(
        CHOICE, st.multiselect, "Networks", list(models.TABLE), format_func=models.title, key=CHOICE,
        max_selections=MAX_NETWORKS, help=f"Up to {MAX_NETWORKS} side by side.",
    )  # fmt: skip
    remember(CHOICE, CHOICE, ",".join(names))
    return names


def _follow(linked: str) -> None:
    """Choose what a link asks for; says on screen what of it can not be had."""
    named = list(dict.fromkeys(part.strip() for part in linked.split(",")))
    there = [name for name in named if name in models.TABLE]
    missing = [name for name in named if name not in models.TABLE]
    if missing:
        more = f" ({len(missing) - 1:,} more like it)" if len(missing) > 1 else ""
        text = f"The link asks for a network that is not here: {missing[0][:40]!r}{more}."
        st.warning(escape_markdown(text), icon=":material/link_off:")
    if len(there) > MAX_NETWORKS:
        st.warning(
            f"The link asks for {len(there)} networks; {MAX_NETWORKS} fit side by side.", icon=":material/link_off:"
        )
    if there:
        st.session_state[CHOICE] = there[:MAX_NETWORKS]
