"""Which digit to look at: one that was drawn, one that another page sent here, or one of the test images."""

from __future__ import annotations

import streamlit as st

from core.analysis.images import sample
from core.data import suggested_dataset
from core.data.dataset import N_CLASSES, Images
from core.errors import DataError
from pages.shared.carried import PARAMETER, packed, unpacked
from pages.shared.gallery import sheet
from pages.shared.link_state import follow_once, remember
from pages.shared.markdown import sentence
from pages.shared.services import dataset

KEY = "inside_digit"  # in the session: the digit, packed
TURN, LABEL = "inside_turn", "inside_label"


def pick_digit() -> Images:
    """Draw the choice; returns the image (28, 28) uint8."""
    if link := follow_once(PARAMETER, KEY):
        try:
            st.session_state[KEY] = packed(unpacked(link))
            st.session_state[LABEL] = ""
        except DataError as error:
            st.warning(sentence(error), icon=":material/link_off:")
    if KEY not in st.session_state:
        _take_test_image()
    image = unpacked(st.session_state[KEY])
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        with st.container(width=112):
            sheet(image[None], columns=1, scale=3, alt="The digit that is looked at, 28 × 28 pixels")
        with st.container(width="stretch"):
            st.pills(
                "A test image of a", range(N_CLASSES), key="inside_class", help="Which digit; none chosen: any.",
                persist_state="session", on_change=_take_test_image,
            )  # fmt: skip
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button("Another one", icon=":material/shuffle:", on_click=_another)
                st.page_link("pages/lab/draw/page.py", label="Draw one yourself", icon=":material/draw:")
            if label := st.session_state.get(LABEL):
                st.caption(label)
    remember(PARAMETER, KEY, st.session_state[KEY])
    return image


def _another() -> None:
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
    _take_test_image()


def _take_test_image() -> None:
    """Put a test image of the wanted digit into the session; of any digit in turn where none is wanted."""
    digits, turn = dataset(suggested_dataset()), st.session_state.get(TURN, 0)
    wanted = st.session_state.get("inside_class")
    picked = sample(digits.test_labels, [turn % N_CLASSES if wanted is None else wanted], 1, turn)
    index = int(picked[0]) if len(picked) else turn % len(digits.test_labels)
    st.session_state[KEY] = packed(digits.test_images[index])
    st.session_state[LABEL] = (
        f"Test image {index:,} of {digits.title}. Its label says {int(digits.test_labels[index])}."
    )
