"""Links: a Train page that is filled in, with settings that pupils can not change or do not see."""

from __future__ import annotations

import streamlit as st

from core import models
from core.config import all_settings
from core.errors import InputError
from core.runs.schema import StorageError
from pages.learn.teachers.train_address import ADDRESS_LENGTH, TrainAddress, read_address
from pages.shared.markdown import sentence
from pages.shared.page_link import page_link

NETWORKS = "architecture"  # stands for the choice of networks


def links() -> None:
    """Draw what makes such a link."""
    st.write(
        "Set up a training on the Train page, and copy the address of that page. Here you choose what of it stays as it is for "
        "whoever opens the link."
    )
    address = st.text_input(
        "Address of a Train page", key="links_address", max_chars=ADDRESS_LENGTH, persist_state="session",
        placeholder="paste it here; empty: the defaults",
    )  # fmt: skip
    try:
        settings = read_address(address)
    except StorageError:  # busy is not gone
        raise
    except InputError as error:
        st.error(sentence(error), icon=":material/link_off:")
        return
    for notice in settings.notices:
        st.warning(sentence(notice), icon=":material/link_off:")
    locked, hidden = _choices(settings)
    st.markdown("**Link for the class**")
    fixed = {"lock": ",".join(locked), "hide": ",".join(hidden)}
    page_link("train", settings.query | {name: value for name, value in fixed.items() if value})
    st.caption(
        "What is locked or hidden is trained as the link says, whatever a browser sends. Whoever opens the page without the "
        "link can change everything: it guides a class, and keeps nobody out."
    )


def _choices(settings: TrainAddress) -> tuple[list[str], list[str]]:
    """Which settings are locked, and which are hidden, by name."""
    titles = {NETWORKS: "Networks"} | {
        setting.name: setting.title for name in settings.architectures for setting in all_settings(name)
    }
    st.caption(f"Networks in it: {', '.join(models.title(name) for name in settings.architectures)}.")
    key = "_".join(settings.architectures)  # the menus of other networks hold other settings
    with st.grid(2, min_column_width=300):
        locked = st.multiselect(
            "Locked: shown, but grey", list(titles), format_func=titles.__getitem__, key=f"links_lock_{key}",
            persist_state="session", placeholder="nothing",
        )  # fmt: skip
        hidden = st.multiselect(
            "Hidden: not shown", [name for name in titles if name not in locked], format_func=titles.__getitem__,
            key=f"links_hide_{key}", persist_state="session", placeholder="nothing",
        )  # fmt: skip
    return locked, hidden
