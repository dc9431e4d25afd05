"""The digit as networks see it that read its pixels in another order."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.data.dataset import Images
from core.runs.rows import Run
from pages.shared.gallery import sheet
from pages.shared.markdown import escape_markdown


def show_shuffled(runs: Sequence[Run], image: Images) -> None:
    """The same pixels in the shuffled order, where one of these runs reads them so; else nothing. image (28, 28) uint8"""
    labels = [run.label for run in runs if run.config["data"].get("pixel_order", "natural") == "shuffled"]
    if not labels:
        return
    from core.models.pixel_order import shuffled  # needs torch

    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        with st.container(width=112):
            sheet(shuffled(image[None]), columns=1, scale=4, alt="The same 28 × 28 pixels in the shuffled order")
        st.caption(
            f"Shuffled: {', '.join(map(escape_markdown, labels))} sees it like this, with the same pixels in other places. "
            "What its layers and weights show lies in this order; what speaks for an answer is put back onto your digit.",
            width="stretch",
        )
