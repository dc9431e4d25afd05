"""Named corruptions: how many of the same test images each run still reads after each of fifteen kinds of harm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core.analysis.metrics import INTERVAL_MEANING
from core.charts.robustness import corruption_bars, describe_corruptions
from core.charts.theme import CONFIG
from core.inspect.corruptions import CORRUPTIONS, corrupt
from core.inspect.robustness import CORRUPTION, UNDISTORTED, Point, points
from core.runs.rows import Run
from pages.lab.robustness.judged import Judged, judged
from pages.lab.robustness.measured import RESULT_COLUMNS, on_images, result_table, shown_counts, table
from pages.lab.robustness.measuring import POLL_SECONDS, goes_on, measuring
from pages.shared.busy import fragment
from pages.shared.chart_ink import inked
from pages.shared.digit_choice import digit_looked_at
from pages.shared.gallery import sheet
from pages.shared.glossary import explain, explained
from pages.shared.markdown import escape_markdown
from pages.shared.services import get_ready
from pages.shared.tables import show_table

WHAT = "Every corruption"
IN_A_ROW = 4  # pictures of a half
PLACES = {UNDISTORTED: "As it is"} | {
    Point(CORRUPTION + name, 1.0): corruption.title for name, corruption in CORRUPTIONS.items()
}


def show(runs: Sequence[Run]) -> None:
    """Draw what measures them, a digit with each corruption, and the bars."""
    members = judged(runs)
    if members is None:
        return
    st.caption(
        "Kinds of harm like those of MNIST-C (Mu and Gilmer 2019), made by Digit Lab after their descriptions, each at one "
        "strength. They are not the files of MNIST-C, so these figures and those of papers compare only roughly."
    )
    image = digit_looked_at()
    pictures = np.stack([image, *(corrupt(name, image[None])[0] for name in CORRUPTIONS)])
    captions = list(PLACES.values())
    with st.grid(2, min_column_width=320):  # a telephone shows one half below the other, large enough to read
        for half in (slice(None, len(captions) // 2), slice(len(captions) // 2, None)):
            alt = f"One digit: {', '.join(captions[half]).lower()}"
            sheet(pictures[half], columns=IN_A_ROW, captions=captions[half], alt=alt)
    is_moving = goes_on(members, WHAT)
    fragment(_bars, run_every=POLL_SECONDS if is_moving else None)(members, is_moving)


def _plan() -> tuple[Point, ...]:
    return points([CORRUPTION + name for name in CORRUPTIONS])


def _bars(members: Judged, is_moving: bool) -> None:
    """is_moving: what the page around it was drawn for"""
    get_ready()  # a fragment has a thread of its own
    shown = shown_counts(members, list(PLACES))
    rows = table(members, shown, PLACES, "title")
    measuring(members, _plan(), WHAT, is_moving)
    st.caption(f"{on_images(shown, members)} The thin lines are 95 % intervals.", help=INTERVAL_MEANING)
    harmed = rows[rows["title"] != PLACES[UNDISTORTED]]
    words = describe_corruptions(harmed)
    st.plotly_chart(inked(corruption_bars(_worst_last(rows))), key="robustness_bars", alt=words, config=dict(CONFIG))
    if len(harmed):
        st.markdown(escape_markdown(words))
    explain("accuracy", "test", "interval")
    twin = st.expander("The same as a table", key="robustness_bars_twin", on_change="rerun")
    if twin.open:
        results = result_table(rows, {"corruption": rows["title"]})
        show_table(
            results, "corruptions", place=twin, height=400, column_config=explained(results, RESULT_COLUMNS),
            alt="Accuracy of each run with each corruption",
        )  # fmt: skip


def _worst_last(rows: pd.DataFrame) -> pd.DataFrame:
    """The same rows, corruption by corruption, those that all runs together read best first."""
    order = rows.groupby("title")["accuracy"].mean().sort_values(ascending=False).index
    return rows.sort_values(
        "title", key=lambda titles: titles.map({title: i for i, title in enumerate(order)}), kind="stable"
    )
