"""Train: choose networks, set how they learn, press one button, watch; what is watched stands above everything else."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.lab.train import link
from pages.lab.train.challenge import runs_to_show
from pages.lab.train.experiments import experiments
from pages.lab.train.fixed import is_anything_fixed, show_fixed
from pages.lab.train.import_run import import_run
from pages.lab.train.live import live_panel
from pages.lab.train.press import FOLD, LIVE, start
from pages.lab.train.run_table import run_table
from pages.lab.train.set_up import CHANGE, SETTINGS, setting_up, setting_up_again
from pages.shared.long_training import ask
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.watch import watch_start

READY_MADE = "ready_made"  # key of the expander


def ready_made(unfold: str) -> None:
    """The experiments with a name, folded; none where settings are fixed. unfold: key of what holds the form"""
    if is_anything_fixed():
        return
    place = st.expander("Ready-made experiments", key=READY_MADE, on_change="rerun")
    if place.open:
        with place:
            experiments(start, unfold)


def warn_of(notices: Sequence[str]) -> None:
    """Say what of a link can not be used."""
    for notice in notices:
        st.warning(escape_markdown(notice), icon=":material/link_off:")


st.title("Train")
if st.session_state.pop(FOLD, False):
    st.session_state.update({READY_MADE: False, CHANGE: False})
if fault := link.follow_challenge():
    st.warning(f"The link can not be followed. {sentence(fault)}", icon=":material/link_off:")
if link.is_about_runs():
    warn_of(link.follow_beside_runs())
    show_fixed()
    st.markdown("Dotted: how well it does on the images it learns from. Solid: on images kept aside.")
    live_panel(LIVE, comes_first=True, among=runs_to_show())
    if not st.session_state.get(CHANGE):  # nobody is changing anything
        link.fill_like(st.session_state.get(LIVE, ()))
    setting_up_again()
    ready_made(CHANGE)
else:
    st.markdown("Choose one or more networks, decide how they learn, and watch them do it.")
    warn_of(link.follow())
    show_fixed()
    ready_made(SETTINGS)
    setting_up()
    live_panel(LIVE, among=runs_to_show())
run_table("table", LIVE, among=runs_to_show())
import_run()
ask(LIVE)
watch_start(".st-key-train button:enabled, [class*=st-key-start_] button", "Waits to start …", "train_start")
