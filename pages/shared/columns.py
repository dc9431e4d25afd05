"""The columns that a reader of any table of runs comes for: they stand first, and so narrow that a telephone shows them all.

On 400 pixels a table has 368, and 335 beside the boxes to tick; where there is more room, all columns grow alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.analysis.metrics import INTERVAL_MEANING

if TYPE_CHECKING:
    import pandas as pd

TABLE_WIDTH, TICKABLE_WIDTH = 368, 335  # pixels on a screen of 400: of a whole table, and beside boxes to tick
MOST_NAMED = 2  # columns that a sentence lists
COLUMN_WIDTH = 80  # pixels, of a column that says none
SECONDS_DIGITS = 3  # significant ones; a training never takes the same time twice

FIRST_COLUMNS: Mapping[str, Any] = {
    "name": st.column_config.TextColumn(width=85),
    "test (%)": st.column_config.NumberColumn(
        format="%.2f", width=58, help="Accuracy on images never seen, of the weights that the run chose by validation."
    ),
    "95 % interval": st.column_config.TextColumn(
        width=76, help=f"{INTERVAL_MEANING} In percent.",
    ),
    "parameters": st.column_config.NumberColumn(format="localized", width=66, help="Weights of the network."),
    "seconds": st.column_config.NumberColumn(
        format="localized", width=50, help="Computing time of the training. Shipped runs: on the machine they were made on."
    ),
}  # fmt: skip


def further_sentence(table: pd.DataFrame, columns: Mapping[str, Any], room: int = TABLE_WIDTH) -> str:
    """Below a table: which of its columns a telephone shows only after a swipe; "" where it shows all.

    columns: as ``st.dataframe`` takes them, with widths in pixels · room: pixels
    """
    further = []
    for title in map(str, table.columns):
        width = columns.get(title, {}).get("width")
        room -= width if isinstance(width, int) else COLUMN_WIDTH
        if room < 0:
            further.append(title)
    if not further:
        return ""
    if len(further) > MOST_NAMED:
        return f"On a narrow screen, all columns from “{further[0]}” on stand further to the right."
    verb = "stands" if len(further) == 1 else "stand"
    return f"On a narrow screen, {' and '.join(f'“{title}”' for title in further)} {verb} further to the right."


def all_columns(key: str) -> bool:
    """The switch that shows the columns which few people need. key: of the table"""
    return st.toggle("All columns", key=f"{key}_all_columns", persist_state="session")


def interval_text(low: float | None, high: float | None) -> str:
    """Fractions as "97.1–98.0" (percent), "" where they are not known."""
    return "" if low is None or high is None or low != low else f"{100 * low:.1f}–{100 * high:.1f}"


def rounded_seconds(seconds: float | None) -> float | None:
    """To as many digits as mean something: 0.0312, 12.3, 1,020."""
    return None if seconds is None else float(f"{seconds:.{SECONDS_DIGITS}g}")
