"""How sure they are: are networks as often right as they say, and what does it help to answer only when sure?"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.analysis.calibration import Binning, Calibration
from core.analysis.metrics import INTERVAL_MEANING
from core.fields import SPLIT_WORDS, SplitName
from pages.lab.mistakes import abstain, temperature
from pages.lab.mistakes.calibrated import FIGURE_COLUMNS, calibrated, figure_columns, lines_of
from pages.lab.mistakes.choice import answers_side_by_side, pick_runs_and_split
from pages.lab.mistakes.matrix import PERCENT
from pages.shared.answered import RunAnswers
from pages.shared.busy import fragment
from pages.shared.chart_ink import inked
from pages.shared.choices import pick
from pages.shared.glossary import explain, explained
from pages.shared.markdown import escape_markdown
from pages.shared.run_picker import percent
from pages.shared.tables import show_table

BINNINGS: dict[Binning, str] = {"width": "Of equal width", "count": "Of equal counts"}


def show() -> None:
    """The choice of runs and images, and three questions about their confidence."""
    choice = pick_runs_and_split()
    if choice is None:
        return
    runs, split = choice
    members = answers_side_by_side(runs, split)
    if not members:
        return
    fragment(_reliability)(members, split)
    fragment(abstain.show)(members, split)
    fragment(temperature.show)(members, split)
    explain("calibration", "ECE", "probability", "loss", "Brier", "coverage", "temperature", "interval")


def _reliability(members: Sequence[RunAnswers], split: SplitName) -> None:
    from core.charts.calibration import bin_counts, describe_counts, describe_reliability, reliability_curve
    from core.charts.theme import CONFIG

    st.subheader("As often right as they say?")
    st.write(
        "Of all answers of which a network is 90 % sure, 90 in 100 should be right. Below the dashed line it is too sure, "
        "above it not sure enough."
    )
    binning = pick(
        "Groups", "bins", "mistakes_bins", BINNINGS, "width",
        "The answers are put into 15 groups, or bins, by how sure they are: each as wide as the others, as papers do it, or "
        "each with about as many images.",
    )  # fmt: skip
    figures = [calibrated(member, split, binning) for member in members]
    for member, figure in zip(members, figures, strict=True):
        st.markdown(f"**{escape_markdown(member.name)}** {verdict(figure)}")
    lines = lines_of(members, figures)
    st.plotly_chart(
        inked(reliability_curve(lines)),
        key="mistakes_reliability",
        config=dict(CONFIG),
        alt=describe_reliability(lines),
    )
    n = len(members[0].right)
    st.caption(
        f"n = {n:,} {SPLIT_WORDS[split]} images. Large marks stand for many images; bars are 95 % intervals.",
        help=INTERVAL_MEANING,
    )
    if binning == "width":
        st.plotly_chart(
            inked(bin_counts(lines)), key="mistakes_bin_counts", config={**CONFIG, "displayModeBar": False},
            alt=describe_counts(lines),
        )  # fmt: skip
        st.caption("How many images each group has. Where there are few, luck decides how high a mark stands above.")
    rows = _table(members, figures)
    show_table(
        rows, "calibration", height="content",
        column_config=explained(rows, {"Accuracy": PERCENT, "Sure on average": PERCENT, **FIGURE_COLUMNS}),
        alt=f"Calibration of each network on {n:,} {SPLIT_WORDS[split]} images",
    )  # fmt: skip
    st.caption(
        "ECE: how far “sure” and “right” lie apart, on average over images. By luck: what a network that is exactly as often "
        "right as it says comes to, with these very probabilities: the median of 1,000 simulated ones, and what 95 in 100 stay "
        "below. Each row is one run: another seed would come out a little differently." + _why_unsure(members)
    )
    twin = st.expander("The groups as a table", key="mistakes_bins_twin", on_change="rerun")
    if twin.open:
        show_table(
            _bins_table(members, figures), "reliability", place=twin, alt="Confidence and accuracy in each group",
            column_config=dict.fromkeys(
                ("sure, more than", "sure, up to", "sure, on average", "accuracy", "from", "to"), PERCENT
            ),
        )  # fmt: skip


def verdict(figures: Calibration) -> str:
    """What follows a network's name, in words."""
    sure = f"is {percent(figures.confidence)} sure on average and {percent(figures.accuracy)} right"
    error = f"ECE {percent(figures.ece)}, by luck up to {percent(figures.floor.high)}"
    if figures.is_within_floor:
        return f"{sure}: not distinguishable from perfect ({error})."
    way = "too sure" if figures.confidence > figures.accuracy else "not sure enough"
    return f"{sure}: {way}, by more than luck ({error})."


def _table(members: Sequence[RunAnswers], figures: Sequence[Calibration]) -> pd.DataFrame:
    """One row per network; shares in percent."""
    return pd.DataFrame(
        [
            {
                "Network": member.name, "Accuracy": 100 * figure.accuracy, "Sure on average": 100 * figure.confidence,
                **figure_columns(figure),
            }
            for member, figure in zip(members, figures, strict=True)
        ]
    )  # fmt: skip


def _why_unsure(members: Sequence[RunAnswers]) -> str:
    """A sentence about those that were trained to be less than sure; "" without any."""
    smoothed = [member.name for member in members if member.run.config["training"].get("label_smoothing", 0)]
    if not smoothed:
        return ""
    names = escape_markdown(", ".join(smoothed))
    return f" Trained with label smoothing, which teaches a network never to be quite sure: {names}."


def _bins_table(members: Sequence[RunAnswers], figures: Sequence[Calibration]) -> pd.DataFrame:
    names = {
        "low": "sure, more than", "high": "sure, up to", "n": "images", "right": "right", "confidence": "sure, on average",
        "accuracy": "accuracy", "wilson_low": "from", "wilson_high": "to",
    }  # fmt: skip
    frames = []
    for member, figure in zip(members, figures, strict=True):
        bins = figure.bins[figure.bins["n"] > 0].copy()
        shares = ["low", "high", "confidence", "accuracy", "wilson_low", "wilson_high"]
        bins[shares] *= 100
        frames.append(bins.rename(columns=names).assign(network=member.name)[["network", *names.values()]])
    return pd.concat(frames, ignore_index=True)
