"""Which dataset to look at: by the menu, or once by a link."""

from __future__ import annotations

import streamlit as st

from core.data import DATASETS, EMBEDDED, DatasetName, present_names
from core.data.dataset import Dataset
from core.errors import DataError
from pages.shared.link_state import follow_once, linked_widget, remember
from pages.shared.markdown import sentence
from pages.shared.services import dataset

KEY = "data_name"


def pick_dataset() -> DatasetName:
    """The menu; the choice stands in the address."""
    if linked := follow_once("dataset", KEY):
        if linked in DATASETS:
            st.session_state[KEY] = linked
        else:
            st.warning(
                "The link asks for a dataset that there is not. Here are the others.", icon=":material/link_off:"
            )
    st.session_state.setdefault(KEY, EMBEDDED)
    present = present_names()
    name: DatasetName = linked_widget(
        "dataset", st.segmented_control, "Dataset", list(DATASETS), required=True, key=KEY,
        format_func=lambda name: DATASETS[name].title + ("" if name in present else " (not here yet)"),
    ) or EMBEDDED  # fmt: skip
    remember("dataset", KEY, name)
    return name


def load_or_explain(name: DatasetName) -> Dataset | None:
    """The dataset; None when it can not be had, and then the reason is on screen."""
    try:
        return dataset(name)
    except DataError as error:
        if DATASETS[name].is_present():
            st.error(sentence(error), icon=":material/error:")
        else:
            st.info(sentence(error), icon=":material/download:")
        if name != EMBEDDED:
            st.write("Until then, the embedded digits are always there.")
        return None
