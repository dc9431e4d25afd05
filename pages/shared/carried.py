"""A digit that goes from page to page in an address: its 28 x 28 pixels, packed into letters."""

from __future__ import annotations

import base64
import binascii
import zlib

import numpy as np

from core.data.dataset import SIDE, Images
from core.errors import DataError

PARAMETER = "digit"
MAX_LETTERS = 1_200  # of an address; a picture of pure noise has fewer
N_PIXELS = SIDE * SIDE


def packed(image: Images) -> str:
    """image (28, 28) uint8 -> letters, digits, "-" and "_"; a few hundred for a digit."""
    return base64.urlsafe_b64encode(zlib.compress(image.tobytes(), 9)).decode().rstrip("=")


def unpacked(text: str) -> Images:
    """The image (28, 28) uint8. Raises DataError for a text that ``packed`` did not write."""
    wrong = DataError("the digit in the link can not be read: it was cut off or changed")
    if len(text) > MAX_LETTERS:
        raise wrong
    try:
        letters = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
        reader = zlib.decompressobj()
        pixels = reader.decompress(letters, N_PIXELS + 1)  # never more than that, whatever the text promises
    except (UnicodeEncodeError, binascii.Error, zlib.error):
        raise wrong from None
    if len(pixels) != N_PIXELS or not reader.eof or reader.unused_data:
        raise wrong
    return np.frombuffer(pixels, np.uint8).reshape(SIDE, SIDE)
