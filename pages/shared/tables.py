"""Tables, and how they are saved: Streamlit's own export is off, for it writes a name that begins with "=" as a formula."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.analysis.spreadsheet import csv_bytes

if TYPE_CHECKING:
    import pandas as pd
    from streamlit.delta_generator import DeltaGenerator


def show_table(data: Any, name: str, *, place: DeltaGenerator | None = None, index: bool = False, **look: Any) -> Any:
    """``st.dataframe`` with a button below it that saves the table; returns what was selected.

    data: a frame, or one with colours (its ``style``) · name: of the file and of the button, on its page the only one; ""
    without a button · place: where it goes · index: whether its index is shown and saved, too
    """
    with place or contextlib.nullcontext():
        selected = st.dataframe(data, hide_index=not index, **look)
        if name:
            save_button(lambda: getattr(data, "data", data), name, index=index)
    return selected


def save_button(frame: Callable[[], pd.DataFrame], name: str, *, index: bool = False) -> None:
    """What saves a table. frame: gives it when the button is pressed"""
    st.download_button(
        "Save as CSV", partial(_saved, frame, index), file_name=f"{name}.csv", mime="text/csv", type="tertiary",
        icon=":material/download:", key=f"save_{name}", on_click="ignore",
        help="For a spreadsheet. Where a text would be taken for a formula, an apostrophe stands before it.",
    )  # fmt: skip


def _saved(frame: Callable[[], pd.DataFrame], index: bool) -> bytes:
    return csv_bytes(frame(), index=index)
