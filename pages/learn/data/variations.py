"""How training can vary its images: one digit and eleven random variants of it."""

from __future__ import annotations

import streamlit as st

from core.analysis.images import sample
from core.data.config import DataConfig
from core.data.dataset import N_CLASSES, Dataset, Labels, SplitIndices
from core.fields import settings
from pages.shared.choices import Between, choose, follow, keep
from pages.shared.gallery import sheet
from pages.shared.link_names import VARIATIONS
from pages.shared.locks import is_fixed
from pages.shared.services import get_ready

VARIANTS = 11  # with the original, two rows of six
DIGIT, VARIANT = "data_digit", "data_variant"  # session state
FIRST_DIGIT, LAST_VARIANT = 5, 999_999
OF_DIGITS = {"drawn_ones": (1,), "habits": (1, 4, 7, 9)}  # which digits a setting changes, where it does not change all


def variations(dataset: Dataset, parts: SplitIndices, labels: Labels) -> None:
    """The tab "Variations". labels (N,): those of the training images"""
    st.write("Training can show each image a little different every time, so that a network learns shapes, not pixels.")
    follow("digit", DIGIT, range(N_CLASSES), FIRST_DIGIT)
    follow("variant", VARIANT, Between(0, LAST_VARIANT), 0)
    variant = st.session_state[VARIANT]
    with st.grid(3, min_column_width=230, key="data_variations"):
        amounts = {
            setting.name: choose(
                f"{setting.title} ({setting.unit})" if setting.unit else setting.title, setting.name, f"data_{setting.name}",
                Between(setting.low or 0.0, setting.high or 0.0), VARIATIONS[setting.name], st.slider, step=setting.step,
                help=setting.help,
            )
            for setting in settings(DataConfig)
            if setting.name in VARIATIONS and st.session_state[DIGIT] in OF_DIGITS.get(setting.name, range(N_CLASSES))
        }  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        digit = choose("Digit", "digit", DIGIT, range(N_CLASSES), FIRST_DIGIT, st.pills, required=True)
        st.button("Another one", icon=":material/shuffle:", on_click=_another, disabled=is_fixed("variant"))
    keep("variant", variant, 0)
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


def _another() -> None:
    st.session_state[VARIANT] = (st.session_state[VARIANT] + 1) % (LAST_VARIANT + 1)
