"""What holds for every page in the browser: one step back is one page back, and what Streamlit's own look leaves out."""

from __future__ import annotations

import streamlit as st

from pages.shared.component import component


def surround() -> None:
    """Called once before a page is drawn; shows nothing. ``assets/frame.js`` and ``frame.css`` say what it does."""
    component("frame")(key="frame")
    # The browser lets a new page begin with the parameters of the one before; this tells it which ones the page really has.
    st.query_params.from_dict(st.query_params.to_dict())
