"""Digits to put on the pad without drawing: those that came with the program, and some that are hard to tell."""

from __future__ import annotations

import io
import json
from functools import cache
from typing import NamedTuple

import streamlit as st
from PIL import Image

from core.data.paths import assets_root
from core.data.strokes import rasterise
from pages.shared.pad import put_on_pad

Strokes = list[list[list[float]]]


class Sample(NamedTuple):
    """name: on its button · strokes: as ``rasterise`` takes them"""

    name: str
    strokes: Strokes


@cache
def _samples() -> tuple[Sample, ...]:
    digits = json.loads((assets_root() / "digits.json").read_text("utf-8"))
    doubtful = json.loads((assets_root() / "doubtful.json").read_text("utf-8"))
    return (
        *(Sample(str(row["label"]), row["strokes"]) for row in digits),
        *(Sample(row["name"], row["strokes"]) for row in doubtful),
    )


def samples(pad_key: str) -> None:
    """One button each, and one that clears the pad. pad_key: of the pad that they are put on"""
    st.caption("Or put one of these on the pad:")
    with st.container(horizontal=True, gap="xsmall", key="home_samples"):
        for number, sample in enumerate(_samples()):
            st.button(sample.name, key=f"home_sample_{number}", on_click=_put, args=(pad_key, sample.strokes))
        st.button("Clear", icon=":material/ink_eraser:", key="home_clear", type="tertiary", on_click=put_on_pad,
                  args=(pad_key, None))  # fmt: skip


def _put(pad_key: str, strokes: Strokes) -> None:
    stream = io.BytesIO()
    Image.fromarray(rasterise(strokes)).save(stream, "PNG")
    put_on_pad(pad_key, stream.getvalue())
