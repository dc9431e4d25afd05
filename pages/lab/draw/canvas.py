"""The drawing pad: streamlit-drawable-canvas with this lab's brush for mouse and finger, ``assets/pad.js`` for the keyboard."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

import streamlit as st

from core.data.dataset import Images
from core.data.drawing.pad import BRUSH_PIXELS, PAD_SIDE_PIXELS
from pages.shared.pad import own_pad, pad_pixels, put_on_pad, turn


def canvas(key: str) -> Images | None:
    """Draw the pad; returns what is on it, (H, W, 4) uint8, or None before the first stroke. It stays while the visitor does.

    Raises DataError when the browser sends something that is no picture of the pad.
    """
    place = st.container(key=f"{key}_place")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Clear", icon=":material/ink_eraser:", key=f"{key}_clear", on_click=_clear, args=(key,))
        by_keyboard = st.toggle(
            "By keyboard", key=f"{key}_by_keyboard", persist_state="session",
            help="The arrow keys move the pen; the space bar puts it down and lifts it.",
        )  # fmt: skip
    with place:
        st_canvas = None if by_keyboard else _library()
        png = _pad(st_canvas, key, f"{key}_{turn(key)}") if st_canvas else own_pad(key)
    return None if png is None else pad_pixels(png)


def _clear(key: str) -> None:
    put_on_pad(key, None)
    st.session_state.pop(f"{key}_start", None)


def _library() -> Callable[..., Any] | None:
    """The pad of streamlit-drawable-canvas; None where it can not be loaded, whatever the reason."""
    try:
        from streamlit_drawable_canvas import st_canvas
    except Exception:  # a package that is missing, half installed or too old for Streamlit raises whatever it likes
        logging.getLogger(__name__).exception("streamlit-drawable-canvas can not be loaded")
        st.caption(
            "The usual pad can not be loaded on this server. On this one you draw with the mouse, a finger or keys."
        )
        return None
    return cast("Callable[..., Any]", st_canvas)


def _pad(st_canvas: Callable[..., Any], key: str, pad_key: str) -> bytes | None:
    """The pad for mouse and finger: its picture as PNG, None before the first stroke."""
    kept: tuple[dict[str, Any] | None, bytes] | None = st.session_state.get(f"{key}_kept")
    if pad_key not in st.session_state:  # the page was opened just now: the browser has forgotten what was drawn before
        st.session_state[f"{key}_start"] = kept and kept[0]
    st.caption("Draw with the mouse or a finger.")
    drawn = st_canvas(
        stroke_width=BRUSH_PIXELS, stroke_color="#ffffff", background_color="#000000",
        width=PAD_SIDE_PIXELS, height=PAD_SIDE_PIXELS, update_streamlit=True, return_image_data=True, key=pad_key,
        initial_drawing=st.session_state.get(f"{key}_start"),
    )  # fmt: skip
    png: bytes | None = drawn.image_bytes
    if png is None:
        return kept and kept[1]
    st.session_state[f"{key}_kept"] = (drawn.json_data, png)
    return png
