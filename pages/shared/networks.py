"""Ticking networks to train: all of the registry, family by family."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from core import models

TRAIN = "train_networks"  # + _family


def families() -> dict[str, list[str]]:
    """Which architectures stand together: family -> names, both in the order of the table."""
    members: dict[str, list[str]] = {}
    for name, entry in models.TABLE.items():
        members.setdefault(entry.family, []).append(name)
    return members


def tick(names: Collection[str], key: str = TRAIN) -> None:
    """Tick these and no others, before they are drawn or in a callback."""
    st.session_state.update(ticks(names, key))


def ticks(names: Collection[str], key: str = TRAIN) -> dict[str, list[str]]:
    """What ``tick`` puts into the session, by the widgets' keys."""
    return {f"{key}_{family}": [name for name in members if name in names] for family, members in families().items()}


def pick_networks(
    key: str = TRAIN, start: Collection[str] = (models.RECOMMENDED,), *, disabled: bool = False
) -> list[str]:
    """Let the visitor tick any number of networks, those of ``start`` at first; those ticked, in the order of the table.

    key: beginning of the widgets' keys · disabled: they are shown, and stay as they are
    """
    ticked_networks(key, start)  # ticks those of ``start`` before anything is drawn
    st.markdown(
        "**Networks**",
        help="Tick several to compare them: all get the same images, in the same order for the same seed.",
    )
    with st.grid(2, min_column_width=320):
        for family, members in families().items():
            st.pills(
                family.capitalize(), members, selection_mode="multi", format_func=_label, wrap=True,
                key=f"{key}_{family}", persist_state="session", disabled=disabled,
            )  # fmt: skip
    return ticked_networks(key, start)


def ticked_networks(key: str = TRAIN, start: Collection[str] = (models.RECOMMENDED,)) -> list[str]:
    """The networks that are ticked, or will be once they are drawn, in the order of the table."""
    if not any(f"{key}_{family}" in st.session_state for family in families()):
        tick(start, key)
    ticked = {name for family in families() for name in st.session_state.get(f"{key}_{family}") or ()}
    return [name for name in models.TABLE if name in ticked]


def _label(name: str) -> str:
    return f"{models.title(name)}, recommended" if name == models.RECOMMENDED else models.title(name)
