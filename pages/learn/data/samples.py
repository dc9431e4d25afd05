"""Some images of a split, drawn by a number that can be noted down."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.analysis.images import sample
from core.data.dataset import N_CLASSES, Dataset, Labels, SplitIndices
from pages.shared.choices import Between, choose, pick, switch
from pages.shared.gallery import sheet
from pages.shared.locks import is_fixed

DIGITS_PER_ROW = 10  # or the next multiple of those chosen below it
LAST_CHOICE = 999_999
SEED = "data_seed"  # key of the field


def samples(dataset: Dataset, parts: SplitIndices, labels: Mapping[str, Labels], words: Mapping[str, str]) -> None:
    """The tab "Samples". labels, words: split -> labels (N,) and what it is called"""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = pick("From", "split", "data_from", words, "train")
        digits = choose(
            "Digits", "digits", "data_digits", range(N_CLASSES), list(range(N_CLASSES)), st.pills, several=True,
            selection_mode="multi",
        )  # fmt: skip
        rows = choose("Rows", "rows", "data_rows", Between(1, 20), 4, st.slider, width=180)
        captions = switch("Labels", "labels", "data_captions")
        seed = choose(
            "Choice", "seed", SEED, Between(0, LAST_CHOICE), 0, st.number_input, step=1, width=150,
            help="The same number picks the same images again.",
        )  # fmt: skip
        st.button(
            "Other samples", type="primary", icon=":material/shuffle:", on_click=_next_choice, disabled=is_fixed("seed")
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
    st.session_state[SEED] = (st.session_state[SEED] + 1) % (LAST_CHOICE + 1)
