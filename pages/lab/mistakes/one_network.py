"""One network: its figures, what it took for what, and the images behind each cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.analysis.metrics import INTERVAL_MEANING, confusion, wilson
from core.analysis.predictions import prediction_table
from pages.lab.mistakes.choice import pick_run_and_split, read_answers
from pages.lab.mistakes.images import cell_images, one_image
from pages.lab.mistakes.matrix import clickable_matrix, most_confused
from pages.lab.mistakes.per_digit import digit_by_digit, download_answers
from pages.shared.glossary import explain
from pages.shared.robustness_link import see_robustness
from pages.shared.run_picker import percent

if TYPE_CHECKING:
    import pandas as pd

    from core.engine.evaluate import Evaluation


def show() -> None:
    """The choice of a run and of the images, and all about its answers."""
    choice = pick_run_and_split()
    if choice is None:
        return
    run, split = choice
    evaluation = read_answers(run, split)
    if evaluation is None:
        return
    table = _answer_table(run.run_id, run.version, split, evaluation)
    matrix = confusion(table["truth"].to_numpy(), table["predicted"].to_numpy())
    n, right = len(table), int(np.trace(matrix))
    low, high = wilson(right, n)
    with st.grid(3, min_column_width=150):
        st.metric("Accuracy", percent(right / n), help="Share of images that were read correctly.")
        st.metric("Mistakes", f"{n - right:,}", help="Number of images that were misread.")
        st.metric(
            "Loss", f"{table['loss'].mean():.4f} nats", help="Mean per image. 0 is perfect; guessing gives 2.3026."
        )
    st.caption(
        f"n = {n:,} images. On endlessly many images like these, the accuracy would lie between {percent(low)} and "
        f"{percent(high)} (95 % interval).", help=INTERVAL_MEANING,
    )  # fmt: skip
    if run.older_split:
        st.caption(run.older_split)

    left, beside = st.columns([11, 10], gap="medium")
    with left:
        clickable_matrix(matrix)
        most_confused(matrix)
    with beside:
        shown = cell_images(run, split, table, evaluation.labels)
    if shown:
        one_image(run, table, shown)

    see_robustness([run])
    digit_by_digit(matrix)
    explain("accuracy", "loss", "nats", "interval", "probability", "precision", "recall", "F1")
    download_answers(run, split, table)


# What everybody who looks at the same run is shown is worked out once.
@st.cache_resource(show_spinner=False, max_entries=32)
def _answer_table(run_id: str, version: int, split: str, _evaluation: Evaluation) -> pd.DataFrame:
    return prediction_table(_evaluation.logits, _evaluation.labels)
