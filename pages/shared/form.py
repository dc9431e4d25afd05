"""From a config class to widgets: every label, bound, step, unit and default comes from the declaration.

Widget limits live in the browser only, so what comes back are raw values; ``core.config.run_config`` checks them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

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


def config_form(
    config_class: type[Config],
    key: str,
    *,
    suggested: Mapping[str, Any] | None = None,
    more: DeltaGenerator | None = None,
    heading: str = "",
    without: Collection[str] = (),
    drawn: bool = True,
) -> dict[str, Any]:
    """Draw the settings of a config class and return the raw value of each, by name.

    The basic ones stand here, the others in ``more`` under ``heading`` (an own folded "More settings" without it). What is
    folded is not drawn: two dozen widgets that nobody sees would double the time of every look at the page.
    key: prefix of the widgets' keys; values survive page changes · suggested: start values other than the defaults
    without: settings that are neither drawn nor returned, since something else decides them
    drawn: False where all of the form is folded; the values are then those that it would show
    """
    start = dict(suggested or {})
    known = [one for one in settings(config_class) if one.name not in without]
    if not drawn:
        return {one.name: _start(one, key, start) for one in known}
    values = _draw([one for one in known if one.basic], key, start)
    rest = [one for one in known if not one.basic]
    if rest:
        place = more_settings(f"{key}_more") if more is None else more
        if getattr(place, "open", True) is False:
            values |= {one.name: _start(one, key, start) for one in rest}
        else:
            with place:
                if heading:
                    st.markdown(f"**{heading}**")
                values |= _draw(rest, key, start)
    return {one.name: values[one.name] for one in known}


def more_settings(key: str) -> DeltaGenerator:
    """The place for what few people change, closed at first."""
    return st.expander("More settings", key=key, on_change="rerun")


def fill(config_class: type[Config], key: str, values: Mapping[str, Any]) -> None:
    """Put valid values into a form that is not drawn yet in this script run; what is not given stays."""
    for one in settings(config_class):
        if one.name in values:
            st.session_state[f"{key}_{one.name}"] = _widget_value(one, values[one.name])


def from_link(architecture: str, given: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """What a link says about the settings of an architecture: the valid values, and a sentence for each bad one."""
    values: dict[str, Any] = {}
    notices: list[str] = []
    given = flat_present_values(architecture, given)
    for one in all_settings(architecture):
        if one.name not in given:
            continue
        try:
            values[one.name] = run_config(architecture, {one.name: given[one.name]}).flat()[one.name]
        except ConfigError as error:
            notices.append(f"The link's value can not be used: {error}. Using {one.label(one.default)} instead.")
    return values, notices


def _draw(known: Sequence[Setting], key: str, start: Mapping[str, Any]) -> dict[str, Any]:
    """Toggles stand in a row of their own: they have no label above them to line up with."""
    values: dict[str, Any] = {}
    for group in filter(
        None, ([one for one in known if one.kind != "bool"], [one for one in known if one.kind == "bool"])
    ):
        with st.grid(3, min_column_width=COLUMN_WIDTH, vertical_alignment="bottom"):
            for one in group:
                _start(one, key, start)
                values[one.name] = _widget(one, f"{key}_{one.name}")
    return values


def _start(one: Setting, key: str, start: Mapping[str, Any]) -> Any:
    """The value that the widget of a setting holds, or will hold when it is drawn."""
    return st.session_state.setdefault(f"{key}_{one.name}", _widget_value(one, start.get(one.name, one.default)))


def _widget(one: Setting, key: str) -> Any:
    common: dict[str, Any] = {"key": key, "help": one.help, "persist_state": "session"}
    label = _label(one)
    if one.kind == "bool":
        return st.toggle(label, **common)
    if one.kind == "ints":
        return st.text_input(label, placeholder="none", **common)
    if one.kind == "choice":
        if len(one.choices) <= SEGMENTS and sum(len(one.label(choice)) for choice in one.choices) <= SEGMENT_LENGTH:
            return st.segmented_control(label, one.choices, format_func=one.label, required=True, wrap=True, **common)
        return st.selectbox(label, one.choices, format_func=one.label, **common)
    if options := _options(one):
        # A combobox: the handy values to choose from, and any other one to type; what was typed joins the list.
        current = st.session_state[key]
        return st.selectbox(
            label, options if current in options else [current, *options], accept_new_options=True,
            format_func=lambda value: _option(one, value), **common,
        )  # fmt: skip
    number = int if one.kind == "int" else float
    low, high, step = number(one.low or 0), number(one.high or 0), number(one.step or 1)
    shown = "%d" if one.kind == "int" else f"%.{max(0, -math.floor(math.log10(step)))}f"
    draw = st.slider if (high - low) / step <= SLIDER_STEPS else st.number_input
    return draw(label, low, high, step=step, format=shown, **common)


def _label(one: Setting) -> str:
    return f"{one.title} ({one.unit})" if one.unit and one.unit not in one.title.lower() else one.title


def _options(one: Setting) -> list[Any]:
    """The values a combobox offers: 1 and 3 of each power of ten, the powers of two, or those that have a name."""
    if one.name in HANDY:
        return list(HANDY[one.name].values())
    if one.scale != "log" or one.low is None or one.high is None:
        return []
    if one.kind == "int":
        return [int(2**power) for power in range(math.ceil(math.log2(one.low)), math.floor(math.log2(one.high)) + 1)]
    decades = range(math.floor(math.log10(one.low)), math.ceil(math.log10(one.high)) + 1)
    handy = {float(f"{digit}e{power}") for power in decades for digit in (1, 3)} | {float(one.default)}
    return sorted(value for value in handy if one.low <= value <= one.high)


def _option(one: Setting, value: Any) -> str:
    names = {handy: name for name, handy in HANDY.get(one.name, {}).items()}
    if value in names:
        return names[value]
    if isinstance(value, float):  # 0.00001 rather than 1e-05
        plain = f"{value:.10f}".rstrip("0").rstrip(".")
        return plain if float(plain) == value else repr(value)
    return f"{value}"


def _widget_value(one: Setting, value: Any) -> Any:
    """A setting's value as its widget holds it."""
    if one.kind == "ints":
        return ", ".join(str(number) for number in value)
    options = _options(one)
    if options and value not in options:
        return _option(one, value)
    return value
