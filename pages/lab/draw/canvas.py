"""The drawing pad: ``assets/pad.js`` with this lab's brush, and what is on it, which stays for as long as the visitor does."""

from __future__ import annotations

import base64
import io

import numpy as np
import streamlit as st
from PIL import Image

from core.data.dataset import Images
from core.data.drawn import BRUSH_PIXELS, PAD_SIDE_PIXELS
from core.errors import DataError
from pages.shared.component import component

PNG_URL = "data:image/png;base64,"


def canvas(key: str) -> Images | None:
    """Draw the pad and a Clear button; returns what is on it, (280, 280, 4) uint8, or None before the first stroke.

    Raises DataError when the browser sends something that is no picture of the pad.
    """
    turn, kept = f"{key}_turn", f"{key}_kept"  # session state: how often it was cleared, and what was drawn since
    st.session_state.setdefault(turn, 0)
    sent = component("pad")(
        key=f"{key}_{st.session_state[turn]}", on_picture_change=lambda: None,
        data={"side": PAD_SIDE_PIXELS, "brush": BRUSH_PIXELS, "picture": st.session_state.get(kept, "")},
    ).get("picture")  # fmt: skip

    def clear() -> None:
        st.session_state[turn] += 1  # a new key is a new, empty pad
        st.session_state.pop(kept, None)

    st.button("Clear", icon=":material/ink_eraser:", key=f"{key}_clear", on_click=clear)
    picture = sent or st.session_state.get(kept)
    if picture is None:
        return None
    pixels = _read(picture)
    st.session_state[kept] = picture  # the browser forgets it on another page
    return pixels


def _read(url: str) -> Images:
    """What the browser sent, decoded only after its header promised a picture of the pad's size."""
    try:
        png = base64.b64decode(url.removeprefix(PNG_URL), validate=True)
        with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
            if picture.size == (PAD_SIDE_PIXELS, PAD_SIDE_PIXELS):
                return np.array(picture.convert("RGBA"))
    except Exception:  # noqa: BLE001 - on damaged files Pillow's decoders raise nearly every type there is
        raise DataError("The pad's picture did not arrive whole. Press Clear and draw it again.") from None
    raise DataError("The pad's picture does not have the pad's size. Press Clear and draw it again.")
