"""A link to a race that is not run yet, which fills the form: ``?like=`` and the ids of runs, for their networks as they were
trained; or ``?architecture=gru,lstm&lr=0.003``, for networks with settings that all share. With one network, ``setting`` names
what it competes in, and ``values`` with which: ``?architecture=mlp&setting=widths&values=16;512``.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core import models
from core.analysis.verdicts import fewest_seeds
from core.compare.forecast import contestant_pairs
from core.config import TrainingConfig, all_settings
from core.data.config import DataConfig
from core.errors import InputError
from core.fields import Setting
from core.runs.schema import StorageError
from pages.lab.race.rules import MOST_SEEDS
from pages.shared.form import fill, from_link
from pages.shared.link_state import follow_once, follow_query_once
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.networks import tick
from pages.shared.services import store

_OTHER = ("like", "group", "run")  # parameters that say nothing about networks and settings
_NOT_QUICK = ("n_train", "val_fraction", "epochs", "max_steps")  # what a quick race sets itself


def follow() -> bool:
    """Fill the form as a link says, once, before it is drawn; whether it was. Says on screen what can not be used."""
    asked = follow_once("like", "race_form")
    if not asked:
        return _follow_settings()
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


def _follow_settings() -> bool:
    parameters = follow_query_once("race_settings", without=_OTHER)
    if "architecture" not in parameters or "vary" in parameters:  # the latter is a grid's (``grid_link``)
        return False
    asked = [name.strip() for name in parameters.pop("architecture").split(",")]
    setting_name, values_text = parameters.pop("setting", ""), parameters.pop("values", "")
    names = [name for name in dict.fromkeys(asked) if name in models.TABLE]
    notices = [f"The link asks for a network that is not here: {name[:40]!r}." for name in asked if name not in names]
    for name in reversed(names):  # what all share is taken from the first
        valid, sentences = from_link(name, parameters)
        values = {setting.name: setting.default for setting in all_settings(name)} | valid
        fill(DataConfig, "race_data", values)
        fill(TrainingConfig, "race_training", values)
        fill(models.get(name).config, f"race_{name}", values)
        notices += sentences
    declared = [setting for name in names for setting in all_settings(name)]
    keys = {key for setting in declared for key in (setting.name, *setting.old_names)}
    notices += [
        f"The link names a setting that is not here: {key[:40]!r}." for key in parameters if names and key not in keys
    ]
    if names:
        _choose(names, parameters)
        _take_enough_seeds(max(len(names), len(values_text.replace(";", ",").split(","))))
    if names and setting_name:
        notices += _compete_in(names, setting_name, values_text)
    for text in dict.fromkeys(notices):
        st.warning(escape_markdown(text), icon=":material/link_off:")
    return bool(names)


def _choose(names: list[str], parameters: Mapping[str, str]) -> None:
    """Tick the networks; who says how long they learn, or on how many images, asks for no quick race."""
    st.session_state.update({"race_kind": "race", "race_who_race": "networks"})
    if any(name in parameters for name in _NOT_QUICK):
        st.session_state.update({"race_length": "full", "race_budget": "none"})
    tick(names, "race_networks")


def _take_enough_seeds(n_contestants: int) -> None:
    """As many as a verdict needs, and as the form has."""
    fewest = fewest_seeds(contestant_pairs(n_contestants))
    st.session_state["race_seeds"] = min(fewest, MOST_SEEDS)


def _compete_in(names: list[str], setting_name: str, values_text: str) -> list[str]:
    """Let one network compete with several values of a setting; a sentence for what of it can not be."""
    setting = next((setting for setting in all_settings(names[0]) if setting.name == setting_name), None)
    if setting is None or len(names) > 1:
        return [f"The link lets {', '.join(names)} compete in {setting_name[:40]!r}, which can not be."]
    st.session_state.update({"race_who_race": "settings", "race_network": names[0]})
    st.session_state[f"race_setting_{names[0]}"] = setting.name
    return _put_values(setting, values_text) if values_text and setting.kind != "bool" else []


def _put_values(setting: Setting, text: str) -> list[str]:
    key = f"race_values_{setting.name}"
    if setting.kind != "choice":  # the form checks what stands in its field
        st.session_state[key] = text
        return []
    values = text.split(",")
    if strangers := [value for value in values if value not in map(str, setting.choices)]:
        return [f"The link's value can not be used: {setting.title} is {strangers[0][:40]!r}."]
    st.session_state[key] = [choice for choice in setting.choices if str(choice) in values]
    return []
