"""The map as tables, for whoever can not see it: the picked images one by one, and all of them digit by digit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core.data.dataset import Labels
from pages.lab.inside.map_picks import SHOWN_PICKS
from pages.lab.inside.map_reading import OnMap, Placed, Read
from pages.shared.markdown import escape_markdown


def show_tables(placed: Sequence[Placed], shown: OnMap, picks: Sequence[int]) -> None:
    """Draw both, folded. picks: positions on the map"""
    place = st.expander("The map as a table", key="inside_map_table", on_change="rerun")
    if not place.open:
        return
    with place:
        if picks:
            few = list(picks[:SHOWN_PICKS])
            more = f", the first {len(few)} of {len(picks):,}" if len(few) < len(picks) else ""
            st.caption(f"The picked test images of {shown.digits.title}{more}.")
            picked = pd.DataFrame(
                {"Test image": [f"{i:,}" for i in shown.chosen[few]], "True digit": shown.labels[few].astype(str)}
                | {f"{escape_markdown(entry.run.label)} reads": entry.made.answers[few].astype(str) for entry in placed}
            )
            st.table(picked, hide_index=True)
        st.caption(
            "All images on the map by their true digit: how many are misread and as what, and which other digit lies nearest "
            "on average, by the numbers that the network has for them."
        )
        digits = np.unique(shown.labels)
        with st.grid(len(placed), min_column_width=300):
            for entry in placed:
                with st.container():
                    st.markdown(f"**{escape_markdown(entry.run.label)}**")
                    st.table(_by_digit(entry.made, shown, digits), hide_index=True)


def _by_digit(made: Read, shown: OnMap, digits: Labels) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Digit": digits.astype(str),
            "Images": [f"{(shown.labels == digit).sum():,}" for digit in digits],
            "Misread": [_misread(made, shown, digit) for digit in digits],
            "Nearest digit": _nearest(made, shown, digits),
        }
    )


def _misread(made: Read, shown: OnMap, digit: int) -> str:
    """Such as "3, most often as 8"."""
    answers = made.answers[(shown.labels == digit) & (made.answers != digit)].tolist()
    return f"{len(answers):,}, most often as {Counter(answers).most_common(1)[0][0]}" if answers else "none"


def _nearest(made: Read, shown: OnMap, digits: Labels) -> list[str]:
    """For each digit the other one whose mean lies nearest to its own."""
    means = np.stack([made.vectors[shown.labels == digit].mean(0) for digit in digits])
    distances = np.linalg.norm(means[:, None] - means[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    return [str(digits[nearest]) for nearest in distances.argmin(1)]
