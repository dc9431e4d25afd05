"""A PNG or JPEG file as colours, upright, small enough to work on, in bounded memory."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from core.errors import DataError

Floats = NDArray[np.floating[Any]]

MAX_UPLOAD_BYTES = 20 * 2**20
MAX_UPLOAD_PIXELS = 50_000_000  # unpacked at most four bytes each; a telephone's picture has 12 to 50 million
MAX_UPLOAD_SIDE = 65_535  # pixels, as JPEG has it: a place in memory is kept for each row, however short it is
WORK_SIDE = 800  # longest side of what is looked at, pixels
STRIP_BLOCKS = 20  # rows of averaged blocks that are made at once
LEVELS = (255, 1_023, 4_095, 16_383, 65_535)  # the full scales of 8, 10, 12, 14 and 16 bits a pixel


class Picture(NamedTuple):
    """colours (H, W, 3) float32, 0..255 · lossless: the file holds exactly what was drawn"""

    colours: Floats
    lossless: bool


def read(data: bytes) -> Picture:
    """The picture in a file. What is transparent gets the colour of the paper around the ink.

    Raises DataError for more than 20 MB, 50 million pixels or 65,535 on a side, and for any file that is not a whole PNG or
    JPEG.
    """
    if len(data) > MAX_UPLOAD_BYTES:
        raise DataError(f"the picture is larger than {MAX_UPLOAD_BYTES // 2**20} MB")
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as file:
            width, height = file.size  # read from the header: nothing is unpacked yet
            is_bounded = width * height <= MAX_UPLOAD_PIXELS and max(width, height) <= MAX_UPLOAD_SIDE
            small, lossless = _reduced(file) if is_bounded else None, file.format == "PNG"
        del file  # and with it all its pixels, before their colours take as much again
        if small is not None:
            return Picture(_colours(small), lossless)
    except Exception:  # noqa: BLE001 - on damaged files Pillow's decoders raise nearly every type there is
        raise DataError("the picture is not a whole PNG or JPEG file") from None
    raise DataError(
        f"the picture has {width:,} × {height:,} pixels, that is {width * height / 1e6:,.0f} million; "
        f"at most {MAX_UPLOAD_PIXELS // 10**6} million, and {MAX_UPLOAD_SIDE:,} on a side, are unpacked here"
    )


def _reduced(file: Image.Image) -> Image.Image:
    """The picture upright, averaged over whole blocks of pixels until it fits into WORK_SIDE."""
    file.draft(None, (WORK_SIDE, WORK_SIDE))  # a JPEG is unpacked at a half, a quarter or an eighth of its size
    mode = file.mode
    if mode.startswith("I;16"):
        mode = "I"
    elif mode not in ("L", "LA", "RGB", "RGBA", "I"):
        mode = "RGBA" if file.has_transparency_data else "RGB"
    small = _averaged(file, mode, -(-max(file.size) // WORK_SIDE))
    small.info.update(file.info)
    return ImageOps.exif_transpose(small)


def _averaged(picture: Image.Image, mode: str, factor: int) -> Image.Image:
    """``picture.convert(mode).reduce(factor)``, strip by strip: at once, that makes one or two more pictures as large."""
    width, height = picture.size
    small = Image.new(mode, (-(-width // factor), -(-height // factor)))
    for top in range(0, height, STRIP_BLOCKS * factor):
        strip = picture.crop((0, top, width, min(height, top + STRIP_BLOCKS * factor)))
        strip = strip if strip.mode == mode else strip.convert(mode)
        small.paste(strip.reduce(factor), (0, top // factor))
    return small


def _colours(picture: Image.Image) -> Floats:
    """(H, W, 3) float32, 0..255, of a picture of mode L, LA, I, RGB or RGBA."""
    if picture.mode == "I":
        levels = np.asarray(picture).astype(np.float32)
        full = next((full for full in LEVELS if levels.max() <= full), levels.max())
        return np.repeat(levels[..., None] * np.float32(255 / full), 3, axis=2)
    if not picture.has_transparency_data:
        return np.asarray(picture.convert("RGB")).astype(np.float32)
    layers = np.asarray(picture.convert("RGBA")).astype(np.float32)
    colours, opacity = layers[..., :3], layers[..., 3:] / 255
    return colours * opacity + _ground(colours, opacity) * (1 - opacity)


def _ground(colours: Floats, opacity: Floats) -> Floats:
    """What to lay under a picture: white under dark ink, black under light ink, more paper under most of a sheet."""
    opaque = opacity[..., 0] > 0.5
    if opaque.mean() > 0.6:
        return np.median(colours[opaque], axis=0).astype(np.float32)
    brightness = (colours * opacity).sum() / max(3 * float(opacity.sum()), 1e-6)
    return np.full(3, 255 if brightness < 127.5 else 0, np.float32)
