"""Shipped runs come without the images they learned from: what a page says of one whose dataset is not here."""

from __future__ import annotations

import streamlit as st

from core.data import DatasetName, present_names, title
from core.runs.rows import Run
from pages.shared.run_picker import has_result
from pages.shared.services import store


def explain_missing_images(who: str, dataset: DatasetName, then: str, *, several: bool = False) -> None:
    """Say why shipped runs can not be looked at, and where their images are to be had.

    who: their names, escaped, one or ``several`` · then: what can be done as soon as the images are here
    """
    they, read = ("they", "read") if several else ("it", "reads")
    st.info(
        f"{who} came with Digit Lab, but the images of {title(dataset)} did not. As soon as they are here, "
        f"{they} {read} them and {then}.", icon=":material/download:",
    )  # fmt: skip
    st.page_link(
        "pages/learn/data/page.py", label=f"Get {title(dataset)} on the Data page", icon=":material/arrow_forward:",
        query_params={"dataset": dataset},
    )  # fmt: skip


def shipped_runs_with_images() -> list[Run]:
    """The shipped runs with a result whose dataset is here, so that they can be looked at instead."""
    here = present_names()
    healthy = [run for run in store().runs() if run.shipped and not run.patient]
    return [run for run in healthy if has_result(run) and run.config["data"]["dataset"] in here]
