"""The base run of a new challenge: its settings as fields, or taken from the address of a Train page."""

from __future__ import annotations

import streamlit as st

from core import data, models
from core.config import RunConfig, TrainingConfig, run_config
from core.data.config import DataConfig
from core.data.split import n_set_aside
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from core.runs.challenges import SET_ASIDE, Terms, base_config
from core.runs.schema import StorageError
from pages.learn.teachers.train_address import ADDRESS_LENGTH, read_address
from pages.shared.estimate import estimate_runs
from pages.shared.form import draw_form, fill, more_settings, read_form
from pages.shared.markdown import sentence
from pages.shared.services import count_images, store

FIRST_IMAGES = 5_000  # of a large dataset: thirty pupils share a server
START = "mlp"
NETWORK, ADDRESS, NOTICES = "challenge_network", "challenge_address", "challenge_notices"  # the last: session state
DATA, TRAINING, MODEL = "challenge_data", "challenge_training", "challenge_model"  # prefixes of keys
FOLD, MORE = "challenge_settings", "challenge_more"  # keys of expanders


def base_run(terms: Terms) -> RunConfig:
    """What the fields say, drawn or folded. Raises InputError where it can not be trained here."""
    from core.machine.device import checked_configs

    name = st.session_state.get(NETWORK, START)
    values = read_form(DataConfig, DATA, suggested=_suggested()) | read_form(TrainingConfig, TRAINING)
    with faults_as_input_errors():
        config = run_config(name, values | read_form(models.get(name).config, f"{MODEL}_{name}"))
        return checked_configs([base_config(config, terms)], count_images)[0]


def draw_base_run() -> None:
    """The fields, those that few people change folded."""
    st.markdown("**The base run**")
    st.session_state.setdefault(NETWORK, START)
    name = st.selectbox(
        "Network", list(models.TABLE), format_func=models.title, key=NETWORK, persist_state="session", width=480
    )
    fold = st.expander("Its settings", key=FOLD, on_change="rerun")
    if fold.open:
        with fold:
            _draw_settings(name)
    for notice in st.session_state.pop(NOTICES, ()):
        st.warning(sentence(notice), icon=":material/link_off:")


def base_run_sentence(config: RunConfig) -> str:
    """What will be trained, and for how long."""
    n_params = models.get(config.architecture).n_params(config.model)
    n_images = config.data.n_train
    images = f"{n_images:,} images of" if n_images else "all training images of"
    time = estimate_runs([config], store().runs())
    epochs, n = config.training.epochs, count_images(config.data.dataset)
    return (
        f"The base run: {models.title(config.architecture)} with {n_params:,} parameters learns from {images} "
        f"{data.DATASETS[config.data.dataset].phrase} for {epochs:,} epoch{'' if epochs == 1 else 's'}"
        f"{f', {time}' if time else ''}. For the board, {100 * config.data.set_aside:g} % of all training images are set "
        f"aside{f', {n_set_aside(n, config.data):,} images' if n else ''}: no network of the challenge learns "
        "from them, and the more they are, the smaller a gain can be told from luck. How many is a choice below “Its settings”."
    )


def _draw_settings(name: str) -> None:
    st.text_input(
        "Take them from a Train page", key=ADDRESS, max_chars=ADDRESS_LENGTH, on_change=_take,
        placeholder="paste its address here", help="Set up a training there, and copy what stands in the address line.",
    )  # fmt: skip
    basic, more = st.container(), more_settings(MORE)
    with basic:
        draw_form(DataConfig, DATA, suggested=_suggested(), more=more, heading="Images")
        draw_form(TrainingConfig, TRAINING, more=more, heading="Learning", hidden=("start_from",))
        draw_form(models.get(name).config, f"{MODEL}_{name}", more=more, heading=models.title(name))


def _take() -> None:
    """In a callback: fill the fields from an address; what of it can not be used is said below them."""
    address = st.session_state[ADDRESS].strip()
    if not address:
        return
    st.session_state[ADDRESS] = ""
    try:
        _, _, config, notices = read_address(address)
    except StorageError:  # busy is not gone
        raise
    except InputError as error:
        st.session_state[NOTICES] = (str(error),)
        return
    values = config.flat()
    st.session_state[NETWORK] = config.architecture
    fill(DataConfig, DATA, values)
    fill(TrainingConfig, TRAINING, values)
    fill(models.get(config.architecture).config, f"{MODEL}_{config.architecture}", values)
    st.session_state[NOTICES] = tuple(notices)


def _suggested() -> dict[str, object]:
    name = data.suggested_dataset()
    suggested: dict[str, object] = {"dataset": name, "set_aside": SET_ASIDE}
    return suggested if name == data.EMBEDDED else suggested | {"n_train": FIRST_IMAGES}
