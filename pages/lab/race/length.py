"""How thorough a comparison is to be: quick, or as the visitor says."""

from __future__ import annotations

import streamlit as st

from core.compare import quick
from core.compare.kinds.kind import Kind
from pages.shared.link_state import linked_widget


def pick_quick(kind: Kind) -> bool:
    """Whether the visitor leaves how long everybody learns, and how many images are held out, to a quick comparison."""
    length = linked_widget(
        "quick", st.segmented_control, "How thorough", ["quick", "full"], format_func=str.capitalize, start="quick",
        required=True, key="race_length",
        help="Quick answers within a minute or two. Full: you say how long everybody learns, on how many images, and how many "
        "are held out for validation.",
    )  # fmt: skip
    if length == "full":
        return False
    *sizes, largest = (f"{size:,}" for size in (quick.SIZES if "sizes" in kind.options else (quick.TRAIN_IMAGES,)))
    images = f"{', '.join(sizes)} and {largest}" if sizes else largest
    st.caption(
        f"Quick: {images} training images (all where there are fewer), {quick.STEPS} steps a run, at most "
        f"{quick.VAL_IMAGES:,} validation images."
    )
    return True
