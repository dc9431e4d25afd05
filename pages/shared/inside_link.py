"""One click from a digit, or from networks alone, to what happens inside them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.data.dataset import Images
from core.runs.rows import Run
from pages.shared.carried import PARAMETER, packed

MAX_RUNS = 3  # networks that stand beside each other there


def see_inside(runs: Sequence[Run], image: Images | None = None) -> None:
    """The link. image (28, 28) uint8: the digit that goes along; None: whichever was looked at last there"""
    query = {"run": ",".join(run.run_id for run in runs[:MAX_RUNS])}
    if image is not None:
        query[PARAMETER] = packed(image)
    st.page_link("pages/lab/inside/page.py", label="See inside", icon=":material/visibility:", query_params=query)
