"""The form, what it would cost, and the button: open where nothing is watched, folded below the curves where something is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.lab.train import link
from pages.lab.train.challenge import say_if_like_base
from pages.lab.train.check import Check, check, is_ready
from pages.lab.train.finder import lr_finder
from pages.lab.train.press import press_train, show_fault
from pages.lab.train.settings_form import draw_settings, read_settings
from pages.shared.busy import fragment
from pages.shared.services import get_ready

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

SETTINGS, CHANGE, FINDER = "settings", "change_settings", "finder"  # keys of the expanders


@fragment
def setting_up() -> None:
    """All of it, and the address says the settings. A part of its own: a moved slider draws nothing else anew."""
    place = st.expander("Settings", expanded=True, key=SETTINGS, on_change="rerun")
    result = _form(place, is_open=bool(place.open), unfold=SETTINGS)
    link.write(result.configs)
    result.add_times()


@fragment
def setting_up_again() -> None:
    """The same behind one line; the address stays with the runs that are watched."""
    place = st.expander("Change the settings and train again", key=CHANGE, on_change="rerun")
    if place.open:
        with place:
            _form(st.container(), is_open=True, unfold=CHANGE).add_times()


def _form(place: DeltaGenerator, *, is_open: bool, unfold: str) -> Check:
    """Returns what would be trained. place: for the settings, drawn where it ``is_open`` · unfold: key of what opens it"""
    with st.spinner("Getting the networks ready …"):
        get_ready()  # a fragment has a thread of its own
    result = check(read_settings())  # before the form is drawn: it is what a moved slider is waited for
    configs = result.configs
    if is_open:  # else the browser would draw two dozen widgets that nobody sees
        with place:
            draw_settings()
    finder = st.expander("Find a learning rate", key=FINDER, on_change="rerun")
    if finder.open:
        with finder:
            lr_finder(configs, unfold)
    say_if_like_base(configs)
    label = "Train" if len(configs) < 2 else f"Train {len(configs)} networks"
    st.button(
        label, type="primary", icon=":material/play_arrow:", shortcut="mod+enter", disabled=not is_ready(configs),
        key="train", on_click=press_train,
    )  # fmt: skip
    show_fault()
    return result
