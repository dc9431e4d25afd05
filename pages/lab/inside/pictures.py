"""Layers as pictures that need no chart library in the browser."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from PIL import Image

from core.charts.signed import Limit
from core.charts.tiles import tiles
from core.data.dataset import Images
from core.inspect.layer_pictures import Floats

# Networks beside each other -> how wide the pictures of a layer are together, in screen pixels, and how many stand in a row.
WIDTH_PIXELS: Mapping[int, int] = {1: 496, 2: 384, 3: 260}
IN_A_ROW: Mapping[int, int] = {1: 8, 2: 6, 3: 4}
MAX_TILE_PIXELS, MAX_SCALE = 112, 24  # side of a picture among others, and of one number


def shape_words(shape: Sequence[int]) -> str:
    """Such as "24 × 14 × 14"."""
    return " × ".join(f"{n:,}" for n in shape)


def png(pictures: Floats, limit: Limit, n_networks: int, in_a_row: int = 8) -> bytes:
    """pictures (N, h, w) · n_networks: beside each other · in_a_row: at most so many pictures, less where there is no room"""
    columns = min(in_a_row, IN_A_ROW[n_networks], len(pictures))
    width = min(WIDTH_PIXELS[n_networks] // columns, MAX_TILE_PIXELS if len(pictures) > 1 else WIDTH_PIXELS[n_networks])
    scale = max(1, min(MAX_SCALE, width // max(pictures.shape[1:])))
    return encoded(tiles(pictures, limit=limit, columns=columns, scale=scale))


def encoded(pixels: Images) -> bytes:
    """(H, W, 4) uint8 as a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=3)
    return stream.getvalue()
