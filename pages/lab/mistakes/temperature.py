"""One temperature for each network, fitted on its validation images: how sure it is before and after."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from core.analysis.calibration import Calibration, fit_temperature
from core.data import DATASETS
from core.errors import InputError
from core.fields import SPLIT_WORDS, SplitName
from core.runs import measurements
from core.runs.rows import Run
from core.runs.schema import StorageError
from pages.lab.mistakes.calibrated import FIGURE_COLUMNS, calibrated, figure_columns, lines_of
from pages.shared.answered import RunAnswers
from pages.shared.chart_ink import inked
from pages.shared.choices import switch
from pages.shared.glossary import explained
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.reading import reading_bar
from pages.shared.services import evaluation, store
from pages.shared.tables import show_table

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator


class Fitted(NamedTuple):
    """temperature: None where there is none to fit · n: validation images it was fitted on, 0 for none"""

    temperature: float | None
    n: int


def show(members: Sequence[RunAnswers], split: SplitName) -> None:
    """On demand, for a shipped run has to read its validation images first. members: on the same images, at least one"""
    from core.charts.calibration import describe_reliability, reliability_curve
    from core.charts.theme import CONFIG

    st.subheader("One temperature for each network")
    st.write(
        "All ten scores of a network are divided by one number, its temperature, before they become probabilities. Above 1 it "
        "is less sure of everything, below 1 surer; what it reads stays the same. The number is fitted on the validation "
        "images alone, where the loss is smallest."
    )
    if not switch(
        "With the temperature", "temperature", "mistakes_temperature",
        "A shipped network reads its validation images first, once, which can take a minute.",
    ):  # fmt: skip
        return
    pairs: list[tuple[RunAnswers, Calibration]] = []
    rows: list[dict[str, object]] = []
    bar = st.empty()
    for number, member in enumerate(members, start=1):
        fitted = _temperature(member, bar, number, len(members))
        before = calibrated(member, split, "width")
        rows.append({"Network": member.name, "Temperature": 1.0, **figure_columns(before)})
        if fitted and fitted.temperature is not None:
            after = calibrated(member, split, "width", fitted.temperature)
            rows.append({"Network": member.name, "Temperature": fitted.temperature, **figure_columns(after)})
            pairs.append((member, after))
    bar.empty()
    if not pairs:
        return
    show_table(
        pd.DataFrame(rows), "temperature", height="content",
        column_config=explained(rows[0], {**FIGURE_COLUMNS, "Temperature": st.column_config.NumberColumn(format="%.3f")}),
        alt="Calibration of each network before and after its temperature",
    )  # fmt: skip
    st.caption(_caveats(members, pairs, split))
    lines = lines_of(*zip(*pairs, strict=True))
    st.plotly_chart(
        inked(reliability_curve(lines)), key="mistakes_reliability_after", config=dict(CONFIG),
        alt=f"With the temperature. {describe_reliability(lines)}",
    )  # fmt: skip
    st.caption("Accuracy against confidence with the temperature, in groups of equal width.")


def _caveats(members: Sequence[RunAnswers], pairs: Sequence[tuple[RunAnswers, Calibration]], split: SplitName) -> str:
    """On what was judged, and for whom the temperature made it worse. pairs: networks that have one, with their figures then"""
    judged = f"Judged on n = {len(members[0].right):,} {SPLIT_WORDS[split]} images; a temperature of 1 changes nothing."
    if split == "val":
        return f"{judged} They are those that the temperature was fitted on, so it flatters here."
    worse = [member for member, after in pairs if after.loss > calibrated(member, split, "width").loss]
    if not worse:
        return judged
    names = escape_markdown(", ".join(member.name for member in worse))
    why = DATASETS[worse[0].run.config["data"]["dataset"]].why_test_differs
    return f"{judged} It made the loss larger for {names}: what fits the validation images need not fit these. {why}"


def _temperature(member: RunAnswers, bar: DeltaGenerator, number: int, n_runs: int) -> Fitted | None:
    """From the store when it was fitted before; None, and why on screen, where there is none."""
    name = escape_markdown(member.name)
    try:
        fitted = _fitted(member.run, bar, number, n_runs)
    except StorageError:  # busy is not gone
        raise
    except InputError as error:
        st.error(f"{name} has no temperature. {sentence(error)}", icon=":material/error:")
        return None
    if not fitted.n:
        st.info(f"{name} held no images out for validation, so there is nothing to fit on.", icon=":material/rule:")
    elif fitted.temperature is None:
        st.info(
            f"{name} misreads none of its {fitted.n:,} validation images, so no temperature can be fitted: the surer, the "
            "smaller the loss.", icon=":material/rule:",
        )  # fmt: skip
    return fitted


def _fitted(run: Run, bar: DeltaGenerator, number: int, n_runs: int) -> Fitted:
    """Raises InputError where the validation images can not be read."""
    key = measurements.key("temperature", weights=measurements.weights_hash(store(), run.run_id))
    if kept := measurements.read(store(), run.run_id, key):
        return Fitted(kept["temperature"], kept["n"])
    with st.spinner(f"{escape_markdown(run.label)} reads its validation images …"):
        answers = evaluation(run, "val", reading_bar(bar, run.summary.get("n_val", 0), number, n_runs))
    if answers is None or not np.isfinite(answers.logits).all():
        return Fitted(None, 0)
    fitted = Fitted(fit_temperature(answers.logits, answers.labels), len(answers.labels))
    try:
        measurements.write(store(), run.run_id, key, fitted._asdict())
    except StorageError as error:  # it is worked out again the next time
        logging.getLogger(__name__).warning("The temperature of a run was not kept: %s", error)
    return fitted
