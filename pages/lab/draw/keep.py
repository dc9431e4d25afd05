"""Keep a digit that was drawn or uploaded, with its label, for all who use this server."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.data.class_set import Digits
from core.data.dataset import N_CLASSES, Images
from core.errors import InputError
from core.runs import class_set
from pages.shared.markdown import sentence
from pages.shared.services import store
from pages.shared.visitor import owner

TURN, OUTCOME = "draw_keep_turn", "draw_keep_outcome"  # session state: digits kept so far; what became of the last one
WRITER = "draw_keep_writer"


def keep(image: Images) -> None:
    """Which digit it is, and the button. image (28, 28) uint8, as the networks get it"""
    turn = st.session_state.setdefault(
        TURN, 0
    )  # a new key is a choice without a label: none is kept with that of the last
    label = st.pills(
        "Keep this digit as a", range(N_CLASSES), key=f"draw_keep_label_{turn}", wrap=True,
        help="It goes into “Our digits” below, as the networks see it, for all who use this server.",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        writer = st.text_input(
            "Nickname (optional)", key=WRITER, max_chars=class_set.WRITER_LENGTH, persist_state="session", width=150,
            help="Who wrote it. All who use this server can read it, so no full name.",
        )  # fmt: skip
        pressed = st.button("Keep", icon=":material/bookmark_add:", key="draw_keep", disabled=label is None)
    if pressed and label is not None:
        _keep(image, label, writer)
        st.rerun()  # the part with all digits is another one
    _show_outcome()


def _keep(image: Images, label: int, writer: str) -> None:
    try:
        added = class_set.add(store(), Digits(image[None], np.array([label], np.int64)), writer=writer, owner=owner())
    except InputError as error:
        st.session_state[OUTCOME] = ("error", str(error), ())
        return
    words = f"Kept as a {label}." if added.numbers else f"This very picture is kept as a {label} already."
    st.session_state[OUTCOME] = ("done", words, added.numbers)
    st.session_state[TURN] += 1


def _show_outcome() -> None:
    """What became of the last one, and the way back."""
    kind, words, numbers = st.session_state.get(OUTCOME, ("", "", ()))
    if kind == "error":
        st.error(sentence(words), icon=":material/error:")
    n = len(class_set.kept_numbers(store()))
    if kind != "done" and not n:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{words if kind == 'done' else ''} {n:,} digit{'' if n == 1 else 's'} kept.".strip())
        if numbers and st.button("Undo", icon=":material/undo:", type="tertiary", key="draw_keep_undo"):
            class_set.delete(store(), numbers)
            st.session_state.pop(OUTCOME)
            st.rerun()
