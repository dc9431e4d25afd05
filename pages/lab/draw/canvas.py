"""The drawing pad: streamlit-drawable-canvas with this lab's brush, as plain grey levels."""

from __future__ import annotations

import io

import numpy as np
import streamlit as st
from PIL import Image
from streamlit_drawable_canvas import st_canvas

from core.data.dataset import Images
from core.data.drawn import BRUSH_PIXELS, PAD_SIDE_PIXELS
from core.errors import DataError

MAX_DENSITY = 4  # screen pixels per page pixel


def canvas(key: str) -> Images | None:
    """Draw the pad and a Clear button; returns what is on it, (H, W, 4) uint8, or None before the first stroke.

    Raises DataError when the browser sends something that is no picture of the pad.
    """
    cleared = f"{key}_turn"  # how often
    st.session_state.setdefault(cleared, 0)
    # The pad's own tool bar floats over this line, which nobody needs any more by then.
    st.caption("Draw with the mouse or a finger.")
    drawn = st_canvas(
        stroke_width=BRUSH_PIXELS, stroke_color="#ffffff", background_color="#000000",
        width=PAD_SIDE_PIXELS, height=PAD_SIDE_PIXELS, update_streamlit=True, return_image_data=True,
        key=f"{key}_{st.session_state[cleared]}",
    )  # fmt: skip

    def clear() -> None:
        st.session_state[cleared] += 1  # a new key is a new, empty pad

    st.button("Clear", icon=":material/ink_eraser:", key=f"{key}_clear", on_click=clear)
    return None if drawn.image_bytes is None else _read(drawn.image_bytes)


def _read(png: bytes) -> Images:
    """What the browser sent, decoded only after its header promised a picture of the pad's size."""
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
            if max(picture.size) <= MAX_DENSITY * PAD_SIDE_PIXELS:
                return np.array(picture.convert("RGBA"))
    except Exception:  # noqa: BLE001 - on damaged files Pillow's decoders raise nearly every type there is
        raise DataError("The pad's picture did not arrive whole. Press Clear and draw it again.") from None
    raise DataError("The pad's picture is too large. Press Clear and draw it again.")
