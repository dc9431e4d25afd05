"""Inside: what a network makes of a digit, layer by layer, and what speaks for its answer."""

from __future__ import annotations

import streamlit as st

from pages.lab.inside.views import linked_view, show, showable_in
from pages.shared.as_seen import show_shuffled
from pages.shared.digit_choice import pick_digit
from pages.shared.inside_link import MAX_RUNS
from pages.shared.locks import show_locks
from pages.shared.run_picker import first_choice, pick_runs
from pages.shared.services import store

st.title("Inside")
st.write("See what a network makes of a digit, layer by layer, and what speaks for its answer.")
show_locks()
view = linked_view()
image = pick_digit()
showable = showable_in(view, store().runs())
runs = pick_runs(
    "inside_runs",
    MAX_RUNS,
    label="Networks",
    start=first_choice(showable)[:1],
    showable={run.run_id for run in showable},
)
if runs:
    show_shuffled(runs, image)
    show(runs, image)
