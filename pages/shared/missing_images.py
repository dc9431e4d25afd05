"""What a page says of a run whose dataset is not here: shipped ones come without, and of one's own it may have been removed."""

from __future__ import annotations

import streamlit as st

from core.data import DatasetName, title
from core.runs.rows import Run
from pages.shared.run_picker import has_result, with_images
from pages.shared.services import store


def explain_missing_images(
    who: str, dataset: DatasetName, then: str, *, several: bool = False, shipped: bool = True
) -> None:
    """Say why runs can not be looked at, and where their images are to be had.

    who: their names, escaped, one or ``several`` · then: what can be done as soon as the images are here
    shipped: whether they came with the program, or learned from the images on this computer
    """
    they, read = ("they", "read") if several else ("it", "reads")
    why = "came with Digit Lab, but" if shipped else "learned on this computer, but by now"
    gone = "did not" if shipped else "are not here"
    st.info(
        f"{who} {why} the images of {title(dataset)} {gone}. As soon as they are here, {they} {read} them and {then}.",
        icon=":material/download:",
    )  # fmt: skip
    st.page_link(
        "pages/learn/data/page.py", label=f"Get {title(dataset)} on the Data page", icon=":material/arrow_forward:",
        query_params={"dataset": dataset},
    )  # fmt: skip


def shipped_runs_with_images() -> list[Run]:
    """The shipped runs with a result whose dataset is here, so that they can be looked at instead."""
    return [run for run in with_images(store().runs()) if run.shipped and not run.patient and has_result(run)]
