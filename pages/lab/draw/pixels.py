"""Which pixels speak for each network's answer: small pictures under the answers, where they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.charts.inside import describe_attribution
from core.charts.signed import signed_text
from core.charts.tiles import tiles
from core.data.dataset import Images
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from core.runs.rows import Run
from pages.shared.carried import PARAMETER, packed
from pages.shared.inside_link import MAX_RUNS
from pages.shared.link_state import follow_once, linked_widget, remember
from pages.shared.markdown import sentence
from pages.shared.services import predictor

if TYPE_CHECKING:
    from core.inspect.attribution import Attribution, Method

SWITCH, ADDRESS = "draw_pixels", "pixels"
METHOD: Method = "integrated-gradients"  # signed, and as quick as any: 5 to 25 ms a network
STRONG_SHARE = 0.99  # of the pixels, which have less than the strongest colour
SCALE = 5  # screen pixels per pixel


def switch() -> bool:
    """Draw the switch; returns whether the pictures are wanted. It stands in the address."""
    if follow_once(ADDRESS, SWITCH) == "1":
        st.session_state[SWITCH] = True
    wanted = bool(linked_widget(ADDRESS, st.toggle, "Show which pixels speak for it", key=SWITCH))
    remember(ADDRESS, SWITCH, "1" if wanted else "")
    return wanted


def attributions(runs: Sequence[Run], image: Images) -> dict[str, Attribution | InputError]:
    """By run id, for the digit that each run reads, or why there is none. image (28, 28) uint8"""
    from core.inspect.attribution import attribute

    made: dict[str, Attribution | InputError] = {}
    for run in runs:
        try:
            with faults_as_input_errors():
                network = predictor(run)
                digit = int(network.probabilities(image[None])[0].argmax())
                made[run.run_id] = attribute(network.module, image, network.mean, network.std, METHOD, digit)
        except InputError as error:
            made[run.run_id] = error
    return made


def show_pixels(run: Run, image: Images, made: Mapping[str, Attribution | InputError]) -> None:
    """The picture under a run's answer; its strongest colour means the same for all of ``made``."""
    attribution = made[run.run_id]
    if isinstance(attribution, InputError):
        st.caption(sentence(attribution))
        return
    words = describe_attribution(attribution.values, image)
    picture = tiles(attribution.values[None], limit=_limit(made), columns=1, scale=SCALE, under=image)
    st.image(picture, alt=f"What speaks for a {attribution.digit}: {words}")
    st.caption(f"What speaks for a {attribution.digit}. {words}")


def explain_pixels(runs: Sequence[Run], image: Images, made: Mapping[str, Attribution | InputError]) -> None:
    """What the pictures are, what they do not show, and where there is more."""
    from core.inspect.attribution import ABOUT, TITLES

    limit = signed_text(float(f"{_limit(made):.2g}"))
    st.caption(
        f"{TITLES[METHOD]}: yellow speaks for the digit that is read, hatched blue against it, grey for neither; the strongest "
        f"colour is {limit} of the score or more, the same for all. {ABOUT[METHOD]}"
    )
    query = {"run": ",".join(run.run_id for run in runs[:MAX_RUNS]), PARAMETER: packed(image), "view": "why"}
    st.page_link(
        "pages/lab/inside/page.py", label="Other methods and the control: Why this answer", icon=":material/troubleshoot:",
        query_params=query,
    )  # fmt: skip


def _limit(made: Mapping[str, Attribution | InputError]) -> float:
    """What has the strongest colour: the value that one pixel in a hundred reaches, over all networks; the few beyond it would
    leave all others grey."""
    sizes = [np.abs(entry.values) for entry in made.values() if not isinstance(entry, InputError)]
    return float(np.quantile(sizes, STRONG_SHARE)) if sizes else 0.0
