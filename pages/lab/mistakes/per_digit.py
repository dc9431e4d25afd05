"""How well each digit is read, as a table, and all answers as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.analysis.metrics import Counts, per_class
from core.runs.rows import Run
from pages.lab.mistakes.matrix import PERCENT
from pages.shared.glossary import explained
from pages.shared.tables import show_table
from pages.shared.take_away import take_it_with_you

if TYPE_CHECKING:
    import pandas as pd


def digit_by_digit(matrix: Counts) -> None:
    """matrix (K, K): images by true digit and read digit."""
    st.subheader("Digit by digit")
    st.caption(
        "Precision: of all it read as this digit, how many were. Recall: of all that were this digit, how many it read. "
        "F1: between the two."
    )
    digits = per_class(matrix)
    digits[["precision", "recall", "f1"]] *= 100
    names = {"digit": "Digit", "n": "Images", "precision": "Precision", "recall": "Recall", "f1": "F1"}
    show_table(
        digits.rename(columns=names), "digits", height="content", placeholder="–",
        column_config=explained(names.values(), {"Precision": PERCENT, "Recall": PERCENT, "F1": PERCENT}),
    )  # fmt: skip


def download_answers(run: Run, split: str, table: pd.DataFrame) -> None:
    """The table of all answers as CSV, and the other forms in which the run can be taken along."""
    take_it_with_you(run, "mistakes")
    st.download_button(
        "All answers as CSV", lambda: table.to_csv(index=False).encode(), icon=":material/download:",
        file_name=f"answers-{'shipped-' * run.shipped}{abs(run.number)}-{split}.csv", mime="text/csv", on_click="ignore",
        help="One line per image: its index, the true and the read digit, the loss in nats, ten probabilities (fractions).",
    )  # fmt: skip
