"""From a config class to widgets: every label, bound, step, unit and default comes from the declaration.

``draw_form`` draws, ``read_form`` reads, drawn or folded. Widget limits live in the browser only, so what comes back are raw
values; ``core.config.run_config`` checks them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypedDict

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.config import all_settings, flat_present_values, run_config
from core.data.config import VALIDATION_PRESETS
from core.errors import ConfigError
from core.fields import Config, Setting, settings

SLIDER_STEPS = 200  # a slider with more positions than pixels can not be set on purpose
SEGMENTS, SEGMENT_LENGTH = 4, 28  # choices that fit side by side, and their letters
COLUMN_WIDTH = 230  # pixels
HANDY: Mapping[str, Mapping[str, float]] = {"val_fraction": VALIDATION_PRESETS}


class Look(TypedDict):
    """Which settings of a form are not shown, and which can not be changed."""

    hidden: Collection[str]
    disabled: Collection[str]


def read_form(
    config_class: type[Config],
    key: str,
    *,
    suggested: Mapping[str, Any] | None = None,
    without: Collection[str] = (),
) -> dict[str, Any]:
    """The raw value of each setting of a config class, by name: what its widgets hold, or will hold once they are drawn.

    A setting that does nothing beside the others is not drawn, and is read as its default.
    key: prefix of the widgets' keys; values survive page changes · suggested: start values other than the defaults
    without: settings that are left out, since something else decides them
    """
    start = dict(suggested or {})
    values = {
        setting.name: _start(setting, key, start) for setting in settings(config_class) if setting.name not in without
    }
    return {
        setting.name: values[setting.name] if setting.applies(values) else setting.default
        for setting in settings(config_class)
        if setting.name in values
    }


def draw_form(
    config_class: type[Config],
    key: str,
    *,
    suggested: Mapping[str, Any] | None = None,
    more: DeltaGenerator | None = None,
    heading: str = "",
    without: Collection[str] = (),
    disabled: Collection[str] = (),
    hidden: Collection[str] = (),
) -> None:
    """Draw the settings of a config class that do something beside the others; ``read_form`` tells what they hold.

    The basic ones stand here, the others in ``more`` under ``heading`` (an own folded "More settings" without it). What is
    folded is not drawn: two dozen widgets that nobody sees would double the time of every look at the page.
    key, suggested, without: as in ``read_form`` · disabled: settings that are shown and can not be changed
    hidden: those that are not shown, though what they hold counts
    """
    values = read_form(config_class, key, suggested=suggested, without=without)
    shown = [
        setting
        for setting in settings(config_class)
        if setting.name in values and setting.name not in hidden and setting.applies(values)
    ]
    _draw([setting for setting in shown if setting.basic], key, disabled)
    rest = [setting for setting in shown if not setting.basic]
    if not rest:
        return
    place = more_settings(f"{key}_more") if more is None else more
    if getattr(place, "open", True) is not False:
        with place:
            if heading:
                st.markdown(f"**{heading}**")
            _draw(rest, key, disabled)


def more_settings(key: str) -> DeltaGenerator:
    """The place for what few people change, closed at first."""
    return st.expander("More settings", key=key, on_change="rerun")


def fill(config_class: type[Config], key: str, values: Mapping[str, Any]) -> None:
    """Put valid values into a form that is not drawn yet in this script run; what is not given stays."""
    st.session_state.update(widget_values(config_class, key, values))


def widget_values(config_class: type[Config], key: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What ``fill`` puts into the session, by the widgets' keys."""
    return {
        f"{key}_{setting.name}": _widget_value(setting, values[setting.name])
        for setting in settings(config_class)
        if setting.name in values
    }


def from_link(architecture: str, parameters: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """What a link says about the settings of an architecture: the valid values, and a sentence for each bad setting."""
    values: dict[str, Any] = {}
    notices: list[str] = []
    parameters = flat_present_values(architecture, parameters)
    for setting in all_settings(architecture):
        name = setting.name
        if name not in parameters:
            continue
        try:
            values[name] = run_config(architecture, {name: parameters[name]}).flat()[name]
        except ConfigError as error:
            notices.append(
                f"The link's value can not be used: {error}. Using {setting.label(setting.default)} instead."
            )
    return values, notices


def _draw(shown: Sequence[Setting], key: str, disabled: Collection[str]) -> None:
    """Toggles stand in a row of their own: they have no label above them to line up with."""
    for are_toggles in (False, True):
        row = [setting for setting in shown if (setting.kind == "bool") == are_toggles]
        if row:
            with st.grid(3, min_column_width=COLUMN_WIDTH, vertical_alignment="bottom"):
                for setting in row:
                    _widget(setting, f"{key}_{setting.name}", is_disabled=setting.name in disabled)


def _start(setting: Setting, key: str, start: Mapping[str, Any]) -> Any:
    """The value that the widget of a setting holds, or will hold when it is drawn."""
    return st.session_state.setdefault(
        f"{key}_{setting.name}", _widget_value(setting, start.get(setting.name, setting.default))
    )


def _widget(setting: Setting, key: str, *, is_disabled: bool) -> None:
    common: dict[str, Any] = {"key": key, "help": setting.help, "persist_state": "session", "disabled": is_disabled}
    label, choices = _label(setting), setting.choices
    if setting.kind == "bool":
        st.toggle(label, **common)
    elif setting.kind == "ints":
        st.text_input(label, placeholder="none", **common)
    elif setting.kind == "run":
        st.text_input(label, placeholder=setting.zero, **common)
    elif setting.kind == "choice":
        if len(choices) <= SEGMENTS and sum(len(setting.label(choice)) for choice in choices) <= SEGMENT_LENGTH:
            st.segmented_control(label, choices, format_func=setting.label, required=True, wrap=True, **common)
        else:
            st.selectbox(label, choices, format_func=setting.label, **common)
    elif options := _options(setting):
        # A combobox: the handy values to choose from, and any other one to type; what was typed joins the list.
        current = st.session_state[key]
        st.selectbox(
            label, options if current in options else [current, *options], accept_new_options=True,
            format_func=lambda value: _option(setting, value), **common,
        )  # fmt: skip
    else:
        number = int if setting.kind == "int" else float
        low, high, step = number(setting.low or 0), number(setting.high or 0), number(setting.step or 1)
        shown = "%d" if setting.kind == "int" else f"%.{max(0, -math.floor(math.log10(step)))}f"
        draw = st.slider if (high - low) / step <= SLIDER_STEPS else st.number_input
        draw(label, low, high, step=step, format=shown, **common)


def _label(setting: Setting) -> str:
    return (
        f"{setting.title} ({setting.unit})"
        if setting.unit and setting.unit not in setting.title.lower()
        else setting.title
    )


def _options(setting: Setting) -> list[Any]:
    """The values a combobox offers: 1 and 3 of each power of ten, the powers of two, or those that have a name."""
    if setting.name in HANDY:
        return list(HANDY[setting.name].values())
    if setting.zero and setting.step and setting.high is not None:
        number = int if setting.kind == "int" else float
        return [number(0), *(number(value) for value in _ones_and_threes(setting.step, setting.high))]
    if setting.scale != "log" or setting.low is None or setting.high is None:
        return []
    if setting.kind == "int":
        return [
            int(2**power) for power in range(math.ceil(math.log2(setting.low)), math.floor(math.log2(setting.high)) + 1)
        ]
    return sorted({*_ones_and_threes(setting.low, setting.high), float(setting.default)})


def _ones_and_threes(low: float, high: float) -> list[float]:
    """1 and 3 of each power of ten from ``low`` to ``high``."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [value for power in decades for digit in (1, 3) if low <= (value := float(f"{digit}e{power}")) <= high]


def _option(setting: Setting, value: Any) -> str:
    """How an option reads in the list; what somebody typed, a text, stands there as it was typed."""
    if setting.zero and value == 0:
        return setting.zero
    names = {handy: name for name, handy in HANDY.get(setting.name, {}).items()}
    if value in names:
        return names[value]
    if isinstance(value, float):  # 0.00001 rather than 1e-05
        plain = f"{value:.10f}".rstrip("0").rstrip(".")
        return plain if float(plain) == value else repr(value)
    return f"{value:,}" if isinstance(value, int) else f"{value}"


def _widget_value(setting: Setting, value: Any) -> Any:
    """A setting's value as its widget holds it."""
    if setting.kind == "ints":
        return ", ".join(str(number) for number in value)
    options = _options(setting)
    if options and value not in options:
        return _option(setting, value)
    return value
