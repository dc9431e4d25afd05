"""A link to a race of networks as runs trained them: ``?like=`` and the ids of runs."""

from __future__ import annotations

import streamlit as st

from core import models
from core.config import TrainingConfig
from core.data.config import DataConfig
from core.errors import InputError
from core.runs.schema import StorageError
from pages.shared.form import fill
from pages.shared.link_state import follow_once
from pages.shared.markdown import sentence
from pages.shared.networks import tick
from pages.shared.services import store


def follow() -> bool:
    """Fill the form as a link says, once, before it is drawn; whether it was. Says on screen what can not be used."""
    asked = follow_once("like", "race_form")
    if not asked:
        return False
    try:
        configs = [store().run(run_id.strip()).run_config() for run_id in asked.split(",")]
    except StorageError:  # busy is not gone
        raise
    except InputError as error:
        st.warning(f"The link can not be followed. {sentence(error)}", icon=":material/link_off:")
        return False
    st.session_state.update({"race_kind": "race", "race_who_race": "networks"})
    for config in reversed(configs):  # what all share is taken from the first
        values = config.flat()
        fill(DataConfig, "race_data", values)
        fill(TrainingConfig, "race_training", values)
        fill(models.get(config.architecture).config, f"race_{config.architecture}", values)
    tick([config.architecture for config in configs], "race_networks")
    return True
