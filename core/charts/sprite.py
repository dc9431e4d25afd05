"""Many digits as one picture: a page shows one image instead of a hundred widgets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from core.charts.theme import WRONG

Pixels = NDArray[np.uint8]
# Page, frame of a tile, caption: on a light page and on a dark one (Streamlit's default backgrounds).
LIGHT = ("#ffffff", "#c9ccd4", "#31333f")
DARK = ("#0e1117", "#4a4f5c", "#fafafa")
GAP = 8
FRAME = 2
SIDE_MARGIN = (
    1  # left and right, as much as the frame of a wrong tile is wider: a sheet begins where the text around it does
)
# Pillow's own font has hair-thin spaces at caption size, and no arrow.
READABLE: Mapping[int, str] = {ord(" "): "  ", ord("→"): ">"}
_BETWEEN_WORDS = re.compile(" (?!%)")


def contact_sheet(
    images: Pixels,
    *,
    columns: int,
    scale: int = 2,
    captions: Sequence[str] | None = None,
    marks: Sequence[bool] | None = None,
    dark: bool = False,
) -> Pixels:
    """Digits in rows, each with its caption below, as one picture for ``st.image``.

    images (N, 28, 28) uint8, 0 = background, 255 = ink · columns: tiles per row · scale: screen pixels per image pixel
    captions: N texts, may hold line breaks; a line that is wider than its tile is broken between words
    marks: N flags, True = wrong: a coloured frame and a cross in the corner
    dark: colours for a dark page · returns (H, W, 3) uint8; H and W depend on the inputs only
    Raises ValueError when captions or marks are not N, or columns or scale is below 1.
    """
    n = len(images)
    if columns < 1 or scale < 1:
        raise ValueError(f"columns is {columns} and scale is {scale}, both must be at least 1")
    for name, entries in (("captions", captions), ("marks", marks)):
        if entries is not None and len(entries) != n:
            raise ValueError(f"{name} has {len(entries)} entries for {n} images")
    page, edge, ink = DARK if dark else LIGHT
    side = 28 * scale
    font = _font(max(12, min(15, 5 * scale)))
    ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    texts = [
        "\n".join(part for line in text.split("\n") for part in _broken(line, side + 2 * FRAME, font, ruler))
        for text in captions or ()
    ]
    boxes = [ruler.multiline_textbbox((0, 0), text, font=font, spacing=2) for text in texts]
    # A cell is as wide as the widest line below it, so that neighbours never run into each other. It is as high as its lines,
    # whatever their letters: so the rows of sheets beside each other are level.
    width = max([side + 2 * FRAME, *(int(box[2]) + 1 for box in boxes)]) + GAP
    lines = "\n".join(["Ég"] * max((text.count("\n") + 1 for text in texts), default=0))
    height = side + 2 * FRAME + GAP
    height += int(ruler.multiline_textbbox((0, 0), lines, font=font, spacing=2)[3]) + 4 if lines else 0
    rows = max(1, -(-n // columns))
    sheet = Image.new("RGB", (columns * width - GAP + 2 * SIDE_MARGIN, rows * height + GAP), page)
    pen = ImageDraw.Draw(sheet)
    for i, image in enumerate(images):
        left = SIDE_MARGIN + (i % columns) * width + (width - GAP - side) // 2
        top = GAP + FRAME + (i // columns) * height
        wrong = marks is not None and bool(marks[i])
        frame = FRAME + wrong
        pen.rectangle(
            (left - frame, top - frame, left + side + frame - 1, top + side + frame - 1), fill=WRONG if wrong else edge
        )
        sheet.paste(Image.fromarray(enlarge(image, scale)), (left, top))
        if wrong:
            _cross(pen, left + side, top, max(9, 6 * scale))
        if texts:
            middle, under = left + side / 2, top + side + FRAME + 3
            pen.multiline_text((middle, under), texts[i], ink, font, anchor="ma", align="center", spacing=2)
    return np.asarray(sheet)


def enlarge(image: Pixels, scale: int) -> Pixels:
    """Each pixel as a square of scale x scale, hard edges kept: (H, W) uint8 -> (H * scale, W * scale) uint8."""
    return np.repeat(np.repeat(image, scale, axis=0), scale, axis=1)


def _broken(
    line: str, width: float, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, ruler: ImageDraw.ImageDraw
) -> list[str]:
    """The line in parts no wider than ``width``, unless a word is; a number and its percent sign stay together."""
    parts: list[str] = []
    for word in _BETWEEN_WORDS.split(line):
        longer = f"{parts[-1]} {word}" if parts else word
        if parts and ruler.textlength(longer.translate(READABLE), font=font) > width:
            parts.append(word)
        else:
            parts[-1:] = [longer]
    return [part.translate(READABLE) for part in parts]


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _cross(pen: ImageDraw.ImageDraw, right: int, top: int, size: int) -> None:
    """A filled corner with a white cross: says "wrong" without its colour."""
    pen.rectangle((right - size, top, right - 1, top + size - 1), fill=WRONG)
    inner = max(2, size // 4)
    a, b = right - size + inner, right - 1 - inner
    c, d = top + inner, top + size - 1 - inner
    pen.line((a, c, b, d), fill="#ffffff", width=2)
    pen.line((a, d, b, c), fill="#ffffff", width=2)
