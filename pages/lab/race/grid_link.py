"""A link to the form of a grid: ``?vary=dropout=0,0.3~lr=0.001,0.01``, written as the flags of the command line are.

Beside them ``architecture``, ``seeds`` (how many), ``first_seed``, ``budget`` (such as steps:300) and any other setting by its
name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core import models
from core.compare.differences import LENGTH
from core.compare.kinds.grid import offered
from core.config import TrainingConfig, all_settings, run_config
from core.data.config import DataConfig
from core.fields import Setting
from pages.lab.race.factors import factor_key
from pages.lab.race.rules import AMOUNTS, MOST_SEEDS
from pages.lab.race.values import values_key
from pages.shared.form import fill, from_link
from pages.shared.link_state import follow_once
from pages.shared.markdown import escape_markdown

MAX_VALUES_LETTERS, MAX_SEED_DIGITS = 200, 9  # of one setting in a link, and of its first seed
FORM, SEPARATOR = "race_grid", "~"
_OWN = ("vary", "architecture", "seeds", "first_seed", "budget", "group", "like")  # parameters that are no setting


def grid_link(plan: Mapping[str, Any]) -> dict[str, str]:
    """The query of a link to the form for such a grid. Raises ConfigError where its settings no longer exist."""
    cells, names = plan["contestants"], [factor["name"] for factor in plan["factors"]]
    config = run_config(cells[0]["architecture"], cells[0]["settings"])
    by_name = {setting.name: setting for setting in all_settings(config.architecture)}
    left_out = {*names, *(LENGTH if plan["budget"] else ())}
    query = {"dataset": config.data.dataset, **config.link(), "seeds": str(len(plan["seeds"]))}
    if plan["seeds"][0]:
        query["first_seed"] = str(plan["seeds"][0])
    if plan["budget"]:
        query["budget"] = f"{plan['budget']['kind']}:{plan['budget']['amount']:g}"
    vary = []
    for name in names:
        texts = dict.fromkeys(by_name[name].text(cell["settings"][name]) for cell in cells)
        vary.append(f"{name}={(';' if by_name[name].kind == 'ints' else ',').join(texts)}")
    return {name: value for name, value in query.items() if name not in left_out} | {"vary": SEPARATOR.join(vary)}


def follow_grid() -> bool:
    """Fill the form for a grid as a link says, once; whether it was. Says on screen what can not be used."""
    asked = follow_once("vary", FORM).split(SEPARATOR)
    if asked == [""]:
        return False
    query = st.query_params.to_dict()
    architecture = query.get("architecture", "mlp")
    factors = _factors(architecture, asked) if architecture in models.TABLE else {}
    if len(factors) != 2 or len(asked) != 2:
        st.warning(
            "The link can not be followed: it has to name a network and to vary two of its settings, such as dropout=0,0.3.",
            icon=":material/link_off:",
        )
        return False
    parameters = {name: value for name, value in query.items() if name not in _OWN}
    values, notices = from_link(architecture, parameters)
    for form, config in (
        ("race_data", DataConfig), ("race_training", TrainingConfig), (f"race_{architecture}", models.get(architecture).config),
    ):  # fmt: skip
        fill(config, form, values)
    st.session_state.update({"race_kind": "grid", "race_network": architecture, "race_length": "full"})
    for place, (name, (setting, text)) in enumerate(factors.items()):
        st.session_state[factor_key(place, architecture)] = name
        notices += _fill_values(setting, text)
    notices += _fill_rules(query)
    for notice in notices:
        st.warning(escape_markdown(notice), icon=":material/link_off:")
    return True


def _factors(architecture: str, asked: list[str]) -> dict[str, tuple[Setting, str]]:
    """Name -> setting and text of its values, of those that a grid of this network can vary."""
    by_name = {name: setting for setting in offered(architecture) for name in (setting.name, *setting.old_names)}
    factors = {}
    for text in asked:
        name, _, values = text.partition("=")
        setting = by_name.get(name.replace("-", "_"))
        if setting and len(values) <= MAX_VALUES_LETTERS:
            factors[setting.name] = (setting, values)
    return factors


def _fill_values(setting: Setting, text: str) -> list[str]:
    """Put the values of a setting into its field; a sentence for what can not be used."""
    texts = setting.texts(text)
    if setting.kind == "choice":
        choices = [setting.typed(value) for value in texts]
        st.session_state[values_key(setting.name)] = [choice for choice in choices if choice in setting.choices]
        unknown = [str(choice) for choice in choices if choice not in setting.choices]
        return [f"{setting.title} can not be {', '.join(unknown)}, allowed is {setting.allowed}."] if unknown else []
    if setting.kind != "bool":  # that is on against off
        st.session_state[values_key(setting.name)] = ("; " if setting.kind == "ints" else " ").join(texts)
    return []


def _fill_rules(query: Mapping[str, str]) -> list[str]:
    """Put seeds and budget into the form; a sentence for what can not be used."""
    notices = []
    if seeds := query.get("seeds", ""):
        if seeds.isdecimal() and 1 <= int(seeds) <= MOST_SEEDS:
            st.session_state["race_seeds"] = int(seeds)
        else:
            notices.append(f"The link asks for {seeds[:20]!r} seeds, allowed are 1 to {MOST_SEEDS}.")
    first = query.get("first_seed", "0")
    if first.isdecimal() and len(first) <= MAX_SEED_DIGITS:
        st.session_state["race_first_seed"] = int(first)
    else:
        notices.append(f"The link asks for {first[:20]!r} as first seed, allowed is a number below a thousand million.")
    kind, _, amount = query.get("budget", "").partition(":")
    st.session_state["race_budget"] = "none"
    if kind in AMOUNTS and amount.replace(".", "", 1).isdecimal() and len(amount) <= 20:
        st.session_state.update({"race_budget": kind, f"race_amount_{kind}": float(amount) / AMOUNTS[kind][1]})
    elif kind:
        notices.append(f"The link's budget can not be used: {query['budget'][:40]!r}.")
    return notices
