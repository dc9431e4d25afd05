"""Train: choose networks, set how they learn, press one button, watch."""

from __future__ import annotations

import streamlit as st

from core import data, models
from core.config import RunConfig, TrainingConfig, run_config
from core.data.config import DataConfig
from core.errors import ConfigError, InputError
from pages.parts import link
from pages.parts.estimate import seconds
from pages.parts.experiments import experiments
from pages.parts.finder import lr_finder
from pages.parts.form import config_form, more_settings
from pages.parts.lesson import lesson
from pages.parts.live import live_panel
from pages.parts.networks import pick_networks
from pages.parts.run_table import run_table
from pages.parts.services import get_ready, launch, store
from pages.parts.status import duration
from pages.parts.words import inert

LIVE, SETTINGS, READY_MADE, FINDER = "live", "settings", "ready_made", "finder"
LISTED = 3  # networks whose costs stand on the page; more of them are folded


def start(configs: list[RunConfig]) -> None:
    """Queue the runs, put them on the charts and fold away what stands above, so that the charts come into view."""
    try:
        started = launch(configs)
    except InputError as error:
        st.error(inert(error), icon=":material/error:")
    else:
        st.session_state[LIVE] = started
        st.session_state["fold"] = True
        st.rerun()


def settings_form() -> dict[str, dict[str, object]]:
    """Every setting of every ticked network: architecture -> values by name."""
    listed = data.available()
    absent = {one.name: one.title for one in listed if not one.present}
    suggested = {"dataset": "digits" if "mnist" in absent else "mnist"}
    data_place = st.container()
    chosen = pick_networks()
    places = st.tabs([models.title(name) for name in chosen]) if len(chosen) > 1 else [st.container() for _ in chosen]
    training_place, more = st.container(), more_settings("train_more")
    with data_place:
        shared = config_form(DataConfig, link.DATA, suggested=suggested, more=more, heading="Images")
        if shared["dataset"] in absent:
            st.info(f"{absent[shared['dataset']]} is not on this computer yet.", icon=":material/download:")
            st.page_link("pages/learn/data.py", label="Get it on the Data page", icon=":material/arrow_forward:")
    with training_place:
        st.markdown("**Learning**")
        shared |= config_form(TrainingConfig, link.TRAINING, more=more, heading="Learning")
    values: dict[str, dict[str, object]] = {}
    for name, place in zip(chosen, places, strict=True):
        with place:
            if len(chosen) == 1:
                st.markdown(f"**{models.title(name)}**")
                own = config_form(models.get(name).config, link.model_key(name), more=more, heading=models.title(name))
            else:  # a tab names its network, and keeps all that is only about it
                own = config_form(models.get(name).config, link.model_key(name))
            about = st.popover("What is this network?", icon=":material/school:")
            about.markdown(f"#### {models.title(name)}\n{lesson(name)}")
        values[name] = own | shared
    return values


def checked(values: dict[str, dict[str, object]]) -> list[RunConfig]:
    """The configs with what they cost, or what is wrong with them, on screen; [] when nothing can be trained."""
    from core.engine.device import preflight

    configs, errors, total = [], {}, 0.0
    runs = store().runs()
    each = st.container() if len(values) <= LISTED else st.expander("What each of them costs")
    for name, given in values.items():
        try:
            config = run_config(name, given)
            preflight(config)
            n_params = models.get(name).n_params(config.model)
        except ConfigError as error:
            errors[str(error)] = name
            continue
        configs.append(config)
        guess = seconds(config, n_params, runs)
        total += guess[0] if guess else 0.0
        took = f"about {duration(guess[0])} of computing ({guess[1]})" if guess else "time unknown until the first run"
        each.markdown(f"**{models.title(name)}**: {n_params:,} parameters, {took}")
    if len(configs) > 1 and total:
        st.caption(f"Together about {duration(total)}: they share this computer and race side by side, two at a time.")
    for sentence in errors:
        st.error(inert(sentence), icon=":material/error:")
    return [] if errors else configs


@st.fragment
def setting_up() -> None:
    """The form, what it would cost, and the button. A part of its own: a moved slider draws nothing else anew."""
    with st.expander("Settings", expanded=True, key=SETTINGS, on_change="rerun"):
        chosen = settings_form()
    wanted = checked(chosen)
    finding = st.expander("Find a learning rate", key=FINDER, on_change="rerun")
    if finding.open:
        with finding:
            lr_finder(wanted, SETTINGS)
    here = {one.name for one in data.available() if one.present}
    ready = bool(wanted) and wanted[0].data.dataset in here
    label = "Train" if len(wanted) < 2 else f"Train {len(wanted)} networks"
    if st.button(
        label, type="primary", icon=":material/play_arrow:", shortcut="mod+enter", disabled=not ready, key="train"
    ):
        start(wanted)
    link.write(wanted)


st.title("Train")
st.markdown("Choose one or more networks, decide how they learn, and watch them do it.")
with st.spinner("Getting the networks ready …"):
    get_ready()
for notice in link.follow():
    st.warning(inert(notice), icon=":material/link_off:")
folded = st.session_state.pop("fold", False)
if folded:
    st.session_state[READY_MADE] = False
ready_made = st.expander("Ready-made experiments", key=READY_MADE, on_change="rerun")
if ready_made.open:
    with ready_made:
        experiments(start, SETTINGS)
shows_runs = "run" in st.query_params and "architecture" not in st.query_params
if folded or shows_runs:
    st.session_state[SETTINGS] = False
setting_up()
live_panel(LIVE)
run_table("table", LIVE)
