"""The form of the Train page: images, networks and how they learn."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core import data, models
from core.config import TrainingConfig
from core.data.config import DataConfig
from pages.lab.train import link, locks
from pages.shared.architecture_text import show_architecture
from pages.shared.form import Look, draw_form, more_settings, read_form
from pages.shared.networks import pick_networks, ticked_networks

FIRST_TRAINING_IMAGES = 10_000  # of a large dataset, until somebody asks for more


def missing_datasets() -> dict[str, str]:
    """The datasets that are not here: name -> title."""
    return {name: entry.title for name, entry in data.DATASETS.items() if not entry.is_present()}


def read_settings() -> dict[str, dict[str, object]]:
    """What the form says, drawn or folded: every setting of every ticked network, architecture -> values by name. What a link
    or a challenge fixes is taken from there, whatever its widget holds."""
    fixed = locks.locks()
    shared = read_form(DataConfig, link.DATA, suggested=_suggested()) | read_form(TrainingConfig, link.TRAINING)
    return {
        name: fixed.applied(name, read_form(models.get(name).config, link.model_key(name)) | shared)
        for name in fixed.networks or ticked_networks()
    }


def _look(names: Sequence[str]) -> Look:
    """Which settings of these networks, or of none yet, are not shown, and which can not be changed."""
    fixed = locks.locks()
    own = frozenset(setting for name in names or [""] for setting in fixed.of(name))
    return {"hidden": fixed.hidden & own, "disabled": own}


def draw_settings() -> None:
    """The widgets for all of that."""
    fixed = locks.locks()
    link.put_fixed()
    data_place = st.container()
    is_hidden = locks.NETWORKS in fixed.hidden
    names = list(fixed.networks) if is_hidden else pick_networks(disabled=bool(fixed.networks))
    places = st.tabs([models.title(name) for name in names]) if len(names) > 1 else [st.container() for _ in names]
    training_place, more = st.container(), more_settings("train_more")
    with data_place:
        draw_form(DataConfig, link.DATA, suggested=_suggested(), more=more, heading="Images", **_look(names))
        if missing := missing_datasets().get(read_form(DataConfig, link.DATA)["dataset"]):
            st.info(f"{missing} is not on this computer yet.", icon=":material/download:")
            st.page_link("pages/learn/data/page.py", label="Get it on the Data page", icon=":material/arrow_forward:")
    with training_place:
        st.markdown("**Learning**")
        draw_form(TrainingConfig, link.TRAINING, more=more, heading="Learning", **_look(names))
    for name, place in zip(names, places, strict=True):
        with place:
            if len(names) == 1:
                st.markdown(f"**{models.title(name)}**")
                draw_form(
                    models.get(name).config,
                    link.model_key(name),
                    more=more,
                    heading=models.title(name),
                    **_look([name]),
                )
            else:  # a tab names its network, and keeps all that is only about it
                draw_form(models.get(name).config, link.model_key(name), **_look([name]))
            about = st.popover("What is this network?", icon=":material/school:")
            with about:
                st.markdown(f"#### {models.title(name)}")
                show_architecture(name)


def _suggested() -> dict[str, object]:
    """What the form begins with: a training that is over within two minutes, whichever network is recommended."""
    name = data.suggested_dataset()
    return {"dataset": name} if name == data.EMBEDDED else {"dataset": name, "n_train": FIRST_TRAINING_IMAGES}
