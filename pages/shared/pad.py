"""This lab's own drawing pad, for mouse, finger and keyboard (``assets/pad.js``), and the pixels of a pad's picture."""

from __future__ import annotations

import base64
import io

import numpy as np
import streamlit as st
from PIL import Image

from core.data.dataset import Images
from core.data.drawing.pad import BRUSH_PIXELS, PAD_SIDE_PIXELS
from core.errors import DataError
from pages.shared.component import component

MAX_DENSITY = 4  # screen pixels per page pixel
PNG_URL = "data:image/png;base64,"


def own_pad(key: str) -> bytes | None:
    """Draw the pad; returns its picture as PNG, None before the first stroke. It stays while the visitor does.

    Session state of ``key``: ``_turn`` how often something else was put on it, ``_kept`` what is on it.
    """
    kept = st.session_state.get(f"{key}_kept")
    url = PNG_URL + base64.b64encode(kept[1]).decode() if kept else ""
    sent = component("pad")(
        key=f"{key}_{turn(key)}_keys", on_picture_change=lambda: None,
        data={"side": PAD_SIDE_PIXELS, "brush": BRUSH_PIXELS, "picture": url},
    ).get("picture")  # fmt: skip
    if sent is None:
        return kept and bytes(kept[1])
    try:
        png = base64.b64decode(sent.removeprefix(PNG_URL), validate=True)
    except ValueError:
        return b""
    st.session_state[f"{key}_kept"] = (None, png)
    return png


def turn(key: str) -> int:
    """How often something else was put on this pad: each time it is a new one for the browser."""
    return int(st.session_state.setdefault(f"{key}_turn", 0))


def put_on_pad(key: str, png: bytes | None) -> None:
    """In a callback: put this picture on the pad, None to clear it."""
    st.session_state[f"{key}_turn"] = turn(key) + 1
    st.session_state.pop(f"{key}_kept", None)
    if png is not None:
        st.session_state[f"{key}_kept"] = (None, png)


def pad_pixels(png: bytes) -> Images:
    """What the browser sent, (H, W, 4) uint8, decoded only after its header promised a picture of the pad's size.

    Raises DataError for anything else.
    """
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
            if max(picture.size) <= MAX_DENSITY * PAD_SIDE_PIXELS:
                return np.array(picture.convert("RGBA"))
    except Exception:  # noqa: BLE001 - on damaged files Pillow's decoders raise nearly every type there is
        raise DataError("The pad's picture did not arrive whole. Press Clear and draw it again.") from None
    raise DataError("The pad's picture is too large. Press Clear and draw it again.")
