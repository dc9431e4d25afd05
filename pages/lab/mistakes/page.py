"""Mistakes: which digits trained networks misread, how sure they were about them, and which ones all of them misread."""

from __future__ import annotations

import streamlit as st

from core.machine.threads import use_one_thread
from pages.lab.mistakes.views import pick_view, show
from pages.shared.locks import show_locks

st.title("Mistakes")
with st.container(horizontal=True, vertical_alignment="center"):
    st.markdown("See which digits a network misreads, and how sure it was.", width="content")
    view = pick_view()
show_locks()
use_one_thread()
show(view)
