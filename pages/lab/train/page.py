"""Train: choose networks, set how they learn, press one button, watch."""

from __future__ import annotations

import streamlit as st

from pages.lab.train import link
from pages.lab.train.check import check, is_ready
from pages.lab.train.experiments import experiments
from pages.lab.train.finder import lr_finder
from pages.lab.train.live import live_panel
from pages.lab.train.press import FOLD, LIVE, press_train, start
from pages.lab.train.run_table import run_table
from pages.lab.train.settings_form import draw_settings, read_settings
from pages.shared.long_training import ask
from pages.shared.markdown import escape_markdown
from pages.shared.services import get_ready

READY_MADE, SETTINGS, FINDER = "ready_made", "settings", "finder"  # keys of the expanders


@st.fragment
def setting_up() -> None:
    """The form, what it would cost, and the button. A part of its own: a moved slider draws nothing else anew."""
    place = st.expander("Settings", expanded=True, key=SETTINGS, on_change="rerun")
    result = check(read_settings())  # before the form is drawn: it is what a moved slider is waited for
    configs = result.configs
    if place.open:  # else the browser would draw two dozen widgets that nobody sees
        with place:
            draw_settings()
    finder = st.expander("Find a learning rate", key=FINDER, on_change="rerun")
    if finder.open:
        with finder:
            lr_finder(configs, SETTINGS)
    label = "Train" if len(configs) < 2 else f"Train {len(configs)} networks"
    st.button(
        label, type="primary", icon=":material/play_arrow:", shortcut="mod+enter", disabled=not is_ready(configs),
        key="train", on_click=press_train,
    )  # fmt: skip
    link.write(configs)
    result.add_times()


st.title("Train")
st.markdown("Choose one or more networks, decide how they learn, and watch them do it.")
with st.spinner("Getting the networks ready …"):
    get_ready()
for notice in link.follow():
    st.warning(escape_markdown(notice), icon=":material/link_off:")
has_started = st.session_state.pop(FOLD, False)
if has_started:
    st.session_state[READY_MADE] = False
ready_made = st.expander("Ready-made experiments", key=READY_MADE, on_change="rerun")
if ready_made.open:
    with ready_made:
        experiments(start, SETTINGS)
shows_runs = "run" in st.query_params and "architecture" not in st.query_params
if has_started or shows_runs:
    st.session_state[SETTINGS] = False
setting_up()
live_panel(LIVE)
run_table("table", LIVE)
ask(LIVE)
