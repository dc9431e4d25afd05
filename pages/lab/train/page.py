"""Train: choose networks, set how they learn, press one button, watch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import data, models
from core.config import RunConfig, TrainingConfig, run_config
from core.data.config import DataConfig
from core.errors import ConfigError, InputError
from pages.lab.train import link
from pages.lab.train.experiments import experiments
from pages.lab.train.finder import lr_finder
from pages.lab.train.live import BEGUN, live_panel
from pages.lab.train.run_table import run_table
from pages.shared.estimate import seconds
from pages.shared.form import draw_form, more_settings, read_form
from pages.shared.lesson import lesson
from pages.shared.markdown import escape_markdown
from pages.shared.networks import pick_networks, ticked_networks
from pages.shared.services import get_ready, launch, store
from pages.shared.status import duration

LIVE, SETTINGS, READY_MADE, FINDER = "live", "settings", "ready_made", "finder"
LISTED = 3  # networks whose costs stand on the page; more of them are folded


def start(configs: list[RunConfig]) -> None:
    """Queue the runs, put them on the charts and fold away what stands above, so that the charts come into view."""
    try:
        started = launch(configs)
    except InputError as error:
        st.toast(escape_markdown(error), icon=":material/error:")
    else:
        st.session_state[LIVE], st.session_state[BEGUN] = started, started[0]
        st.session_state["fold"] = True
        st.rerun()


def press() -> None:
    """Start what the form says at once, before any of the page is drawn again."""
    configs, errors = configured(set_values())
    if not errors and is_ready(configs):
        start(configs)


def absent() -> dict[str, str]:
    """The datasets that are not here: name -> title."""
    return {name: entry.title for name, entry in data.DATASETS.items() if not entry.is_present()}


def suggested() -> dict[str, str]:
    return {"dataset": data.suggested_dataset()}


def set_values() -> dict[str, dict[str, object]]:
    """What the form says, drawn or folded: every setting of every ticked network, architecture -> values by name."""
    shared = read_form(DataConfig, link.DATA, suggested=suggested()) | read_form(TrainingConfig, link.TRAINING)
    return {name: read_form(models.get(name).config, link.model_key(name)) | shared for name in ticked_networks()}


def settings_form() -> None:
    """The widgets for all of that."""
    data_place = st.container()
    chosen = pick_networks()
    places = st.tabs([models.title(name) for name in chosen]) if len(chosen) > 1 else [st.container() for _ in chosen]
    training_place, more = st.container(), more_settings("train_more")
    with data_place:
        draw_form(DataConfig, link.DATA, suggested=suggested(), more=more, heading="Images")
        if missing := absent().get(read_form(DataConfig, link.DATA)["dataset"]):
            st.info(f"{missing} is not on this computer yet.", icon=":material/download:")
            st.page_link("pages/learn/data/page.py", label="Get it on the Data page", icon=":material/arrow_forward:")
    with training_place:
        st.markdown("**Learning**")
        draw_form(TrainingConfig, link.TRAINING, more=more, heading="Learning")
    for name, place in zip(chosen, places, strict=True):
        with place:
            if len(chosen) == 1:
                st.markdown(f"**{models.title(name)}**")
                draw_form(models.get(name).config, link.model_key(name), more=more, heading=models.title(name))
            else:  # a tab names its network, and keeps all that is only about it
                draw_form(models.get(name).config, link.model_key(name))
            about = st.popover("What is this network?", icon=":material/school:")
            about.markdown(f"#### {models.title(name)}\n{lesson(name)}")


def is_ready(configs: list[RunConfig]) -> bool:
    """Whether there is something to train, and something to train it on."""
    return bool(configs) and configs[0].data.dataset not in absent()


def configured(values: dict[str, dict[str, object]]) -> tuple[list[RunConfig], list[str]]:
    """The configs, and what is wrong with the others: a sentence once, however many networks it is about."""
    from core.machine.device import preflight

    configs: list[RunConfig] = []
    errors: list[str] = []
    for name, given in values.items():
        try:
            config = run_config(name, given)
            preflight(config)
        except ConfigError as error:
            errors.append(str(error))
        else:
            configs.append(config)
    return configs, list(dict.fromkeys(errors))


def checked(values: dict[str, dict[str, object]]) -> tuple[list[RunConfig], Callable[[], None]]:
    """The configs with their sizes, or what is wrong with them, on screen; [] when nothing can be trained.

    Also what puts beside them how long they will take: it comes last, for a network that is new here is timed for that.
    """
    configs, errors = configured(values)
    each = st.container() if len(values) <= LISTED else st.expander("What each of them costs")
    lines = [each.container(horizontal=True, vertical_alignment="center") for _ in configs]
    for config, line in zip(configs, lines, strict=True):
        n_params = models.get(config.architecture).n_params(config.model)
        line.markdown(f"**{models.title(config.architecture)}**: {n_params:,} parameters", width="content")
    together = st.empty()
    for sentence in errors:
        st.error(escape_markdown(sentence), icon=":material/error:")
    return [] if errors else configs, partial(tell_times, configs, lines, together)


def tell_times(configs: list[RunConfig], lines: list[DeltaGenerator], together: DeltaGenerator) -> None:
    """How long each of them will take, beside its size, and all of them."""
    total: float | None = 0.0
    runs = store().runs()
    for config, line in zip(configs, lines, strict=True):
        guess = seconds(config, models.get(config.architecture).n_params(config.model), runs)
        total = total + guess[0] if guess and total is not None else None
        took = f"about {duration(guess[0])} of computing ({guess[1]})" if guess else "time unknown until the first run"
        line.caption(took, width="content")
    if len(configs) > 1 and total:
        together.caption(
            f"Together about {duration(total)}: they share this computer and race side by side, two at a time."
        )


@st.fragment
def setting_up() -> None:
    """The form, what it would cost, and the button. A part of its own: a moved slider draws nothing else anew."""
    place = st.expander("Settings", expanded=True, key=SETTINGS, on_change="rerun")
    wanted, say_how_long = checked(set_values())  # before the form is drawn: it is what a moved slider is waited for
    if place.open:  # else the browser would draw two dozen widgets that nobody sees
        with place:
            settings_form()
    finding = st.expander("Find a learning rate", key=FINDER, on_change="rerun")
    if finding.open:
        with finding:
            lr_finder(wanted, SETTINGS)
    label = "Train" if len(wanted) < 2 else f"Train {len(wanted)} networks"
    st.button(
        label, type="primary", icon=":material/play_arrow:", shortcut="mod+enter", disabled=not is_ready(wanted), key="train",
        on_click=press,
    )  # fmt: skip
    link.write(wanted)
    say_how_long()


st.title("Train")
st.markdown("Choose one or more networks, decide how they learn, and watch them do it.")
with st.spinner("Getting the networks ready …"):
    get_ready()
for notice in link.follow():
    st.warning(escape_markdown(notice), icon=":material/link_off:")
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
