"""From the score to a training that learns from the kept digits: the form of the Train page, filled in."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.config import RunConfig, run_config
from core.errors import InputError
from core.experiments.recipes import CLASS_SET_SHARE, FINE_TUNING
from core.runs.rows import Run


def train_with_them(runs: Sequence[Run]) -> None:
    """Choose one of the networks, and two links."""
    st.markdown("**Does it help to learn from them?**")
    by_id = {run.run_id: run for run in runs}
    run_id = st.selectbox("Network", list(by_id), format_func=lambda run_id: by_id[run_id].label, key="draw_our_run")
    run = by_id[run_id]
    try:
        config = run.run_config()
        fine_tuning = run_config(run.architecture, {**config.flat(), **FINE_TUNING, "class_set": CLASS_SET_SHARE})
    except InputError:
        st.caption("This run was made for settings that no longer exist, so it can not be trained again.")
        return
    with st.container(horizontal=True):
        st.page_link(
            "pages/lab/train/page.py", label="Train it anew with our digits mixed in", icon=":material/model_training:",
            query_params=_link(config) | {"class_set": str(CLASS_SET_SHARE)},
        )  # fmt: skip
        st.page_link(
            "pages/lab/train/page.py", label="Fine-tune its weights on our digits", icon=":material/tune:",
            query_params=_link(fine_tuning) | {"start_from": run.run_id},
        )  # fmt: skip
    st.caption(
        "Either opens the Train page with its form filled in. About half of our digits are learned from; come back here "
        "afterwards and choose both runs: they are then judged on the other half."
    )


def _link(config: RunConfig) -> dict[str, str]:
    return {"architecture": config.architecture, "dataset": config.data.dataset, **config.link()}
