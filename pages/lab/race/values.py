"""Several values of a setting: their field, what it holds, and what stands in it at first."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import streamlit as st

from core import models
from core.compare.plan import SPLIT_SETTINGS
from core.config import RECORDS, TrainingConfig, all_settings
from core.data.config import DataConfig
from core.errors import ConfigError
from core.fields import Setting, settings
from pages.shared.link_state import linked_widget
from pages.shared.locks import is_hidden

MOST_VALUES = 6
VARIED = ("race_values_", "race_setting_", "race_factor_")  # how the keys of what varies begin


def values_key(name: str) -> str:
    """The key of the field for the values of a setting."""
    return f"race_values_{name}"


def acting_settings(architecture: str, left_out: Collection[str]) -> dict[str, Setting]:
    """The settings that do something beside what the form holds now, by name, but for those that are left out."""
    values = _current_values(architecture)
    return {
        setting.name: setting
        for setting in all_settings(architecture)
        if setting.name not in left_out and setting.applies(values)
    }


def not_compared(fixed: Collection[str]) -> set[str]:
    """What no comparison of values is about: the same images for all make it one. fixed: settings that the rules decide"""
    return {"device", "n_train", *SPLIT_SETTINGS, *RECORDS, *fixed}


def draw_values(setting: Setting) -> None:
    """Draw the field for the values to compare."""
    key = values_key(setting.name)
    if setting.kind == "bool":
        if not is_hidden("vary"):
            st.caption("On against off.")
    elif setting.kind == "choice":
        linked_widget(
            "vary", st.pills, "Values", setting.choices, selection_mode="multi", start=list(setting.choices[:2]), wrap=True,
            format_func=setting.label, key=key, help=setting.help,
        )  # fmt: skip
    else:
        linked_widget(
            "vary", st.text_input, "Values", start=_suggested(setting), key=key,
            help=f"{setting.help} Allowed: {setting.allowed}. "
            + ("A semicolon between two values." if setting.kind == "ints" else "Separate them by spaces."),
        )  # fmt: skip


def read_values(setting: Setting, most: int = MOST_VALUES) -> list[Any]:
    """The values in the field, as the declaration can check them. Raises ConfigError: fewer than two, or more than ``most``."""
    if setting.kind == "bool":
        return [False, True]
    entered = st.session_state[values_key(setting.name)]
    values: list[Any] = list(entered) if setting.kind == "choice" else setting.texts(entered)
    if not 2 <= len(values) <= most:
        raise ConfigError(
            f"{setting.title} has {len(values)} values to compare, allowed are 2 to {most}", (setting.name,)
        )
    return values


def _current_values(architecture: str) -> dict[str, Any]:
    """What the fields hold now, or will hold when they are drawn, unchecked, by setting name."""
    forms = {"race_data": DataConfig, "race_training": TrainingConfig}
    forms[f"race_{architecture}"] = models.get(architecture).config
    return {
        setting.name: st.session_state.get(f"{key}_{setting.name}", setting.default)
        for key, config in forms.items()
        for setting in settings(config)
    }


def _suggested(setting: Setting) -> str:
    """Two values to begin with: the default, and one that differs enough to matter."""
    if setting.kind == "ints":
        halves = tuple(max(int(setting.low or 1), number // 2) for number in setting.default)
        return f"{setting.text(halves)}; {setting.text(setting.default)}"
    if setting.kind == "run":
        return setting.zero
    number = int if setting.kind == "int" else float
    other = 2 * setting.default or 10 * (setting.step or 1)
    if setting.high is not None and other > setting.high:
        other = setting.default / 2
    return f"{setting.text(setting.default)} {setting.text(number(other))}"
