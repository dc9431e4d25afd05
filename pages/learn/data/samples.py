"""Some images of a split, drawn by a number that can be noted down."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.analysis.images import sample
from core.data.dataset import N_CLASSES, Dataset, Labels, SplitIndices
from pages.shared.gallery import sheet

DIGITS_PER_ROW = 10  # or the next multiple of those chosen below it
LAST_CHOICE = 999_999


def samples(dataset: Dataset, parts: SplitIndices, labels: Mapping[str, Labels], words: Mapping[str, str]) -> None:
    """The tab "Samples". labels, words: split -> labels (N,) and what it is called"""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = st.segmented_control(
            "From", list(words), default="train", required=True, format_func=words.__getitem__, key="data_from",
            persist_state="session",
        )  # fmt: skip
        digits = st.pills(
            "Digits", range(N_CLASSES), selection_mode="multi", default=range(N_CLASSES), key="data_digits",
            persist_state="session",
        )  # fmt: skip
        rows = st.slider("Rows", 1, 20, 4, key="data_rows", persist_state="session", width=180)
        captions = st.toggle("Labels", key="data_captions", persist_state="session")
        seed = st.number_input(
            "Choice", 0, LAST_CHOICE, step=1, key="data_seed", persist_state="session", width=150,
            help="The same number picks the same images again.",
        )  # fmt: skip
        st.button(
            "Other samples", type="primary", icon=":material/shuffle:", on_click=_next_choice,
        )  # fmt: skip
    columns = len(digits) * (DIGITS_PER_ROW // len(digits)) if digits else DIGITS_PER_ROW
    picked = sample(labels[split], sorted(digits), rows * columns, seed)
    if not len(picked):
        st.info("Choose at least one digit." if not digits else "There are no such images in this part.")
        return
    images = dataset.test_images if split == "test" else dataset.train_images
    index = picked if split == "test" else getattr(parts, split)[picked]
    truths = [str(label) for label in labels[split][picked]]
    sheet(
        images[index], columns=columns, captions=truths if captions else None,
        alt=f"{len(picked)} {words[split].lower()} images with the labels {' '.join(truths)}",
    )  # fmt: skip
    st.caption(f"{len(picked):,} of {len(labels[split]):,} {words[split].lower()} images, choice {seed:,}.")


def _next_choice() -> None:
    """The next choice, in the box where it can be read, noted down and typed again."""
    st.session_state["data_seed"] = (st.session_state["data_seed"] + 1) % (LAST_CHOICE + 1)
