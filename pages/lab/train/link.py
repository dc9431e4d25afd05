"""The Train page's settings in its address: whoever opens the link finds the form filled in the same way.

``?architecture=cnn&lr=0.01`` holds what differs from the defaults. With several networks, what only one of them has is
named with it: ``?architecture=mlp,cnn&cnn.kernel=5``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core import models
from core.config import RunConfig, TrainingConfig, all_settings, sections
from core.data.config import DataConfig
from core.fields import settings
from pages.shared.form import fill, from_link
from pages.shared.networks import tick

DATA, TRAINING = "train_data", "train_training"
_WRITTEN = "train_link"


def model_key(architecture: str) -> str:
    """The prefix of an architecture's widgets."""
    return f"train_{architecture}"


def fill_form(configs: Sequence[RunConfig]) -> None:
    """Put configs of different architectures into the form, before it is drawn or in a callback."""
    _fill({config.architecture: config.flat() for config in configs})


def follow() -> list[str]:
    """Put a link's settings into the form; returns a sentence for everything in it that can not be used."""
    given = {name: value for name, value in st.query_params.to_dict().items() if name != "run"}
    if not given or given == st.session_state.get(_WRITTEN):
        return []
    st.session_state[_WRITTEN] = given
    named = [name.strip() for name in given.pop("architecture", models.RECOMMENDED).split(",")]
    notices = [
        f"The link asks for a network that is not here: {name[:40]!r}." for name in named if name not in models.TABLE
    ]
    values: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(name for name in named if name in models.TABLE):
        own = {key.removeprefix(f"{name}."): value for key, value in given.items() if key.startswith(f"{name}.")}
        found, bad = from_link(name, given | own)
        values[name] = {one.name: one.default for one in all_settings(name)} | found
        notices += bad
    names = {(name, key) for name in values for one in all_settings(name) for key in (one.name, *one.old_names)}
    known = {key for _, key in names} | {f"{name}.{key}" for name, key in names}
    notices += [
        f"The link names a setting that is not here: {name[:40]!r}." for name in given if values and name not in known
    ]
    _fill(values)
    return list(dict.fromkeys(notices))


def write(configs: Sequence[RunConfig]) -> None:
    """Make the address a link to these settings; without a valid config it stays as it is."""
    if not configs:
        return
    link = {"architecture": ",".join(config.architecture for config in configs), "dataset": configs[0].data.dataset}
    for config in configs:
        own = {one.name for one in settings(sections(config.architecture)["model"])}
        for name, value in config.link().items():
            if name != "architecture":
                link[f"{config.architecture}.{name}" if name in own and len(configs) > 1 else name] = value
    st.session_state[_WRITTEN] = dict(link)
    if run := st.query_params.get("run"):
        link["run"] = run
    if st.query_params.to_dict() != link:
        st.query_params.from_dict(link)


def _fill(values: Mapping[str, Mapping[str, Any]]) -> None:
    for name, given in values.items():
        fill(DataConfig, DATA, given)
        fill(TrainingConfig, TRAINING, given)
        fill(models.get(name).config, model_key(name), given)
    if values:
        tick(values)
