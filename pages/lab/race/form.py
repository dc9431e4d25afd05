"""What a visitor asks of a comparison: of which kind, who competes, on which images, by which rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import streamlit as st

from core import data, models
from core.compare import kinds, quick
from core.compare.budget import Budget
from core.compare.differences import LENGTH
from core.compare.forecast import contestant_pairs
from core.compare.plan import HIGHEST_LR, LOWEST_LR, SIZES, TRIALS, Question, contestants
from core.config import RECORDS, RunConfig, TrainingConfig
from core.data.config import DataConfig
from core.errors import ConfigError
from core.fields import Setting, settings
from pages.lab.race.factors import blocks_of, pick_factors, read_factors
from pages.lab.race.follow import fixed_differences, fixed_settings
from pages.lab.race.length import pick_quick
from pages.lab.race.link import START, race_link
from pages.lab.race.rules import pick_budget, pick_lead, pick_match, pick_seeds, pick_sizes, pick_trials
from pages.lab.race.values import acting_settings, draw_values, not_compared, read_values
from pages.shared.form import Look, draw_form, more_settings, read_form
from pages.shared.link_state import linked_widget
from pages.shared.locks import is_fixed, is_hidden, locks
from pages.shared.networks import pick_networks, ticked_networks
from pages.shared.services import count_images

WHO: Mapping[Literal["networks", "settings"], str] = {
    "networks": "Different networks", "settings": "One network, several settings",
}  # fmt: skip


class Asked(NamedTuple):
    """What the form asks, and the query of a link that fills it in the same way."""

    question: Question
    link: dict[str, str]


def race_form() -> Asked:
    """Draw the form and return what it asks. Raises ConfigError naming each value that is not allowed, when all is drawn."""
    kind_id = linked_widget(
        "kind", st.segmented_control, "Kind of comparison", list(kinds.KINDS),
        format_func=lambda name: kinds.KINDS[name].title, start="race", required=True, key="race_kind", wrap=True,
        label_visibility="collapsed",
    )  # fmt: skip
    kind = kinds.get(kind_id)
    st.caption(kind.help)
    is_quick = pick_quick(kind)
    ways, who = [name for name in WHO if name in kind.options], ""
    if ways:
        who = linked_widget(
            "vary", st.segmented_control, "Who competes", ways, format_func=WHO.__getitem__, start=ways[0], required=True,
            key=f"race_who_{kind.id}", wrap=True,
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
            draw_values(varied)
        factors = pick_factors(names[0], fixed) if "factors" in kind.options else []
    with numbers_place:
        seeds: tuple[int, ...] = (0,)
        if factors:
            n = blocks_of(factors)
            seeds = pick_seeds(n, "2 values of each setting" if n == 1 else f"{n} blocks of neighbouring values")
        elif "seeds" in kind.options:
            n = _n_contestants(names, varied)
            seeds = pick_seeds(contestant_pairs(n), f"{n} contestants")
        trials, low, high = pick_trials() if "trials" in kind.options else (TRIALS, LOWEST_LR, HIGHEST_LR)
        sizes = SIZES if "sizes" not in kind.options else quick.SIZES if is_quick else pick_sizes()
    if match != "none" and len(names) > 1:
        with rules_place:
            names = pick_lead(names)
    hidden = fixed | {setting.name for setting in (varied, *factors) if setting}
    with learning_place:
        _draw_settings(names, hidden)
    # Now all is drawn, and what is read may be refused.
    competing = _read_contestants(names, varied, hidden, is_quick=is_quick)
    amount = Budget(*budget) if isinstance(budget, tuple) else budget
    question = Question(
        kind.id, competing, seeds, amount, match, sizes, trials, low, high, factors=read_factors(factors)
    )
    vary = {varied.name: read_values(varied)} if varied else dict(question.factors)
    return Asked(question, race_link(question, vary, is_quick=is_quick) if competing else {})


def _who_competes(who: str, fixed: set[str]) -> tuple[list[str], Setting | None]:
    """The architectures that compete and, when one does with several values of a setting, that setting.

    fixed: the settings that the rules decide
    """
    if who == "networks":
        if is_hidden("architecture"):
            return ticked_networks("race_networks", START), None
        return pick_networks("race_networks", START, disabled=is_fixed("architecture")), None
    name: str = linked_widget(
        "architecture", st.selectbox, "Network", list(models.TABLE), format_func=models.title, key="race_network",
        start=START[0],
    )  # fmt: skip
    if who != "settings":
        return [name], None
    # A setting that does nothing beside the others would compare nothing.
    offered = acting_settings(name, not_compared(fixed) | (set() if is_fixed("vary") else set(locks().fixed)))
    key = f"race_setting_{name}"
    if st.session_state.get(key) not in offered:
        st.session_state[key] = next(name for name in ("batch_size", *offered) if name in offered)
    varied: str = linked_widget(
        "vary", st.selectbox, "Setting", list(offered), format_func=lambda setting: offered[setting].title, key=key,
    )  # fmt: skip
    return [name], offered[varied]


def _draw_settings(names: Sequence[str], hidden: set[str]) -> None:
    """Draw the settings that all share and, unfolded, those that each network has for itself."""
    basic, more = st.container(), more_settings("race_more")
    with basic:
        st.markdown("**Images and learning, the same for all**")
        suggested = {"dataset": data.suggested_dataset()}
        look: Look = {"hidden": locks().hidden, "disabled": locks().fixed}
        draw_form(DataConfig, "race_data", suggested=suggested, more=more, heading="Images", without=hidden, **look)
        draw_form(TrainingConfig, "race_training", more=more, heading="Learning", without=hidden, **look)
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
    values = read_values(varied) if varied else [None]
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
    own = fixed_settings(name)
    draw_form(
        models.get(name).config,
        f"race_{name}",
        without=hidden,
        disabled=own,
        hidden=set(own).intersection(locks().hidden),
    )
    if alone:
        return
    offered = {name: setting for name, setting in _offered_learning(hidden).items() if not is_fixed(name)}
    st.multiselect(
        "Learns differently from the others in", list(offered), format_func=lambda name: offered[name].title,
        key=f"race_{name}_differs", persist_state="session", placeholder="nothing: the fair choice",
        help="Two things that differ at once are confounded: nobody can say then which of them made a difference.",
    )  # fmt: skip
    differing = _differing(name, hidden)
    if differing:
        without = set(_offered_learning(hidden)) - set(differing) | hidden
        draw_form(
            TrainingConfig, f"race_{name}_learning", more=st.container(), without=without, hidden=locks().hidden,
            disabled=locks().fixed,
        )  # fmt: skip


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
    """The settings of learning that were picked for one network, and those that a link fixes for it alone."""
    offered = _offered_learning(hidden)
    picked = [setting for setting in st.session_state.get(f"race_{name}_differs", ()) if not is_fixed(setting)]
    return [setting for setting in (*fixed_differences(name), *picked) if setting in offered]


def _n_contestants(names: Sequence[str], varied: Setting | None) -> int:
    """How many compete as it stands in the form, two where that can not be told: a network has its copy for company."""
    try:
        return max(2, len(names) * (len(read_values(varied)) if varied else 1))
    except ConfigError:  # said where the values are read for the plan
        return 2
