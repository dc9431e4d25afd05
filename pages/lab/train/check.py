"""What the form's settings would train, what that costs, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import models
from core.config import RunConfig, run_config
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from pages.lab.train import locks
from pages.lab.train.settings_form import missing_datasets
from pages.shared.estimate import at_a_time, estimate_runs
from pages.shared.held_out import held_out_sentence
from pages.shared.kept_weights import kept_weights_sentence
from pages.shared.markdown import escape_markdown
from pages.shared.services import count_images, store

MOST_LINES = 3  # networks whose costs stand on the page; more of them are folded


def valid_configs(values: Mapping[str, Mapping[str, object]]) -> tuple[list[RunConfig], list[str]]:
    """The configs that can be trained here, and what is wrong with the others: a sentence once, however many networks it is
    about. values: by architecture, then by name"""
    from core.machine.device import checked_configs

    challenge = locks.challenge()
    configs: list[RunConfig] = []
    faults: list[str] = []
    for name, settings in values.items():
        try:
            with faults_as_input_errors():
                checked = checked_configs([run_config(name, settings)], count_images)
                if challenge:
                    challenge.check(checked[0])
                configs += checked
        except InputError as error:
            faults.append(str(error))
    return configs, list(dict.fromkeys(faults))


def is_ready(configs: Sequence[RunConfig]) -> bool:
    """Whether there is something to train, and something to train it on."""
    return bool(configs) and configs[0].data.dataset not in missing_datasets()


@dataclass(frozen=True, slots=True)
class Check:
    """What came of the settings, on screen.

    configs: those to train, [] as long as one of them has a fault · sized: those whose size is on screen
    lines: one for each of these · below: the place under all of them
    """

    configs: list[RunConfig]
    sized: list[RunConfig]
    lines: list[DeltaGenerator]
    below: DeltaGenerator

    def add_times(self) -> None:
        """Put beside each size how long it will take. Called last, for a network that is new here is timed for that."""
        runs = store().runs()
        for config, line in zip(self.sized, self.lines, strict=True):
            guess = estimate_runs([config], runs)
            line.caption(f"{guess} ({guess.source})" if guess else "time unknown until the first run", width="content")
        together = estimate_runs(self.sized, runs) if len(self.sized) > 1 else None
        if together:
            self.below.caption(
                f"Together {together}: they share this computer and train side by side, {at_a_time(self.sized)}."
            )


def check(values: Mapping[str, Mapping[str, object]]) -> Check:
    """The sizes of the networks, and what is wrong with the settings."""
    from core.engine.optimizers import muon_sentence

    configs, faults = valid_configs(values)
    place = st.container() if len(values) <= MOST_LINES else st.expander("What each of them costs")
    lines = [place.container(horizontal=True, vertical_alignment="center") for _ in configs]
    for config, line in zip(configs, lines, strict=True):
        n_params = models.get(config.architecture).n_params(config.model)
        line.markdown(f"**{models.title(config.architecture)}**: {n_params:,} parameters", width="content")
    if configs and (sentences := " ".join(filter(None, (held_out_sentence(configs[0]), _begins_with(configs[0]))))):
        st.caption(sentences)  # the same for all of them
    if kept_weights := kept_weights_sentence(configs):
        st.caption(kept_weights)
    for muon in filter(None, map(muon_sentence, configs)):
        st.caption(escape_markdown(muon))
    below = st.empty()
    for fault in faults:
        st.error(escape_markdown(fault), icon=":material/error:")
    return Check([] if faults else configs, configs, lines, below)


def _begins_with(config: RunConfig) -> str:
    """What a link from Draw has set, for those settings are folded; "" where nothing is."""
    sentences = []
    if config.data.class_set:
        sentences.append(
            f"{100 * config.data.class_set:g} % of the images that are learned from are digits kept on the Draw page."
        )
    if config.training.start_from:
        sentences.append(f"Learning begins with the weights of run {config.training.start_from[:12]}.")
    return " ".join(sentences)
