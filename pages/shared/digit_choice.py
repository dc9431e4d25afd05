"""Which digit to look at: the one drawn last, one that came with the program, one of a link, or one of the test images."""

from __future__ import annotations

import streamlit as st

from core.analysis.images import sample
from core.data import suggested_dataset
from core.data.dataset import N_CLASSES, Images
from core.data.own_digits import own_digits
from core.errors import DataError
from pages.shared.carried import PARAMETER, last_drawing, packed, unpacked
from pages.shared.gallery import sheet
from pages.shared.link_state import follow_once, remember
from pages.shared.locks import is_fixed, is_hidden
from pages.shared.markdown import sentence
from pages.shared.services import dataset

KEY = "inside_digit"  # in the session: the digit, packed
SEEN_DRAWING = "inside_drawing"  # in the session: the drawing that was taken already
TURN, LABEL, OWN, CLASS = "inside_turn", "inside_label", "inside_own", "inside_class"
TRUTH = "inside_truth"  # in the session: the label of a test image, None of other digits
FIRST_DIGIT = 3  # of those that came with the program, before anything was drawn


def pick_digit() -> Images:
    """Draw the choice; returns the image (28, 28) uint8."""
    drawing = last_drawing()
    if not _follow() and drawing and drawing != st.session_state.get(SEEN_DRAWING) and not is_fixed(PARAMETER):
        _take(drawing)
    st.session_state[SEEN_DRAWING] = drawing
    image = _current()
    if not is_hidden(PARAMETER):
        _draw(image, drawing, disabled=is_fixed(PARAMETER))
    remember(PARAMETER, KEY, st.session_state[KEY])
    return image


def _draw(image: Images, drawing: str, *, disabled: bool) -> None:
    """The digit, and what changes it. image (28, 28) uint8 · drawing: what was drawn last, packed"""
    own = {digit.label: packed(digit.image) for digit in own_digits()}
    current = st.session_state[KEY]
    label = next((label for label, letters in own.items() if letters == current), None)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        with st.container(width=112):
            sheet(image[None], columns=1, scale=4, alt="The digit that is looked at, 28 × 28 pixels")
        with st.container(width="stretch", gap="small"):
            with st.container(horizontal=True, vertical_alignment="bottom"):
                st.session_state[OWN] = label
                st.pills(
                    "Ready-made", list(own), key=OWN, on_change=_take_own, width="content", wrap=True,
                    help="Drawn for this page: they came with Digit Lab.", disabled=disabled,
                )  # fmt: skip
                st.pills(
                    "A test image of a", range(N_CLASSES), key=CLASS, persist_state="session", on_change=_take_test_image,
                    help="Which digit; none chosen: any.", width="content", wrap=True, disabled=disabled,
                )  # fmt: skip
            with st.container(horizontal=True, vertical_alignment="center"):
                if drawing:
                    st.button(
                        "Your drawing", icon=":material/gesture:", on_click=_take, args=(drawing,), disabled=disabled
                    )
                st.button("Another test image", icon=":material/shuffle:", on_click=_another, disabled=disabled)
                st.page_link("pages/lab/draw/page.py", label="Draw one yourself", icon=":material/draw:")
            st.caption(_words(current, drawing, label))


def digit_looked_at() -> Images:
    """The digit of this visit, or the one to begin with, (28, 28) uint8; what a link locks or hides, as the link has it."""
    _follow()
    return _current()


def _current() -> Images:
    first = next(digit for digit in own_digits() if digit.label == FIRST_DIGIT)
    return unpacked(st.session_state.setdefault(KEY, packed(first.image)))


def its_label() -> int | None:
    """Which digit that is; None where nobody has said so."""
    current = st.session_state.get(KEY)
    own = next((digit.label for digit in own_digits() if packed(digit.image) == current), None)
    return st.session_state.get(TRUTH) if own is None else own


def _words(current: str, drawing: str, label: int | None) -> str:
    """Where the digit comes from."""
    if current == drawing:
        return "What you drew last."
    return str(st.session_state.get(LABEL, "")) if label is None else f"A {label} that came with Digit Lab."


def _follow() -> bool:
    """Put the digit of a link into the session; whether there was one."""
    link = follow_once(PARAMETER, KEY)
    if link:
        try:
            _take(packed(unpacked(link)))
        except DataError as error:
            st.warning(sentence(error), icon=":material/link_off:")
    return bool(link)


def _take(digit: str, words: str = "", truth: int | None = None) -> None:
    """Put a packed digit into the session, and what is said of it."""
    st.session_state[KEY], st.session_state[LABEL], st.session_state[TRUTH] = digit, words, truth


def _take_own() -> None:
    for digit in own_digits():
        if digit.label == st.session_state[OWN]:
            _take(packed(digit.image))


def _another() -> None:
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
    _take_test_image()


def _take_test_image() -> None:
    """Put a test image of the wanted digit into the session; of any digit in turn where none is wanted."""
    digits, turn = dataset(suggested_dataset()), st.session_state.get(TURN, 0)
    wanted = st.session_state.get(CLASS)
    picked = sample(digits.test_labels, [turn % N_CLASSES if wanted is None else wanted], 1, turn)
    index = int(picked[0]) if len(picked) else turn % len(digits.test_labels)
    truth = int(digits.test_labels[index])
    words = f"Test image {index:,} of {digits.title}. Its label says {truth}."
    _take(packed(digits.test_images[index]), words, truth)
