"""All digits that were kept on this server: how the chosen networks read them, what they look like, and as files."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.runs import class_set
from core.runs.class_set import ClassSet
from core.runs.rows import Run
from pages.lab.draw.our_files import our_files
from pages.lab.draw.our_pictures import our_pictures
from pages.lab.draw.our_score import our_score
from pages.shared.busy import fragment
from pages.shared.choices import pick
from pages.shared.services import store

FOLD = "draw_our_digits"
VIEWS = {"score": "How networks read them", "pictures": "See and delete", "files": "Save and load"}


@fragment
def our_digits(runs: Sequence[Run]) -> None:
    """The folded part. runs: the chosen ones"""
    # A number in its title would make it another one with each digit, and close it.
    fold = st.expander("Our digits", icon=":material/inventory_2:", key=FOLD, on_change="rerun")
    if not fold.open:
        return
    with fold:
        kept = kept_digits()
        st.write(
            "Digits that people kept here. A network learned from digits of other people: see how it does on yours, and "
            "whether it helps to learn from some of them."
        )
        if kept.n_damaged:
            st.warning(f"{kept.n_damaged:,} more can no longer be read: they were damaged on the disk.")
        view = pick("View", "ours", "draw_our_view", VIEWS, "score", label_visibility="collapsed")
        if view == "score":
            our_score(runs, kept)
        elif view == "pictures":
            our_pictures(kept)
        else:
            our_files(kept)


def kept_digits() -> ClassSet:
    """All of them; read anew only when some came or went."""
    return _kept_digits(class_set.kept_numbers(store()))


@st.cache_resource(show_spinner=False, max_entries=2)
def _kept_digits(numbers: tuple[int, ...]) -> ClassSet:
    return class_set.class_set(store())
