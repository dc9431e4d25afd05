"""What a visitor asks of a comparison: of which kind, who competes, on which images, by which rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from core import data, models
from core.compare import kinds, quick
from core.compare.budget import Budget
from core.compare.differences import LENGTH
from core.compare.plan import HIGHEST_LR, LOWEST_LR, SIZES, SPLIT_SETTINGS, TRIALS, Question, contestants
from core.config import RECORDS, RunConfig, TrainingConfig, all_settings
from core.data.config import DataConfig
from core.errors import ConfigError
from core.fields import Setting, settings
from pages.lab.race.length import pick_quick
from pages.lab.race.rules import pick_budget, pick_lead, pick_match, pick_seeds, pick_sizes, pick_trials
from pages.shared.form import draw_form, more_settings, read_form
from pages.shared.networks import pick_networks
from pages.shared.services import count_images

WHO: Mapping[Literal["networks", "settings"], str] = {
    "networks": "Different networks", "settings": "One network, several settings",
}  # fmt: skip
MOST_VALUES = 6
START = ("mlp", "lenet")  # who competes until somebody chooses


def race_form() -> Question:
    """Draw the form and return what it asks. Raises ConfigError naming each value that is not allowed, when all is drawn."""
    kind_id = st.segmented_control(
        "Kind of comparison", list(kinds.KINDS), format_func=lambda name: kinds.KINDS[name].title, default="race",
        required=True, key="race_kind", persist_state="session", wrap=True, label_visibility="collapsed",
    )  # fmt: skip
    kind = kinds.get(kind_id)
    st.caption(kind.help)
    is_quick = pick_quick(kind)
    ways, who = [name for name in WHO if name in kind.options], ""
    if ways:
        who = st.segmented_control(
            "Who competes", ways, format_func=WHO.__getitem__, default=ways[0], required=True,
            key=f"race_who_{kind.id}", persist_state="session", wrap=True,
        )  # fmt: skip
    who_place, rules_place, learning_place = st.container(), st.container(), st.container()
    with rules_place:
        st.markdown("**Rules**")
        numbers_place = st.container()
        budget = quick.budget() if is_quick else pick_budget(kind)
        match = pick_match() if "match" in kind.options else "none"
    # What the rules decide has no field of its own; without a budget, the learning settings say how long.
    fixed = {"seed", *kind.varies, *(LENGTH if budget else ()), *(("n_train", "val_fraction") if is_quick else ())}
    with who_place:
        names, varied = _who_competes(who, fixed)
        if varied:
            _draw_values(varied)
    with numbers_place:
        seeds = pick_seeds(_n_contestants(names, varied)) if "seeds" in kind.options else (0,)
        trials, low, high = pick_trials() if "trials" in kind.options else (TRIALS, LOWEST_LR, HIGHEST_LR)
        sizes = SIZES if "sizes" not in kind.options else quick.SIZES if is_quick else pick_sizes()
    if match != "none" and len(names) > 1:
        with rules_place:
            names = pick_lead(names)
    hidden = fixed | ({varied.name} if varied else set())
    with learning_place:
        _draw_settings(names, hidden)
    # Now all is drawn, and what is read may be refused.
    competing = _read_contestants(names, varied, hidden, is_quick=is_quick)
    amount = Budget(*budget) if isinstance(budget, tuple) else budget
    return Question(kind.id, competing, seeds, amount, match, sizes, trials, low, high)


def _who_competes(who: str, fixed: set[str]) -> tuple[list[str], Setting | None]:
    """The architectures that compete and, when one does with several values of a setting, that setting.

    fixed: the settings that the rules decide
    """
    if who == "networks":
        return pick_networks("race_networks", START), None
    name: str = st.selectbox(
        "Network", list(models.TABLE), format_func=models.title, key="race_network", persist_state="session",
        index=list(models.TABLE).index(START[0]),
    )  # fmt: skip
    if who != "settings":
        return [name], None
    # The same images for all make it a comparison, and a setting that does nothing beside the others would compare nothing.
    left_out = {"device", "n_train", *SPLIT_SETTINGS, *RECORDS, *fixed}
    values = _current_values(name)
    offered = {
        setting.name: setting
        for setting in all_settings(name)
        if setting.name not in left_out and setting.applies(values)
    }
    key = f"race_setting_{name}"
    if st.session_state.get(key) not in offered:
        st.session_state[key] = "batch_size"
    varied: str = st.selectbox(
        "Setting", list(offered), format_func=lambda setting: offered[setting].title, key=key, persist_state="session",
    )  # fmt: skip
    return [name], offered[varied]


def _current_values(name: str) -> dict[str, Any]:
    """What the fields hold now, or will hold when they are drawn, unchecked, by setting name."""
    forms = {"race_data": DataConfig, "race_training": TrainingConfig, f"race_{name}": models.get(name).config}
    return {
        setting.name: st.session_state.get(f"{key}_{setting.name}", setting.default)
        for key, config in forms.items()
        for setting in settings(config)
    }


def _draw_settings(names: Sequence[str], hidden: set[str]) -> None:
    """Draw the settings that all share and, unfolded, those that each network has for itself."""
    basic, more = st.container(), more_settings("race_more")
    with basic:
        st.markdown("**Images and learning, the same for all**")
        suggested = {"dataset": data.suggested_dataset()}
        draw_form(DataConfig, "race_data", suggested=suggested, more=more, heading="Images", without=hidden)
        draw_form(TrainingConfig, "race_training", more=more, heading="Learning", without=hidden)
    if not names:
        return
    title = "Settings of each network" if len(names) > 1 else "Settings of the network"
    folder = st.expander(title, key="race_own", on_change="rerun")
    if folder.open:
        for name, place in zip(names, folder.tabs([models.title(name) for name in names]), strict=True):
            with place:
                _draw_own(name, hidden, alone=len(names) == 1)


def _read_contestants(
    names: Sequence[str], varied: Setting | None, hidden: set[str], *, is_quick: bool
) -> tuple[RunConfig, ...]:
    """One config per contestant, from the shared settings and those of each network. Raises ConfigError."""
    values = _read_values(varied) if varied else [None]
    shared = read_form(DataConfig, "race_data", without=hidden)
    shared |= read_form(TrainingConfig, "race_training", without=hidden)
    if is_quick and (n_images := count_images(shared["dataset"])):
        shared |= quick.images(n_images)
    own = {name: _read_own(name, hidden, alone=len(names) == 1) for name in names}
    return contestants(
        (name, shared | own[name] | ({varied.name: value} if varied else {})) for name in names for value in values
    )


def _draw_own(name: str, hidden: set[str], *, alone: bool) -> None:
    """Draw the settings of one network and, beside others, those of learning in which it shall differ from them."""
    draw_form(models.get(name).config, f"race_{name}", without=hidden)
    if alone:
        return
    offered = _offered_learning(hidden)
    st.multiselect(
        "Learns differently from the others in", list(offered), format_func=lambda name: offered[name].title,
        key=f"race_{name}_differs", persist_state="session", placeholder="nothing: the fair choice",
        help="Two things that differ at once are confounded: nobody can say then which of them made a difference.",
    )  # fmt: skip
    differing = _differing(name, hidden)
    if differing:
        without = set(offered) - set(differing) | hidden
        draw_form(TrainingConfig, f"race_{name}_learning", more=st.container(), without=without)


def _read_own(name: str, hidden: set[str], *, alone: bool) -> dict[str, Any]:
    """What ``_draw_own`` drew, or drew when it was last unfolded: the raw values by name."""
    values = read_form(models.get(name).config, f"race_{name}", without=hidden)
    differing = [] if alone else _differing(name, hidden)
    if differing:
        without = set(_offered_learning(hidden)) - set(differing) | hidden
        values |= read_form(TrainingConfig, f"race_{name}_learning", without=without)
    return values


def _offered_learning(hidden: set[str]) -> dict[str, Setting]:
    """The settings of learning in which a network can differ from the others, by name."""
    left_out = hidden | RECORDS
    return {setting.name: setting for setting in settings(TrainingConfig) if setting.name not in left_out}


def _differing(name: str, hidden: set[str]) -> list[str]:
    """The settings of learning that were picked for one network."""
    offered = _offered_learning(hidden)
    return [setting for setting in st.session_state.get(f"race_{name}_differs", ()) if setting in offered]


def _draw_values(setting: Setting) -> None:
    """Draw the field for the values to compare."""
    key = f"race_values_{setting.name}"
    if setting.kind == "bool":
        st.caption("On against off.")
    elif setting.kind == "choice":
        st.pills(
            "Values", setting.choices, selection_mode="multi", default=list(setting.choices[:2]), wrap=True,
            format_func=setting.label,
            key=key, persist_state="session", help=setting.help,
        )  # fmt: skip
    else:
        st.text_input(
            "Values", _suggested(setting), key=key, persist_state="session",
            help=f"{setting.help} Allowed: {setting.allowed}. "
            + ("A semicolon between two values." if setting.kind == "ints" else "Separate them by spaces."),
        )  # fmt: skip


def _read_values(setting: Setting) -> list[Any]:
    """The values in the field, as the declaration can check them. Raises ConfigError: fewer than two, or more than six."""
    if setting.kind == "bool":
        return [False, True]
    entered = st.session_state[f"race_values_{setting.name}"]
    if setting.kind == "choice":
        values: list[Any] = list(entered)
    else:
        parts = entered.split(";") if setting.kind == "ints" else entered.replace(",", " ").replace(";", " ").split()
        values = list(dict.fromkeys(part.strip() for part in parts if part.strip()))
    if not 2 <= len(values) <= MOST_VALUES:
        raise ConfigError(
            f"{setting.title} has {len(values)} values to compare, allowed are 2 to {MOST_VALUES}", (setting.name,)
        )
    return values


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


def _n_contestants(names: Sequence[str], varied: Setting | None) -> int:
    """How many compete as it stands in the form, two where that can not be told: a network has its copy for company."""
    try:
        return max(2, len(names) * (len(_read_values(varied)) if varied else 1))
    except ConfigError:  # said where the values are read for the plan
        return 2
