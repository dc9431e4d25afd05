"""Mistakes: which digits trained networks misread, how sure they were about them, and which ones all of them misread."""

from __future__ import annotations

import streamlit as st

from core.machine.threads import use_one_thread
from pages.lab.mistakes import views

st.title("Mistakes")
st.write("See which digits a network misreads, and how sure it was about them.")
use_one_thread()
views.show()
