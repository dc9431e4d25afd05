"""When a part of a page that draws itself anew has to give way to the whole page."""

from __future__ import annotations

import streamlit as st


def redraw_page_if_changed(before: object, now: object) -> None:
    """In a fragment: draw the whole page once when something began or ended since it was drawn, for its menus, buttons and
    switches depend on that, too.

    before: what the page was drawn for, such as the status of each run · now: the same, as the store says it at present
    """
    if now != before:
        st.rerun()
