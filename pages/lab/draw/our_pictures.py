"""What the kept digits look like; what does not belong there is deleted, and brought back."""

from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from core.charts.sprite import enlarge
from core.data.class_set import learned_from
from core.data.dataset import N_CLASSES, Images
from core.errors import InputError
from core.runs import class_set
from core.runs.class_set import ClassSet
from pages.shared.gallery import pager
from pages.shared.markdown import sentence
from pages.shared.services import store
from pages.shared.tables import show_table
from pages.shared.visitor import owner

DELETED, FAULT = (
    "draw_our_deleted",
    "draw_our_fault",
)  # session state: numbers of the digits deleted last; why it failed
PICTURE_SCALE, ROW_HEIGHT = 2, 60  # screen pixels per pixel of a digit; of a row of the table
HALVES = {True: "to learn from", False: "held out"}


def our_pictures(kept: ClassSet) -> None:
    """The view "See and delete"."""
    _way_back()
    if not len(kept):
        st.info("Nothing is kept yet. Draw a digit above, choose which one it is, and press “Keep”.")
        return
    digit = st.pills("Digit", range(N_CLASSES), key="draw_our_digit", help="Which digit; none chosen: all.", wrap=True)
    of_digit = kept.digits.labels == digit if digit is not None else np.ones(len(kept), bool)
    order = np.flatnonzero(of_digit)
    order = order[np.argsort(kept.digits.labels[order], kind="stable")]
    if not len(order):
        st.info(f"No {digit} is kept yet.")
    else:
        order = order[pager(len(order), key=f"draw_our_page_{digit}")]
        picked = show_table(
            _frame(kept, order), "", key=f"draw_our_table_{kept.numbers[order[0]]}_{len(kept)}", on_select="rerun",
            selection_mode="multi-row", row_height=ROW_HEIGHT, column_config=_COLUMNS,
            alt=f"Kept digits with their labels: {' '.join(str(label) for label in kept.digits.labels[order])}",
        )  # fmt: skip
        ticked = [kept.numbers[order[row]] for row in picked.selection.rows if row < len(order)]
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                f"Delete {len(ticked):,}" if ticked else "Delete", icon=":material/delete:", disabled=not ticked,
                key="draw_our_delete", on_click=_delete, args=(ticked,), help="Tick rows first. Can be undone for a day.",
            )  # fmt: skip
            st.button(
                "Delete all", icon=":material/delete_sweep:", type="tertiary", key="draw_our_delete_all", on_click=_delete,
                args=(kept.numbers,), help="All of them, of every digit. Can be undone.",
            )  # fmt: skip
    n_own = sum(who == owner() for who in kept.owners)
    st.caption(
        f"{len(kept):,} digits, {n_own:,} of them kept in this browser. Which half a digit is in follows from its pixels: "
        "about half may be learned from, the others are held out to measure with."
    )


_COLUMNS = {
    "picture": st.column_config.ImageColumn(width=70),
    "label": st.column_config.NumberColumn(width=50),
    "nickname": st.column_config.TextColumn(width=110),
    "half": st.column_config.TextColumn(width=100),
    "kept at": st.column_config.DatetimeColumn(width=130, format="YYYY-MM-DD HH:mm"),
}


def _frame(kept: ClassSet, order: np.ndarray) -> pd.DataFrame:
    halves = learned_from(kept.digits.images[order])
    return pd.DataFrame(
        {
            "picture": [_address(kept.digits.images[place]) for place in order],
            "label": kept.digits.labels[order],
            "nickname": [kept.writers[place] for place in order],
            "half": [HALVES[bool(half)] for half in halves],
            "kept at": pd.to_datetime([kept.kept_utc[place] for place in order]),
        }
    )


def _address(image: Images) -> str:
    """A digit as the address of a picture."""
    stream = io.BytesIO()
    Image.fromarray(enlarge(image, PICTURE_SCALE)).save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def _delete(numbers: tuple[int, ...]) -> None:
    try:
        class_set.delete(store(), numbers)
        st.session_state[DELETED] = tuple(numbers)
    except InputError as error:
        st.session_state[FAULT] = str(error)


def _restore() -> None:
    try:
        class_set.restore(store(), st.session_state[DELETED])
        st.session_state.pop(DELETED)
    except InputError as error:
        st.session_state[FAULT] = str(error)


def _way_back() -> None:
    if fault := st.session_state.pop(FAULT, ""):
        st.error(sentence(fault), icon=":material/error:")
    if deleted := st.session_state.get(DELETED):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"Deleted {len(deleted):,} digit{'' if len(deleted) == 1 else 's'}.")
            st.button("Undo", icon=":material/undo:", key="draw_our_undo", on_click=_restore)
