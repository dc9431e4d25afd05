"""Train: choose networks, set how they learn, press one button, watch."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core import data, models, presets
from core.config import RunConfig, TrainingConfig, run_config
from core.data.config import DataConfig
from core.errors import ConfigError, InputError
from pages.parts import link
from pages.parts.estimate import seconds
from pages.parts.form import config_form
from pages.parts.live import live_panel
from pages.parts.run_table import run_table
from pages.parts.services import get_ready, launch, store
from pages.parts.status import duration
from pages.parts.words import inert

LIVE = "live"
LESSONS = Path(__file__).parents[2] / "assets" / "lessons"


def start(configs: list[RunConfig]) -> None:
    """Queue the runs, put them on the charts and fold the settings away, so that the charts come into view."""
    try:
        started = launch(configs)
    except InputError as error:
        st.error(inert(error), icon=":material/error:")
    else:
        st.session_state[LIVE] = started
        st.session_state["fold"] = True
        st.rerun()


def ready_made() -> None:
    """The presets: each starts as it is, or fills the form where it fits into it."""
    present = {one.name for one in data.available() if one.present}
    with st.grid(2, min_column_width=320):
        for preset in presets.PRESETS.values():
            with st.container(border=True, height="stretch"):
                configs = preset.configs()
                needs = {config.data.dataset for config in configs} - present
                st.markdown(f"**{preset.title}**")
                st.caption(preset.sentence)
                if needs:
                    st.page_link(
                        "pages/learn/data.py", label="Get its images on the Data page", icon=":material/download:"
                    )
                    continue
                with st.container(horizontal=True):
                    if st.button("Start", key=f"start_{preset.id}", icon=":material/play_arrow:"):
                        start(configs)
                    if len({config.architecture for config in configs}) == len(configs):
                        st.button("Fill in the form", key=f"fill_{preset.id}", on_click=link.fill_form, args=(configs,))


def lesson(name: str) -> str:
    """The lesson about an architecture, one heading level further down."""
    text = (LESSONS / f"{name}.md").read_text(encoding="utf-8")
    return text.replace("# ", "#### ", 1)


def settings_form() -> dict[str, dict[str, object]]:
    """Every setting of every ticked network: architecture -> values by name."""
    listed = data.available()
    absent = {one.name: one.title for one in listed if not one.present}
    suggested = {"dataset": "digits" if "mnist" in absent else "mnist"}
    data_place, networks_place = st.columns([1, 2])
    st.session_state.setdefault(link.NETWORKS, ["mlp"])
    networks = networks_place.pills(
        "Networks", list(models.TABLE), selection_mode="multi", format_func=models.title, wrap=True,
        key=link.NETWORKS, persist_state="session",
        help="Tick several to compare them: one run each, with the same images, the same order and the same seed.",
    )  # fmt: skip
    chosen = [name for name in models.TABLE if name in networks]
    places = st.tabs([models.title(name) for name in chosen]) if len(chosen) > 1 else [st.container() for _ in chosen]
    training_place, more = st.container(), st.expander("More settings")
    with data_place:
        shared = config_form(DataConfig, link.DATA, suggested=suggested, more=more, heading="Images")
        if shared["dataset"] in absent:
            st.info(f"{absent[shared['dataset']]} is not on this computer yet.", icon=":material/download:")
            st.page_link("pages/learn/data.py", label="Get it on the Data page", icon=":material/arrow_forward:")
    with training_place:
        shared |= config_form(TrainingConfig, link.TRAINING, more=more, heading="Learning")
    values: dict[str, dict[str, object]] = {}
    for name, place in zip(chosen, places, strict=True):
        with place:
            own = config_form(models.get(name).config, link.model_key(name), more=more, heading=models.title(name))
            st.popover("What is this network?", icon=":material/school:").markdown(lesson(name))
        values[name] = own | shared
    return values


def checked(values: dict[str, dict[str, object]]) -> list[RunConfig]:
    """The configs with what they cost, or what is wrong with them, on screen; [] when nothing can be trained."""
    from core.engine.device import count_parameters, preflight

    configs, errors, total = [], {}, 0.0
    runs = store().runs()
    for name, given in values.items():
        try:
            config = run_config(name, given)
            preflight(config)
            n_params = count_parameters(config)
        except ConfigError as error:
            errors[str(error)] = name
            continue
        configs.append(config)
        guess = seconds(config, n_params, runs)
        total += guess[0] if guess else 0.0
        took = f"about {duration(guess[0])} of computing ({guess[1]})" if guess else "time unknown until the first run"
        st.markdown(f"**{models.title(name)}**: {n_params:,} parameters, {took}")
    if len(configs) > 1 and total:
        st.caption(f"Together about {duration(total)}: they share this computer and race side by side, two at a time.")
    for sentence in errors:
        st.error(inert(sentence), icon=":material/error:")
    return [] if errors else configs


st.title("Train")
st.markdown("Choose one or more networks, decide how they learn, and watch them do it.")
with st.spinner("Getting the networks ready …"):
    get_ready()
for notice in link.follow():
    st.warning(inert(notice), icon=":material/link_off:")
with st.expander("Ready-made experiments"):
    ready_made()
shows_runs = "run" in st.query_params and "architecture" not in st.query_params
if st.session_state.pop("fold", False) or shows_runs:
    st.session_state["settings"] = False
with st.expander("Settings", expanded=True, key="settings", on_change="rerun"):
    chosen = settings_form()
wanted = checked(chosen)
here = {one.name for one in data.available() if one.present}
ready = bool(wanted) and wanted[0].data.dataset in here
label = "Train" if len(wanted) < 2 else f"Train {len(wanted)} networks"
if st.button(
    label, type="primary", icon=":material/play_arrow:", shortcut="mod+enter", disabled=not ready, key="train"
):
    start(wanted)
link.write(wanted)
live_panel(LIVE)
run_table("table", LIVE)
