"""Architectures: what each network is made of, what it costs, and how fast it is here."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.learn.architectures.choice import PARTS, choose
from pages.learn.architectures.costs import comparison, costs
from pages.learn.architectures.description import about, defaults, headline
from pages.learn.architectures.layers import layer_table, picture
from pages.shared.architecture_text import show_architecture
from pages.shared.baselines import baselines
from pages.shared.choices import pick_tab
from pages.shared.locks import show_locks
from pages.shared.services import get_ready


def side_by_side(names: list[str], draw: Callable[[str], None], width: int = 240) -> None:
    """One column per architecture, one below the other where columns would be narrower than ``width`` pixels."""
    with st.grid(len(names), min_column_width=width):
        for name in names:
            with st.container():
                draw(name)


def lesson(name: str) -> None:
    """Its picture, and the text about it."""
    picture(name)
    show_architecture(name)


def part(name: str, names: list[str]) -> None:
    """What one of the tabs holds."""
    if name == "picture":
        st.caption(
            "Each box is a layer, with the shape of what it hands on; a filled box holds weights that are learned. A "
            "dashed frame is gone through as often as it says."
        )
        side_by_side(names, lesson)
    elif name == "layers":
        side_by_side(names, layer_table, width=380)
    elif name == "settings":
        side_by_side(names, defaults)
    else:
        side_by_side(names, about)


st.title("Architectures")
st.write("See what each network is made of, what it costs to use, and how its idea differs from the others.")
with st.spinner("Taking the networks apart …"):
    get_ready()
show_locks()
names = choose()
if not names:
    st.info("Choose at least one network.", icon=":material/account_tree:")
else:
    side_by_side(names, headline)
    # What is not open is not drawn: the tables and lists of three networks take a browser as long as all the rest.
    for name, tab in pick_tab("part", "architectures_part", PARTS).items():
        if tab.open:
            with tab:
                part(name, names)

st.subheader("What each of them costs")
with st.spinner("Weighing the networks …"):
    costs()
comparison(names)
st.subheader("Without learning: two baselines")
baselines()
