"""The ready-made experiments: what they are, what others got, what the visitor got, and one click to start each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import count
from statistics import fmean

import streamlit as st

from core import data, models
from core.config import RunConfig, all_settings
from core.data import title
from core.errors import InputError
from core.experiments.presets import KINDS, PRESETS, Preset
from core.runs.repeats import repeats
from core.runs.rows import Run
from pages.lab.train import link
from pages.shared.markdown import sentence
from pages.shared.run_picker import percent
from pages.shared.services import store
from pages.shared.status import duration


def experiments(start: Callable[[list[RunConfig]], None], unfold: str) -> None:
    """Draw the presets of one group. start: queues runs, or raises InputError · unfold: key of what holds the form"""
    groups = [kind for kind in KINDS if any(preset.kind == kind for preset in PRESETS.values())]
    kind = st.pills(
        "Group of experiments", groups, format_func=KINDS.__getitem__, default=groups[0], required=True, wrap=True,
        key="experiments_kind", persist_state="session", label_visibility="collapsed",
    )  # fmt: skip
    present = data.present_names()
    runs = store().runs()
    with st.grid(2, min_column_width=320):
        for preset in PRESETS.values():
            if preset.kind == kind:
                with st.container(border=True, height="stretch"):
                    _card(preset.on_this_machine(), runs, present, start, unfold)


def _card(
    preset: Preset, runs: Sequence[Run], present: Collection[str], start: Callable[[list[RunConfig]], None], unfold: str
) -> None:
    configs = preset.configs()
    own = [repeats(runs, config) for config in configs]
    st.markdown(f"**{preset.title}**")
    st.markdown(preset.sentence)
    if preset.here:
        st.caption(preset.here)
    if preset.published:
        st.markdown(f"**Published:** {preset.published}.")
    st.markdown(_own_results(configs, own))
    if preset.difference:
        st.caption(preset.difference)
    needs = sorted({title(config.data.dataset) for config in configs if config.data.dataset not in present})
    if needs:
        st.caption(f"Needs {' and '.join(needs)}, which is not on this computer yet.")
        st.page_link("pages/learn/data/page.py", label="Get it on the Data page", icon=":material/download:")
        return
    # The next click adds what is still missing for a fair comparison: another seed.
    first = configs[0].training.seed
    seed = next(seed for seed in count(first) if not all(seed in found for found in own))
    with st.container(horizontal=True):
        label = "Start" if seed == first else f"Start with seed {seed}"
        pressed = st.button(label, key=f"start_{preset.id}", icon=":material/play_arrow:")
        if len({config.architecture for config in configs}) == len(configs):
            st.button("Fill in the form", key=f"fill_{preset.id}", on_click=_fill, args=(configs, unfold))
    if pressed:
        try:
            start(preset.configs(seed=seed))
        except InputError as error:
            st.error(sentence(error), icon=":material/error:")


def _fill(configs: Sequence[RunConfig], unfold: str) -> None:
    link.fill_form(configs)
    st.session_state[unfold] = True


def _own_results(configs: Sequence[RunConfig], own: Sequence[dict[int, Run]]) -> str:
    """What the visitor's own runs of a preset reached, as Markdown."""
    if not any(own):
        return "**Yours:** not run yet."
    if len(configs) == 1:
        return f"**Yours:** {_result_words(own[0])}."
    lines = [
        f"- {_config_label(config, configs)}: {_result_words(found)}"
        for config, found in zip(configs, own, strict=True)
    ]
    return "\n".join(["**Yours:**", *lines])


def _result_words(by_seed: dict[int, Run]) -> str:
    """97.46 % over 3 seeds, 12 s per epoch"""
    if not by_seed:
        return "not run yet"
    summaries = [run.summary for run in by_seed.values()]
    seconds = fmean(one["seconds"] / one["epoch"] for one in summaries)
    seeds = "1 seed" if len(by_seed) == 1 else f"{len(by_seed):,} seeds"
    return f"{percent(fmean(one['test_acc'] for one in summaries))} over {seeds}, {duration(seconds)} per epoch"


def _config_label(config: RunConfig, configs: Sequence[RunConfig]) -> str:
    """The network's title, and what tells it from other runs of the same network in the same preset."""
    alike = [one.flat() for one in configs if one.architecture == config.architecture]
    values = config.flat()
    differing = [
        f"{one.title.lower()} {one.label(values[one.name])}"
        for one in all_settings(config.architecture)
        if any(other[one.name] != values[one.name] for other in alike)
    ]
    return ", ".join([models.title(config.architecture), *differing])
