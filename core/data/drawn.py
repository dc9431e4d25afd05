"""A drawn or photographed digit in the shape that MNIST gave its own: the same size, the same place, the same ink.

A network reads a digit that fills the pad, or stands in a corner, far worse than one with MNIST's geometry (Y. LeCun and
others, 1998): longest side 20 pixels, anti-aliased, centre of mass in the middle of 28 x 28.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from core.data.dataset import SIDE, Images
from core.data.drawing.ink import ink
from core.data.drawing.pad import BRUSH_PIXELS as BRUSH_PIXELS
from core.data.drawing.pad import PAD_SIDE_PIXELS as PAD_SIDE_PIXELS
from core.data.drawing.picture import MAX_UPLOAD_BYTES as MAX_UPLOAD_BYTES
from core.data.drawing.picture import read
from core.data.drawing.stroke import doubt, stroke_width, thicken
from core.errors import DataError

INK_SIDE_PIXELS = 20  # longest side of the ink, pixels
FADING_WIDTH_PIXELS = 1.35  # mean width of a stroke on 28 x 28, below which it would fade; the pad's own is 1.4 to 1.8
SPECK_WIDTH_PIXELS = 0.01  # width below which it is no stroke
THICKENED_WIDTH_PIXELS = 1.9  # width that a thin stroke gets
CENTRE = 14  # index on which MNIST's own centres of mass lie, within half a pixel, on both axes


@dataclass(frozen=True, eq=False)
class Drawn:
    """A digit as the network will see it, and how it came to look so. All arrays uint8, 0 = background, 255 = ink.

    image (28, 28) · blank: there was nothing to read; image is all 0
    cropped (h, w): the ink's bounding box · thickened (h", w"): with wider strokes, None when they were wide enough
    scaled (h', w'): its longest side 20 · pasted (28, 28): box in the middle, before the shift to the centre of mass
    """

    image: Images
    blank: bool
    cropped: Images
    thickened: Images | None
    scaled: Images
    pasted: Images

    @property
    def notice(self) -> str:
        """One sentence when this may be no single digit, else ""."""
        return "" if self.blank else doubt(self.cropped[_ink_box(self.cropped)])


def to_digit(image: Images, *, crop: bool = True, centre: bool = True) -> Drawn:
    """White ink on black, of any size, with MNIST's geometry. Ink that has it already comes back pixel by pixel.

    image (H, W) uint8
    Strokes that would fade when they shrink are widened first: a pen of 2 of 280 pixels would leave a tenth of its ink.
    crop=False: the whole pad shrinks to 28 pixels · centre=False: the box stays in the middle; both show what goes wrong
    Ink is never pushed over the edge: a digit whose mass lies at one end stops there.
    Raises DataError for anything but a 2-d uint8 array.
    """
    if image.ndim != 2 or image.dtype != np.uint8:
        raise DataError(f"a drawing is a picture of grey levels 0 to 255, not {image.dtype} of shape {image.shape}")
    box = _ink_box(image)
    cropped = image[box] if crop else image
    thickened = _thickened(cropped) if crop and box != _NOTHING else None
    strokes = cropped if thickened is None else thickened
    scaled = _scale(strokes, INK_SIDE_PIXELS if crop else SIDE) if box != _NOTHING else cropped[:0, :0]
    pasted = np.zeros((SIDE, SIDE), np.uint8)
    height, width = scaled.shape
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    pasted[top : top + height, left : left + width] = scaled
    blank = not pasted.any()  # two far dots of one pixel also vanish when they shrink
    placed = _centre_mass(pasted) if centre and not blank else pasted
    return Drawn(placed, blank, cropped, thickened, scaled, pasted)


def from_rgba(rgba: Images, *, crop: bool = True, centre: bool = True) -> Drawn:
    """A drawing pad's picture: how bright each pixel looks on black is its ink.

    rgba (H, W, 4) uint8 · crop, centre: as in ``to_digit``. Raises DataError for another shape or type.
    """
    if rgba.ndim != 3 or rgba.shape[2] != 4 or rgba.dtype != np.uint8:
        raise DataError(f"a pad's picture has red, green, blue and opacity, not {rgba.dtype} of shape {rgba.shape}")
    luminance = rgba[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32)
    ink = np.rint(luminance * rgba[..., 3].astype(np.float32) / 255)
    return to_digit(ink.astype(np.uint8), crop=crop, centre=centre)


def from_upload(data: bytes, *, crop: bool = True, centre: bool = True) -> Drawn:
    """A PNG or JPEG file of one digit: ink of any colour on any paper, drawn or photographed (``core.data.drawing``).

    Raises DataError for more than 20 MB or 50 million pixels, and for any file that is not a whole PNG or JPEG.
    """
    return to_digit(ink(read(data)), crop=crop, centre=centre)


_NOTHING = (slice(0, 0), slice(0, 0))


def _ink_box(image: Images) -> tuple[slice, slice]:
    """Rows and columns from the first to the last with any ink; empty where there is none."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    if not len(rows):
        return _NOTHING
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _thickened(cropped: Images) -> Images | None:
    """The digit with strokes of MNIST's width, where shrinking to 20 pixels would let them fade; else None."""
    longest = max(cropped.shape)
    width = stroke_width(cropped) * INK_SIDE_PIXELS / longest
    if longest <= INK_SIDE_PIXELS or not SPECK_WIDTH_PIXELS < width < FADING_WIDTH_PIXELS:
        return None
    return thicken(cropped, (THICKENED_WIDTH_PIXELS - width) * longest / INK_SIDE_PIXELS)


def _scale(image: Images, longest: int) -> Images:
    """The picture with its longest side of so many pixels, in proportion; itself when that is so already."""
    height, width = image.shape
    if max(height, width) == longest:
        return image
    ratio = longest / max(height, width)
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def _centre_mass(image: Images) -> Images:
    """The ink moved by whole pixels so that its centre of mass is as near to (14, 14) as the frame allows."""
    box = _ink_box(image)
    mass = image.astype(np.float64)
    shifts = []
    for axis in (0, 1):
        along = mass.sum(axis=1 - axis)
        wanted = round(CENTRE - float(along @ np.arange(SIDE)) / float(along.sum()))
        shifts.append(min(max(wanted, -box[axis].start), SIDE - box[axis].stop))
    return np.roll(image, shifts, axis=(0, 1))  # nothing wraps: the ink stays inside
