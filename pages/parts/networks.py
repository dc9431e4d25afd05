"""Ticking networks to train: all of the registry, family by family."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from core import models

_KEY = "train_networks"  # + _family


def families() -> dict[str, list[str]]:
    """Which architectures stand together: family -> names, both in the order of the table."""
    found: dict[str, list[str]] = {}
    for name, entry in models.TABLE.items():
        found.setdefault(entry.family, []).append(name)
    return found


def tick(names: Collection[str]) -> None:
    """Tick these and no others, before they are drawn or in a callback."""
    for family, members in families().items():
        st.session_state[f"{_KEY}_{family}"] = [name for name in members if name in names]


def pick_networks() -> list[str]:
    """Let the visitor tick any number of networks, the recommended one at first; in the order of the table."""
    if not any(f"{_KEY}_{family}" in st.session_state for family in families()):
        tick([models.RECOMMENDED])
    st.markdown(
        "**Networks**", help="Tick several to compare them: one run each, with the same images, the same order and the "
        "same seed.",
    )  # fmt: skip
    ticked: list[str] = []
    with st.grid(2, min_column_width=320):
        for family, members in families().items():
            ticked += st.pills(
                family.capitalize(), members, selection_mode="multi", format_func=_label, wrap=True,
                key=f"{_KEY}_{family}", persist_state="session",
            )  # fmt: skip
    return [name for name in models.TABLE if name in ticked]


def _label(name: str) -> str:
    return f"{models.title(name)}, recommended" if name == models.RECOMMENDED else models.title(name)
