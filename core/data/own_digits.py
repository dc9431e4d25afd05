"""Five digits that come with the program, so that there is something to read before anybody has drawn: pen strokes in
``assets/digits.json``, drawn for it, put on the pad and prepared as a visitor's are."""

from __future__ import annotations

import json
from functools import cache
from typing import NamedTuple

from core.data.dataset import Images
from core.data.drawn import to_digit
from core.data.paths import assets_root
from core.data.strokes import rasterise


class OwnDigit(NamedTuple):
    """label: 0 to 9 · image (28, 28) uint8, read-only"""

    label: int
    image: Images


@cache
def own_digits() -> tuple[OwnDigit, ...]:
    """In order of their labels."""
    digits = []
    for row in json.loads((assets_root() / "digits.json").read_text("utf-8")):
        image = to_digit(rasterise(row["strokes"])).image
        image.setflags(write=False)
        digits.append(OwnDigit(int(row["label"]), image))
    return tuple(digits)
