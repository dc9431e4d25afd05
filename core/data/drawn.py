"""A drawn or photographed digit in the shape that MNIST gave its own: the same size, the same place, the same ink.

A network reads a digit that fills the pad, or stands in a corner, far worse than one with MNIST's geometry (Y. LeCun and
others, 1998): longest side 20 pixels, anti-aliased, centre of mass in the middle of 28 x 28.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from core.data.dataset import SIDE, Images
from core.errors import DataError

BOX = 20  # longest side of the ink, pixels
PAD = 280  # side of the drawing pad, pixels
BRUSH = 20  # width of its brush, pixels
CENTRE = 14  # index on which MNIST's own centres of mass lie, within half a pixel, on both axes
MAX_UPLOAD_BYTES = 10 * 2**20
MAX_UPLOAD_SIDE = 4_000
MIN_CONTRAST = 40  # grey levels between ink and paper, below which a picture is an empty sheet


@dataclass(frozen=True, eq=False)
class Drawn:
    """A digit as the network will see it, and how it came to look so. All arrays uint8, 0 = background, 255 = ink.

    image (28, 28) · blank: there was nothing to read; image is all 0
    cropped (h, w): the ink's bounding box · scaled (h', w'): its longest side 20 · pasted (28, 28): box in the middle,
    before the shift to the centre of mass
    """

    image: Images
    blank: bool
    cropped: Images
    scaled: Images
    pasted: Images


def to_digit(image: Images, *, crop: bool = True, centre: bool = True) -> Drawn:
    """White ink on black, of any size, with MNIST's geometry. Ink that has it already comes back pixel by pixel.

    image (H, W) uint8
    crop=False: the whole pad shrinks to 28 pixels · centre=False: the box stays in the middle; both show what goes wrong
    Ink is never pushed over the edge: a digit whose mass lies at one end stops there.
    Raises DataError for anything but a 2-d uint8 array.
    """
    if image.ndim != 2 or image.dtype != np.uint8:
        raise DataError(f"a drawing is a picture of grey levels 0 to 255, not {image.dtype} of shape {image.shape}")
    box = _ink_box(image)
    cropped = image[box] if crop else image
    scaled = _scale(cropped, BOX if crop else SIDE) if box != _NOTHING else cropped[:0, :0]
    pasted = np.zeros((SIDE, SIDE), np.uint8)
    height, width = scaled.shape
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    pasted[top : top + height, left : left + width] = scaled
    blank = not pasted.any()  # two far dots of one pixel also vanish when they shrink
    placed = _centre_mass(pasted) if centre and not blank else pasted
    return Drawn(placed, blank, cropped, scaled, pasted)


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
    """A PNG or JPEG file of one digit: dark on light or light on dark, on clean ground or photographed on paper.

    Which is ink is told by the border: it is paper. Paper grey is dropped at Otsu's threshold (N. Otsu, 1979).
    Raises DataError for more than 10 MB or 4,000 x 4,000 pixels, and for any file that is not a whole PNG or JPEG.
    """
    if len(data) > MAX_UPLOAD_BYTES:
        raise DataError(f"the picture is larger than {MAX_UPLOAD_BYTES // 2**20} MB")
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            too_large = max(picture.size) > MAX_UPLOAD_SIDE  # read from the header: nothing is unpacked yet
            grey = np.empty((0, 0), np.uint8) if too_large else _grey(picture)
            lossless = picture.format == "PNG"
    except Exception:  # noqa: BLE001 - on damaged files Pillow's decoders raise nearly every type there is
        raise DataError("the picture is not a whole PNG or JPEG file") from None
    if too_large:
        raise DataError(f"the picture has more than {MAX_UPLOAD_SIDE:,} × {MAX_UPLOAD_SIDE:,} pixels")
    border = np.concatenate((grey[0], grey[-1], grey[:, 0], grey[:, -1]))
    ink = 255 - grey if np.median(border) > 127 else grey
    clean = lossless and (np.median(border) in (0, 255)) and not np.ptp(border)
    return to_digit(ink if clean else _without_paper(ink), crop=crop, centre=centre)


_NOTHING = (slice(0, 0), slice(0, 0))


def _ink_box(image: Images) -> tuple[slice, slice]:
    """Rows and columns from the first to the last with any ink; empty where there is none."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    if not len(rows):
        return _NOTHING
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


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


def _grey(picture: Image.Image) -> Images:
    """Any PNG or JPEG as grey levels, upright; what is transparent becomes the opposite of what is drawn."""
    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I"):  # 16 bits a pixel
        return (np.asarray(upright).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
    if not upright.has_transparency_data:
        return np.asarray(upright.convert("L"))
    layers = np.asarray(upright.convert("LA")).astype(np.float64)
    grey, opacity = layers[..., 0], layers[..., 1] / 255
    ground = 255.0 if (grey * opacity).sum() < 127.5 * opacity.sum() else 0.0
    return np.rint(grey * opacity + ground * (1 - opacity)).astype(np.uint8)


def _without_paper(ink: Images) -> Images:
    """Light ink on darker, uneven ground as ink on black: below Otsu's threshold 0, at the usual ink level 255."""
    counts = np.bincount(ink.ravel(), minlength=256).astype(np.float64)
    below, above = counts.cumsum(), counts.sum() - counts.cumsum()
    total = (counts * np.arange(256)).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        dark, light = total / below, (total[-1] - total) / above
        apart = np.nan_to_num(below * above * (light - dark) ** 2)
    threshold = int(apart.argmax())
    if not apart[threshold] or light[threshold] - dark[threshold] < MIN_CONTRAST:
        return np.zeros_like(ink)
    stretched = (ink - float(threshold)) / (light[threshold] - threshold)
    clean: Images = np.rint(stretched.clip(0, 1) * 255).astype(np.uint8)
    return clean
