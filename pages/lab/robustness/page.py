"""Robustness: what trained networks still read when digits are moved, turned, noisy or otherwise not as they learned them."""

from __future__ import annotations

import streamlit as st

from pages.lab.robustness.first_choice import chosen_first
from pages.lab.robustness.views import linked_view, show
from pages.shared.locks import show_locks
from pages.shared.robustness_link import MAX_RUNS
from pages.shared.run_picker import pick_runs
from pages.shared.services import store

st.title("Robustness")
st.write(
    "See where networks stop being right: on digits that are moved, turned or noisy, and after a part of them is gone."
)
show_locks()
linked_view()
runs = pick_runs("robustness_runs", MAX_RUNS, start=chosen_first(store().runs()))
if runs:
    show(runs)
