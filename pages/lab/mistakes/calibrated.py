"""Calibration of a run's answers, worked out once for everybody who looks at the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.analysis.calibration import Answers, Binning, Calibration, answers_of, calibration, coverage_curve
from core.fields import SplitName
from pages.lab.mistakes.matrix import PERCENT
from pages.shared.answered import RunAnswers
from pages.shared.run_look import run_look

if TYPE_CHECKING:
    import pandas as pd

    from core.charts.calibration import Reliability
    from core.engine.evaluate import Evaluation

NATS = st.column_config.NumberColumn(format="%.4f")
FIGURE_COLUMNS = {"ECE": PERCENT, "by luck": PERCENT, "95 % below": PERCENT, "Loss (nats)": NATS, "Brier": NATS}


def calibrated(member: RunAnswers, split: SplitName, binning: Binning, temperature: float = 1.0) -> Calibration:
    """All figures; the simulation of luck takes a tenth of a second for 10,000 images."""
    return _calibration(member.run.run_id, member.run.version, split, binning, temperature, member.evaluation)


def surest_first(member: RunAnswers, split: SplitName) -> tuple[Answers, pd.DataFrame]:
    """How sure each answer is, and the curve of coverage."""
    return _coverage(member.run.run_id, member.run.version, split, member.evaluation)


def figure_columns(figures: Calibration) -> dict[str, object]:
    """The cells of a table's row that say how well a network is calibrated, for ``FIGURE_COLUMNS``; shares in percent."""
    return {
        "ECE": 100 * figures.ece, "by luck": 100 * figures.floor.median, "95 % below": 100 * figures.floor.high,
        "Verdict": "not distinguishable from perfect" if figures.is_within_floor else "more than luck",
        "Loss (nats)": figures.loss, "Brier": figures.brier,
    }  # fmt: skip


def lines_of(members: Sequence[RunAnswers], figures: Sequence[Calibration]) -> list[Reliability]:
    """What the charts of reliability take."""
    from core.charts.calibration import Reliability

    return [
        Reliability(member.name, run_look(member.run), figure.bins)
        for member, figure in zip(members, figures, strict=True)
    ]


@st.cache_resource(show_spinner=False, max_entries=128)
def _calibration(
    run_id: str, version: int, split: SplitName, binning: Binning, temperature: float, _evaluation: Evaluation
) -> Calibration:
    return calibration(_evaluation.logits, _evaluation.labels, binning, temperature)


@st.cache_resource(show_spinner=False, max_entries=32)
def _coverage(run_id: str, version: int, split: SplitName, _evaluation: Evaluation) -> tuple[Answers, pd.DataFrame]:
    answers = answers_of(_evaluation.logits, _evaluation.labels)
    return answers, coverage_curve(answers)
