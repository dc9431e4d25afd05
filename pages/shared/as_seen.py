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

    who = f"{', '.join(labels[:-1])} and {labels[-1]} see" if len(labels) > 1 else f"{labels[0]} sees"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        with st.container(width=112):
            sheet(shuffled(image[None]), columns=1, scale=4, alt="The same 28 × 28 pixels in the shuffled order")
        with st.container(width="stretch"):
            st.caption(
                f"What {escape_markdown(who)}: the same pixels, shuffled. Layers and weights stand in this order; which pixels "
                "speak for an answer is shown on the digit as it was written."
            )
