"""From what was asked to runs that can be started: the plan, what it chose and converted, and the button."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from core import data
from core.compare import kinds
from core.compare.differences import confounders, title_text, value_text
from core.compare.forecast import forecast
from core.compare.kinds.grid import cells_of
from core.compare.plan import Plan, Question
from core.config import RunConfig
from core.data import title
from core.errors import ConfigError, InputError
from core.machine.faults import faults_as_input_errors
from pages.lab.race import speeds
from pages.lab.race.form import race_form
from pages.shared.estimate import at_a_time, estimate_runs
from pages.shared.held_out import held_out_sentence
from pages.shared.kept_weights import kept_weights_sentence
from pages.shared.long_training import start_or_ask
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.page_link import page_link
from pages.shared.services import dataset, launch_group, store

MAX_OPEN_CONTESTANTS = 8  # contestants whose lines stand on the page; more of them are folded


SET_UP = "race_set_up"  # key of the expander around it
STARTED = "race_started_group"  # session state: id of the group that was started just now


def set_up() -> None:
    """The form, what would be started, and the button; ``STARTED`` names the group that it has started."""
    place = st.container()
    st.markdown("**What will run**")
    preview = st.container()
    try:
        with place:
            question, link = race_form()
        with preview:
            plan = _ready_plan(question)
    except InputError as error:
        preview.error(sentence(error), icon=":material/error:")
        plan = None
    with preview:
        if plan:
            _preview(plan)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Name", key="race_name", placeholder=plan.name if plan else "", help="Of the group; without one it is named "
            "after who competes.", width=320,
        )  # fmt: skip
        runs = "" if plan is None else " (1 run)" if len(plan.configs) == 1 else f" ({len(plan.configs)} runs)"
        pressed = st.button(
            f"Start the race{runs}", type="primary", icon=":material/flag:", shortcut="mod+enter", disabled=plan is None,
            key="race_start",
        )  # fmt: skip
        if plan:
            with st.popover("Link to this set-up", icon=":material/link:", type="tertiary"):
                page_link("race", link)
    if pressed and plan:
        named = replace(plan, name=name.strip() or plan.name)
        try:
            start_or_ask(SET_UP, estimate_runs(plan.configs, store().runs()), partial(_start, named))
        except InputError as error:
            st.error(sentence(error), icon=":material/error:")


def _start(plan: Plan) -> None:
    st.session_state[STARTED] = launch_group(plan)


def competing_configs(question: Question) -> Sequence[RunConfig]:
    """Every network whose speed counts: the contestants, or the cells of a grid. Raises ConfigError."""
    return [config for row in cells_of(question) for config in row] if question.factors else question.contestants


def _n_images(question: Question) -> int:
    """Training images of the dataset that the question is about. Raises DataError when it is not here."""
    return len(dataset(question.contestants[0].data.dataset).train_images)


def _entrants(question: Question) -> tuple[RunConfig, ...]:
    """The contestants as they would compete with the speeds that are measured so far."""
    return kinds.plan(question, n_images=_n_images(question), images_per_s=speeds.images_per_s).firsts


def _ready_plan(question: Question) -> Plan | None:
    """None when something has to be done first, which is on screen then."""
    if not question.contestants:
        raise ConfigError("There is no network to run: choose at least one", ("contestants",))
    wanted = question.contestants[0].data.dataset
    if wanted not in data.present_names():
        st.info(f"{title(wanted)} is not on this computer yet.", icon=":material/download:")
        st.page_link("pages/learn/data/page.py", label="Get it on the Data page", icon=":material/arrow_forward:")
        return None
    if question.needs_speed:
        competing = competing_configs(question)
        ready = all(speeds.is_measured(config, question.match) for config in competing)
        if not ready:
            st.info("Seconds have to be measured first, for every network once.", icon=":material/speed:")
        speeds.measuring(competing, question.match, lambda: _entrants(question))
        if not ready:
            return None
    with faults_as_input_errors():
        return kinds.checked_plan(question, n_images=_n_images(question), images_per_s=speeds.images_per_s)


def _preview(plan: Plan) -> None:
    contestants, options = plan.details["contestants"], kinds.get(plan.kind).options
    place = (
        st.container()
        if len(contestants) <= MAX_OPEN_CONTESTANTS
        else st.expander(f"The {len(contestants)} contestants")
    )
    for contestant, config in zip(contestants, plan.firsts, strict=True):
        facts = _facts(contestant, config, several_lengths="sizes" in options)
        place.markdown(f"**{escape_markdown(contestant['label'])}**: {facts}")
    st.caption(held_out_sentence(plan.firsts[0]))
    if kept_weights := kept_weights_sentence(plan.configs):
        st.caption(kept_weights)
    for note in plan.notes:
        st.caption(escape_markdown(note))
    guess = estimate_runs(plan.configs, store().runs())
    runs = "1 run" if len(plan.configs) == 1 else f"{len(plan.configs)} runs"
    time = f", together **{guess}** ({guess.source})" if guess else ""
    st.markdown(f"**{runs}**{time}, seed by seed and {at_a_time(plan.configs)}.")
    for line in forecast(plan, store()):
        st.caption(escape_markdown(line))
    besides = confounders(plan.configs, plan.details["exempt"])
    if besides:
        st.warning(
            f"These also differ: {escape_markdown('; '.join(besides))}. So nobody will be able to say what made a "
            "difference, and there will be no winner.",
            icon=":material/join:",
        )


def _facts(contestant: Mapping[str, Any], config: RunConfig, *, several_lengths: bool) -> str:
    """Sizes, parameters, multiply-adds and how long it trains, as Markdown."""
    sizes = [f"{title_text(config, name)} {value_text(config, name)}" for name in contestant["sizes"]]
    n_params, multiply_adds = contestant["parameters"], contestant["multiply_adds"]
    facts = [*sizes, f"{n_params:,} parameters", f"{multiply_adds:,} multiply-adds per image"]
    if not several_lengths:
        training = config.training
        facts.append("1 epoch" if training.epochs == 1 else f"{training.epochs:,} epochs")
        if training.max_steps:
            facts[-1] = f"{training.max_steps:,} steps"
    return escape_markdown(", ".join(facts))
