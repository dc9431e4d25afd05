"""The drawing pad: streamlit-drawable-canvas with this lab's brush for mouse and finger, ``assets/pad.js`` for the keyboard."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import streamlit as st
from PIL import Image

from core.data.dataset import Images
from core.data.drawn import BRUSH_PIXELS, PAD_SIDE_PIXELS
from core.errors import DataError
from pages.shared.component import component

MAX_DENSITY = 4  # screen pixels per page pixel
PNG_URL = "data:image/png;base64,"


def canvas(key: str) -> Images | None:
    """Draw the pad; returns what is on it, (H, W, 4) uint8, or None before the first stroke. It stays while the visitor does.

    Raises DataError when the browser sends something that is no picture of the pad.
    """
    place = st.container(key=f"{key}_place")
    turn = f"{key}_turn"  # session state: how often it was cleared
    st.session_state.setdefault(turn, 0)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Clear", icon=":material/ink_eraser:", key=f"{key}_clear", on_click=_clear, args=(key,))
        by_keyboard = st.toggle(
            "By keyboard", key=f"{key}_by_keyboard", persist_state="session",
            help="The arrow keys move the pen; the space bar puts it down and lifts it.",
        )  # fmt: skip
    pad_key = f"{key}_{st.session_state[turn]}"
    with place:
        st_canvas = None if by_keyboard else _library()
        png = _pad(st_canvas, key, pad_key) if st_canvas else _keyboard_pad(key, pad_key)
    return None if png is None else _read(png)


def _clear(key: str) -> None:
    st.session_state[f"{key}_turn"] += 1  # a new key is a new, empty pad
    for kept in (f"{key}_kept", f"{key}_start"):
        st.session_state.pop(kept, None)


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


def _keyboard_pad(key: str, pad_key: str) -> bytes | None:
    """The pad for arrow keys, on which the mouse draws, too: its picture as PNG, None before the first stroke."""
    kept: tuple[dict[str, Any] | None, bytes] | None = st.session_state.get(f"{key}_kept")
    url = PNG_URL + base64.b64encode(kept[1]).decode() if kept else ""
    sent = component("pad")(
        key=f"{pad_key}_keys", on_picture_change=lambda: None,
        data={"side": PAD_SIDE_PIXELS, "brush": BRUSH_PIXELS, "picture": url},
    ).get("picture")  # fmt: skip
    if sent is None:
        return kept and kept[1]
    try:
        png = base64.b64decode(sent.removeprefix(PNG_URL), validate=True)
    except ValueError:
        return b""
    st.session_state[f"{key}_kept"] = (None, png)
    return png


def _read(png: bytes) -> Images:
    """What the browser sent, decoded only after its header promised a picture of the pad's size."""
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
            if max(picture.size) <= MAX_DENSITY * PAD_SIDE_PIXELS:
                return np.array(picture.convert("RGBA"))
    except Exception:  # noqa: BLE001 - on damaged files Pillow's decoders raise nearly every type there is
        raise DataError("The pad's picture did not arrive whole. Press Clear and draw it again.") from None
    raise DataError("The pad's picture is too large. Press Clear and draw it again.")
