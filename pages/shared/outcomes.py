"""How a guess compared with what came out, in words, a colour and a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import streamlit as st

from core.experiments.reveals import Outcome


class Look(NamedTuple):
    words: str
    icon: str
    colour: Literal["green", "orange", "blue"]


LOOKS: Mapping[Outcome, Look] = {
    "right": Look("Guessed right", ":material/check:", "green"),
    "close": Look("Close", ":material/check:", "green"),
    "off": Look("It came out otherwise", ":material/lightbulb:", "orange"),
    "open": Look("Can not be told apart", ":material/balance:", "blue"),
}


def outcome_badge(outcome: Outcome, n: int | None = None) -> None:
    """Draw it. n: of how many guesses"""
    look = LOOKS[outcome]
    st.badge(look.words if n is None else f"{look.words}: {n:,}", icon=look.icon, color=look.colour)
