"""Why this answer: which pixels speak for a digit, by four methods, beside the control with weights drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.charts.inside import attribution_overlay, describe_attribution
from core.charts.signed import common_limit
from core.charts.theme import CONFIG
from core.data.dataset import N_CLASSES, Images
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from core.runs.rows import Run
from pages.shared.chart_ink import inked
from pages.shared.choices import follow, keep, pick, switch
from pages.shared.link_state import linked_widget
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.services import predictor

if TYPE_CHECKING:
    from core.inspect.attribution import Attribution, Method

READ = "what it reads"


def show(runs: Sequence[Run], image: Images) -> None:
    """Draw the choice of a method, and a map for each network. image (28, 28) uint8"""
    from core.inspect.attribution import ABOUT, TITLES

    digits: list[str | int] = [READ, *range(N_CLASSES)]
    follow("for", "inside_target", digits, READ)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method: Method = pick("Method", "method", "inside_method", TITLES, "integrated-gradients")
        digit = linked_widget(
            "for", st.selectbox, "What speaks for", digits, key="inside_target", width=160,
            help="The digit whose score is explained.",
        )  # fmt: skip
        keep("for", digit, READ)
        randomised = switch(
            "Weights drawn anew", "redrawn", "inside_redrawn",
            "The honest control (Adebayo and others, 2018): the same network before it learned anything. A method whose "
            "picture hardly changes shows the digit, and not what was learned.",
        )  # fmt: skip
        common = switch(
            "One range for all", "common", "inside_common",
            "The strongest colour means the same number for every network. Networks differ in how large their scores are.",
        )  # fmt: skip
    st.caption(ABOUT[method])
    maps: list[tuple[Run, Attribution | InputError]] = []
    for run in runs:
        try:
            with faults_as_input_errors():
                target = None if digit == READ else int(digit)
                maps.append(
                    (
                        run,
                        _attribution(run.run_id, run.version, image.tobytes(), method, target, randomised, run, image),
                    )
                )
        except InputError as error:
            maps.append((run, error))
    limit = common_limit([entry.values for _, entry in maps if not isinstance(entry, InputError)]) if common else None
    with st.grid(len(maps) or 1, min_column_width=240):
        for run, entry in maps:
            with st.container():
                state = ", before it learned" if randomised else ""
                st.markdown(f"**{escape_markdown(run.label)}**{state}")
                if isinstance(entry, InputError):
                    st.info(sentence(entry), icon=":material/block:")
                else:
                    _map(run, entry, image, limit)


def _map(run: Run, made: Attribution, image: Images, limit: float | None) -> None:
    words = describe_attribution(made.values, image)
    st.plotly_chart(
        inked(attribution_overlay(made.values, image, limit=limit)), key=f"inside_why_{run.run_id}", config=dict(CONFIG),
        alt=f"What speaks for a {made.digit}: {words}",
    )  # fmt: skip
    st.caption(f"What speaks for a {made.digit}. {words}")
    if made.completeness_error is not None:
        st.caption(
            f"All marks together should make up the difference of the scores of this image and of empty paper, "
            f"{made.score_difference:.3f}; they miss it by {made.completeness_error:.4f}."
        )


@st.cache_resource(show_spinner=False, max_entries=128)
def _attribution(
    run_id: str,
    version: int,
    pixels: bytes,
    method: Method,
    digit: int | None,
    randomised: bool,
    _run: Run,
    _image: Images,
) -> Attribution:
    from core.inspect.attribution import attribute

    network = predictor(_run)
    return attribute(network.module, _image, network.mean, network.std, method, digit, randomised=randomised)
