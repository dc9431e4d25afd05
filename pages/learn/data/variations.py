"""How training can vary its images: one digit and eleven random variants of it."""

from __future__ import annotations

import streamlit as st

from core.analysis.images import sample
from core.data.config import DataConfig
from core.data.dataset import N_CLASSES, Dataset, Labels, SplitIndices
from core.fields import settings
from pages.shared.gallery import sheet
from pages.shared.services import get_ready

VARIANTS = 11  # with the original, two rows of six
START = {
    "shift": 2.0, "rotation": 15.0, "zoom": 0.1, "shear": 10.0, "elastic": 0.0, "thickness": 0.0,
    "habits": 0.0, "drawn_ones": 0.0, "inverted": 0.0,
}  # enough to see it  # fmt: skip
OF_DIGITS = {"drawn_ones": (1,), "habits": (1, 4, 7, 9)}  # which digits a setting changes, where it does not change all


def variations(dataset: Dataset, parts: SplitIndices, labels: Labels) -> None:
    """The tab "Variations". labels (N,): those of the training images"""
    st.write("Training can show each image a little different every time, so that a network learns shapes, not pixels.")
    with st.grid(3, min_column_width=230):
        amounts = {
            setting.name: st.slider(
                f"{setting.title} ({setting.unit})" if setting.unit else setting.title, setting.low, setting.high,
                START[setting.name], setting.step, help=setting.help, key=f"data_{setting.name}", persist_state="session",
            )
            for setting in settings(DataConfig)
            if setting.name in START and st.session_state.get("data_digit", 5) in OF_DIGITS.get(setting.name, range(N_CLASSES))
        }  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        digit = st.pills("Digit", range(N_CLASSES), default=5, required=True, key="data_digit", persist_state="session")
        variant = st.session_state.setdefault("data_variant", 0)
        if st.button("Another one", icon=":material/shuffle:"):
            st.session_state["data_variant"] = variant = variant + 1
    get_ready()
    from core.data.augment import variants  # needs torch, which half of this page does without

    picked = sample(labels, [digit], 1, variant)
    if not len(picked):
        st.info(f"There is no {digit} among the training images.")
        return
    original = dataset.train_images[parts.train[picked[0]]]
    sheet(
        variants(original, VARIANTS, DataConfig(**amounts), seed=variant, label=digit), columns=6,
        captions=["original", *(f"variant {i}" for i in range(1, VARIANTS + 1))],
        alt=f"A {digit} as it was written, and eleven random variants of it",
    )  # fmt: skip
