"""The two settings of a grid, each with its values."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import streamlit as st

from core.compare.grid_blocks import n_blocks
from core.compare.kinds.grid import MOST_VALUES, NEVER_VARIED
from core.compare.plan import Factor
from core.errors import ConfigError
from core.fields import Setting
from pages.lab.race.values import acting_settings, draw_values, read_values
from pages.shared.link_state import linked_widget
from pages.shared.locks import is_fixed, locks

START = (
    "dropout",
    "weight_decay",
    "lr",
    "batch_size",
)  # the first two that a network has are varied until somebody chooses
ORDINALS = ("First", "Second")


def factor_key(place: int, architecture: str) -> str:
    """The key of the menu for the first setting of a grid (0) or the second (1)."""
    return f"race_factor_{place}_{architecture}"


def pick_factors(architecture: str, fixed: Collection[str]) -> list[Setting]:
    """Draw both settings with the fields for their values. fixed: settings that the rules decide"""
    locked = () if is_fixed("vary") else locks().fixed
    settings = acting_settings(architecture, {*NEVER_VARIED, *fixed, *locked})
    factors: list[Setting] = []
    with st.grid(2, min_column_width=230, vertical_alignment="top"):
        for place, ordinal in enumerate(ORDINALS):
            offered = {name: setting for name, setting in settings.items() if setting not in factors}
            key = factor_key(place, architecture)
            if st.session_state.get(key) not in offered:
                st.session_state[key] = next(name for name in (*START, *offered) if name in offered)
            with st.container():
                name: str = linked_widget(
                    "vary", st.selectbox, f"{ordinal} setting", list(offered),
                    format_func=lambda name: settings[name].title, key=key,
                )  # fmt: skip
                draw_values(offered[name])
            factors.append(offered[name])
    return factors


def read_factors(factors: Sequence[Setting]) -> tuple[Factor, ...]:
    """Both settings with what their fields hold. Raises ConfigError for too few or too many values."""
    return tuple(Factor(setting.name, tuple(read_values(setting, MOST_VALUES))) for setting in factors)


def blocks_of(factors: Sequence[Setting]) -> int:
    """How many blocks of four cells will be judged together, 1 where that can not be told yet."""
    try:
        return n_blocks(*(len(factor.values) for factor in read_factors(factors)))
    except ConfigError:  # said where the values are read for the plan
        return 1
