"""The runs of which what is stored no longer is what was written: why, and the one thing that can be done with them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.runs.rows import DamagedRun
from pages.shared.services import store


def damaged_runs(key: str, runs: Sequence[DamagedRun]) -> None:
    """Below the table of all other runs. key: of that table, above which a deletion can be undone"""
    n = len(runs)
    subject, they = ("1 run is", "It") if n == 1 else (f"{n:,} runs are", "They")
    st.warning(
        f"{subject} damaged: what is stored was changed on the disk or by hand. {they} can not be shown, compared or "
        "continued, only deleted. All other runs are as they were.",
        icon=":material/broken_image:",
    )
    frame = pd.DataFrame(
        {
            "name": [run.name for run in runs],
            "status": ["damaged"] * n,
            "what is damaged": [run.reason for run in runs],
            "id": [run.run_id for run in runs],
        }
    )
    st.dataframe(frame, key=f"{key}_damaged_list", hide_index=True, alt="Damaged runs, and what of each is damaged")
    st.button(
        "Delete damaged runs" if n > 1 else "Delete the damaged run", icon=":material/delete:", key=f"{key}_damaged",
        on_click=_delete, args=(key, runs),
    )  # fmt: skip


def _delete(key: str, runs: Sequence[DamagedRun]) -> None:
    for run in runs:
        store().delete_damaged(run.number)
    st.session_state[f"{key}_deleted"] = [run.run_id for run in runs]
