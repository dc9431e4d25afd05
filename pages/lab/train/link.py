"""The Train page's settings in its address: whoever opens the link finds the form filled in the same way.

``?architecture=cnn&lr=0.01`` holds what differs from the defaults. With several networks, what only one of them has is
named with it: ``?architecture=mlp,cnn&cnn.kernel=5``. What a link locks or hides: see ``locks`` next door.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import streamlit as st

from core import models
from core.config import RunConfig, TrainingConfig, all_settings, run_config, sections
from core.data.config import DataConfig
from core.errors import ConfigError, InputError
from core.fields import settings
from core.runs.schema import StorageError
from pages.lab.train import locks
from pages.shared import locks as link_locks
from pages.shared.form import fill, from_link
from pages.shared.link_state import follow_query_once, link_key, remember_query
from pages.shared.locks import HIDE, LOCK
from pages.shared.networks import tick, ticked_networks
from pages.shared.services import store
from pages.shared.status import is_active

DATA, TRAINING = "train_data", "train_training"
_FORM = "train"
ABOUT, RUNS = "about", "runs"  # in the address: beside settings that are fixed, that it is about runs all the same
OTHER = ("run", ABOUT)  # parameters that say nothing about the form
_LIKE = "train_like"  # session state: the runs whose settings were put into the form last


def model_key(architecture: str) -> str:
    """The prefix of an architecture's widgets."""
    return f"train_{architecture}"


def fill_form(configs: Sequence[RunConfig]) -> None:
    """Put configs of different architectures into the form, before it is drawn or in a callback."""
    _fill({config.architecture: config.flat() for config in configs})


def fill_like(run_ids: Sequence[str]) -> None:
    """Put the settings of the visitor's runs into the form, once for each choice of runs and before it is drawn: who changes
    the settings begins with those that he sees the result of. Of runs of one network the first counts."""
    if st.session_state.get(_LIKE) == list(run_ids):
        return
    st.session_state[_LIKE] = list(run_ids)
    fill_form(_configs(run_ids, with_shipped=False))


def follow_challenge() -> str:
    """Begin with the settings of a challenge when its link is followed; returns a sentence where it can not be."""
    challenge, fault = locks.follow_challenge()
    if challenge:
        fill_form([challenge.config])
    return fault


def put_fixed() -> None:
    """Make the widgets show what is fixed, before they are drawn."""
    fixed = locks.locks()
    if fixed.networks:
        tick(fixed.networks)
    for name in ticked_networks():
        own = fixed.of(name)
        fill(DataConfig, DATA, own)
        fill(TrainingConfig, TRAINING, own)
        fill(models.get(name).config, model_key(name), own)


def is_about_runs() -> bool:
    """Whether the address asks for runs and for no settings but those that it fixes, or for nothing while something trains:
    then their curves come before the form."""
    runs, query = store().runs(), st.query_params.to_dict()
    is_about = query.get(ABOUT) == RUNS or ("run" in query and not query.keys() - {*OTHER, locks.CHALLENGE, LOCK, HIDE})
    if not is_about and query:
        return False
    if asked := query.get("run", ""):
        return any(run.run_id.startswith(part.strip()) for part in asked.split(",") if part.strip() for run in runs)
    return any(is_active(run) for run in runs)


def show_runs(run_ids: Sequence[str]) -> None:
    """In the address these runs take the place of the settings, of which only those stay that belong to a link that locks."""
    query = {"run": ",".join(run_ids), **locks.in_address()}
    if fixed := link_locks.in_address():
        address = st.query_params.to_dict()
        query |= _beside_runs(address if fixed.keys() & address.keys() else link_locks.locks().link)
    st.query_params.from_dict(query)


def follow_beside_runs() -> list[str]:
    """Keep what a link to runs locks and hides, at the values that it says, else at those of its runs, and in the address
    until the visitor leaves it; returns what ``follow`` does."""
    query, kept = st.query_params.to_dict(), link_locks.locks()
    if locks.CHALLENGE in query or not kept.fixed:
        return []
    if not {LOCK, HIDE} & query.keys():  # opened by the menu, or by a link that fixes nothing
        st.query_params.from_dict({**_beside_runs(kept.link), **query})
        return []
    if "architecture" not in query:
        named = [run_id for run_id in query.get("run", "").split(",") if run_id.strip()]
        st.query_params.from_dict({**_settings_link(_configs(named, with_shipped=True)), **query, ABOUT: RUNS})
    return follow()


def _beside_runs(link: Mapping[str, str]) -> dict[str, str]:
    """What an address that names runs says of a link that locks; the form holds it, and need not follow it."""
    settings_there = {name: value for name, value in link.items() if name not in OTHER}
    st.session_state[link_key(_FORM)] = settings_there
    return {ABOUT: RUNS, **settings_there}


def _configs(run_ids: Sequence[str], *, with_shipped: bool) -> list[RunConfig]:
    """The settings of these runs, of those of one network the first one's."""
    configs: dict[str, RunConfig] = {}
    for run_id in run_ids:
        try:
            run = store().run(run_id.strip())
            if with_shipped or not run.shipped:
                configs.setdefault(run.architecture, run.run_config())
        except StorageError:  # busy is not gone
            raise
        except InputError:  # deleted a moment ago, or made for settings that no longer exist: nothing to begin with
            continue
    return list(configs.values())


def follow() -> list[str]:
    """Put a link's settings into the form; returns a sentence for everything in it that can not be used."""
    parameters = follow_query_once(_FORM, without=OTHER)
    parameters.pop(locks.CHALLENGE, None)  # it has been followed already
    if not parameters:
        return []
    for name in (LOCK, HIDE):
        parameters.pop(name, None)
    named = [name.strip() for name in parameters.pop("architecture", models.RECOMMENDED).split(",")]
    notices = [
        f"The link asks for a network that is not here: {name[:40]!r}." for name in named if name not in models.TABLE
    ]
    values: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(name for name in named if name in models.TABLE):
        own = {key.removeprefix(f"{name}."): value for key, value in parameters.items() if key.startswith(f"{name}.")}
        valid, sentences = from_link(name, parameters | own)
        values[name] = {setting.name: setting.default for setting in all_settings(name)} | valid
        notices += sentences + _idle_notices(name, values[name], valid)
    names = {
        (name, key) for name in values for setting in all_settings(name) for key in (setting.name, *setting.old_names)
    }
    all_keys = {key for _, key in names} | {f"{name}.{key}" for name, key in names}
    notices += [
        f"The link names a setting that is not here: {key[:40]!r}."
        for key in parameters
        if values and key not in all_keys
    ]
    _fill(values)
    notices += locks.from_link(values)
    return list(dict.fromkeys(notices))


def write(configs: Sequence[RunConfig]) -> None:
    """Make the address a link to these settings; without a valid config it stays as it is."""
    if configs:
        remember_query(_FORM, _settings_link(configs) | locks.in_address(), without=("run",))


def _settings_link(configs: Sequence[RunConfig]) -> dict[str, str]:
    """The query of a link to these settings, {} for none."""
    if not configs:
        return {}
    link = {"architecture": ",".join(config.architecture for config in configs), "dataset": configs[0].data.dataset}
    for config in configs:
        own = {setting.name for setting in settings(sections(config.architecture)["model"])}
        for name, value in config.link().items():
            if name != "architecture":
                link[f"{config.architecture}.{name}" if name in own and len(configs) > 1 else name] = value
    return link


def _idle_notices(architecture: str, values: Mapping[str, Any], named: Collection[str]) -> list[str]:
    """A sentence for each setting that a link names although it does nothing beside the others."""
    try:
        config = run_config(architecture, values)
    except ConfigError:  # values that can not go together; the form says so
        return []
    return [f"Of the link: {sentence}" for sentence in config.idle_sentences(named)]


def _fill(values: Mapping[str, Mapping[str, Any]]) -> None:
    for name, own in values.items():
        fill(DataConfig, DATA, own)
        fill(TrainingConfig, TRAINING, own)
        fill(models.get(name).config, model_key(name), own)
    if values:
        tick(values)
