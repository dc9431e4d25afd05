"""Race: set up a fair comparison, watch the curves grow side by side, read what can be said and what can not."""

from __future__ import annotations

import streamlit as st

from core.runs.groups import groups
from pages.lab.race.follow import follow
from pages.lab.race.group_view import group_view, pick_group, show
from pages.lab.race.plan import SET_UP, STARTED, set_up
from pages.shared.long_training import ask
from pages.shared.services import get_ready, store

st.title("Race")
st.markdown("Let networks compete under the same conditions, with enough seeds to tell skill from luck.")
with st.spinner("Getting the networks ready …"):
    get_ready()
if follow():
    st.session_state[SET_UP] = True
if st.session_state.pop("race_started", False):
    st.session_state[SET_UP] = False
setting_up = st.expander("Set up a race", expanded=not groups(store()), key=SET_UP, on_change="rerun")
if setting_up.open:
    with setting_up:
        set_up()
if started := st.session_state.pop(STARTED, None):
    show(started)
    st.session_state["race_started"] = True
    st.rerun()
picked = pick_group()
if picked:
    group_view(picked)
ask(SET_UP)
