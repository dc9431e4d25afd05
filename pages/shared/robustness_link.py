"""One click from runs to where they break."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.runs.rows import Run

MAX_RUNS = 5  # runs on one chart there


def see_robustness(runs: Sequence[Run]) -> None:
    """The link to the page with these runs, the first few of many."""
    query = {"run": ",".join(run.run_id for run in runs[:MAX_RUNS])}
    st.page_link(
        "pages/lab/robustness/page.py", label="See where it breaks" if len(runs) == 1 else "See where they break",
        icon=":material/shield:", query_params=query,
    )  # fmt: skip
