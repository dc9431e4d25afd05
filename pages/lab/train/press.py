"""What happens when something is started from the Train page."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.config import RunConfig
from core.errors import InputError
from core.runs import challenges
from pages.lab.train import link, locks
from pages.lab.train.challenge import next_name, pupils_name
from pages.lab.train.check import is_ready, valid_configs
from pages.lab.train.live import BEGUN
from pages.lab.train.settings_form import read_settings
from pages.shared.estimate import estimate_runs
from pages.shared.long_training import start_or_ask
from pages.shared.markdown import sentence
from pages.shared.services import launch, store
from pages.shared.visitor import owner

LIVE = "live"  # key of the panel with the charts
FAULT = "start_fault"  # session state: why the last press of the button below the form has started nothing
FOLD = "fold"  # session state: runs were started just now, so all that is open beside their charts is folded


def start(configs: list[RunConfig]) -> None:
    """Queue the runs at once, or ask first where they take long. Raises InputError where they can not be queued."""
    start_or_ask(LIVE, estimate_runs(configs, store().runs()), partial(_start, configs))


def _start(configs: list[RunConfig]) -> None:
    """Queue the runs, put them on the charts and into the address, and fold the form: what trains comes first."""
    challenge, name = locks.challenge(), pupils_name()
    if challenge:
        for config in configs:
            challenge.check(config)
    run_ids = launch(configs, next_name(challenge) if challenge and len(configs) == 1 else "")
    if challenge:
        challenges.enter(store(), owner(), challenge.challenge_id, run_ids, name)
    st.session_state[LIVE], st.session_state[BEGUN] = run_ids, run_ids[0]
    st.session_state[FOLD] = True
    link.show_runs(run_ids)
    st.rerun()


def press_train() -> None:
    """Start what the form says at once, before any of the page is drawn again."""
    configs, faults = valid_configs(read_settings())
    if not faults and is_ready(configs):
        try:
            start(configs)
        except InputError as error:  # what a callback draws would take the place of something else
            st.session_state[FAULT] = str(error)


def show_fault() -> None:
    """Below the button: why its last press has started nothing."""
    if fault := st.session_state.pop(FAULT, ""):
        st.error(sentence(fault), icon=":material/error:")
