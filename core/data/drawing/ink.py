"""What of a picture is ink: light or dark, grey or coloured, on any paper, under any light.

Paper is estimated everywhere by a morphological closing (for dark ink) or opening (for light ink) with a window wider than
any stroke, and divided away (the top-hat transform: P. Soille, "Morphological Image Analysis", 2003, ch. 4); colours are
looked at along the direction in which they differ most (their first principal component); the threshold is Otsu's (1979).
Both polarities are tried: a digit consists of strokes, so the one whose ink is thinner for its size is right.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from core.data.dataset import Images
from core.data.drawing.picture import Floats, Picture

Mask = NDArray[np.bool_]

COARSE_SIDE = 160  # pixels on which the paper is estimated
WINDOWS = (1 / 16, 1 / 11, 1 / 8, 1 / 5.5, 1 / 4, 1 / 3, 1 / 2)  # tried for the paper, of the longest side
NEGLIGIBLE_GROWTH_GAP = 0.02  # difference between two growths of the ink that says nothing
MIN_CONTRAST = 12  # grey levels between ink and paper in a photograph, below which it is an empty sheet
MIN_CLEAN_CONTRAST = 3  # the same in a PNG with one colour as its ground
MIN_SIGNAL = 4  # contrast of the faintest ink in standard deviations of the paper's grain
MIN_LEVEL = 7  # the same for the mean of the ink
MIN_PIECE = 0.3  # area of the largest piece of ink by all of it
MIN_SIDE = 5  # of the largest piece, pixels
MIN_PICTURE_SIDE_PIXELS = 12  # longest side of a picture in which paper can be told from ink, pixels
MAX_THICKNESS = 0.5  # widest stroke by the longest side of a digit
MAX_FILL = 0.6  # ink of a digit by the square of its longest side
MAX_GROWTH = 0.6  # of ink from one window to the next
MAX_CONTACT = 0.25  # share of the shortest side along which a digit may touch the border
MIN_PART = 0.04  # area of a part that belongs to the digit, by the largest part's
BOX_BAND = 0.1  # width of the rim, by a box's side, in which all four lines of a drawn box lie
MIN_BOX_SIDE = 0.85  # share of each side that a line runs along; a round 0 has 0.6
MIN_BOXED = 0.25  # longest side of what stands in such a box, by that of the box
EIGHT_NEIGHBOURS = ((True,) * 3,) * 3  # pixels that touch at a corner are connected


class Candidate(NamedTuple):
    """ink (H, W) uint8 · longest: side of its box, pixels · thickness: its widest stroke by that, 0..1
    fill: ink by the area of a square of that side
    growth: by which share there is more of it with a larger window for the paper
    rare: whether few pixels lie far from most others on its side, light or dark (third moment)
    """

    ink: Images
    longest: int
    thickness: float
    fill: float
    growth: float = 0.0
    rare: bool = True


def ink(picture: Picture) -> Images:
    """(H, W) uint8, 0 = paper, 255 = the usual ink; all 0 when there is none that stands out."""
    colours = picture.colours
    border = np.concatenate((colours[0], colours[-1], colours[:, 0], colours[:, -1]))
    nothing = np.zeros(colours.shape[:2], np.uint8)
    clean: Candidate | None = None
    if picture.lossless and not np.ptp(border, axis=0).any():
        clean = _clean(colours - border[0])
        if clean is None:
            return nothing
        if clean.thickness < 0.35 and clean.fill < 0.4:
            return clean.ink
    if max(colours.shape) < MIN_PICTURE_SIDE_PIXELS:
        return nothing
    candidates = [*_candidates(colours), *([clean] if clean else [])]
    candidates = [
        candidate for candidate in candidates
        if candidate.thickness <= MAX_THICKNESS and candidate.fill <= MAX_FILL and candidate.growth <= MAX_GROWTH
    ]  # fmt: skip
    longest = max((candidate.longest for candidate in candidates if candidate.rare), default=0)

    def unlikely(
        candidate: Candidate,
    ) -> float:  # a digit's holes and its sheet are thick, full, or grow with the window
        smaller = max(0.0, 1 - candidate.longest / max(longest, 1))
        return (
            candidate.thickness + candidate.growth + 0.3 * candidate.fill + 0.2 * smaller + 0.3 * (not candidate.rare)
        )

    return min(candidates, key=unlikely).ink if candidates else nothing


def _clean(difference: Floats) -> Candidate | None:
    """Ink on ground of one colour: as strong as it is different, the strongest at 255. difference (H, W, 3): to the ground"""
    contrast = difference @ _direction(difference)
    contrast = np.maximum(contrast if contrast.sum() > 0 else -contrast, 0)
    if contrast.max() < MIN_CLEAN_CONTRAST:
        return None
    parts = _parts(contrast > 0.3 * contrast.max())
    if not parts.any():
        return None
    others = (
        ndimage.binary_dilation((contrast > 0.3 * contrast.max()) & ~parts, EIGHT_NEIGHBOURS, iterations=2) & ~parts
    )
    contrast[others] = 0
    return Candidate(np.rint(255 * contrast / contrast.max()).astype(np.uint8), *_shape(parts))


def _candidates(colours: Floats) -> list[Candidate]:
    """The ink if it is darker than the paper, and if it is lighter; without the one of which there is none."""
    coarse = _resized(colours, COARSE_SIDE / max(*colours.shape[:2], COARSE_SIDE))
    difference = coarse - _plain_paper(coarse)
    direction = _direction(difference)
    direction /= np.abs(direction).sum()
    skewed = float(((difference @ direction).astype(np.float64) ** 3).sum())
    levels, coarse_levels = colours @ direction, coarse @ direction
    coarse_brightness = coarse.mean(axis=2)
    grain = _grain(levels)
    if grain > 1:
        levels = ndimage.gaussian_filter(levels, max(levels.shape) / 350)
    candidates = []
    for sign in (1, -1):
        window, growth = _window(sign * coarse_levels)
        coarse_paper, coarse_light = (
            sign * _closed(sign * part, window) for part in (coarse_levels, coarse_brightness)
        )
        edges = ndimage.maximum_filter(coarse_paper, 3) - ndimage.minimum_filter(coarse_paper, 3)
        paper, light, edge = (
            _resized_to(ndimage.gaussian_filter(part, 1), levels.shape) for part in (coarse_paper, coarse_light, edges)
        )
        usual = max(float(np.median(light)), 32)
        darker = sign * (paper - levels)
        darker -= np.minimum(edge, np.maximum(darker, 0))  # where the paper itself ends is no ink
        contrast = darker * (usual / np.maximum(light, usual / 4))
        candidate = _candidate(contrast)
        if candidate is not None:
            candidates.append(candidate._replace(growth=growth, rare=sign * skewed <= 0))
    return candidates


def _closed(levels: Floats, window: int) -> Floats:
    closed: Floats = ndimage.grey_closing(levels, window)
    return closed


def _window(levels: Floats) -> tuple[int, float]:
    """The window for the paper under dark ink, pixels, and by which share the ink grows with the next larger one.

    Strokes are filled whole as soon as the window is wider than they are; then their darkness grows no more until the
    window is wider than a shadow, too (a granulometry: G. Matheron, 1975). What is no ink grows with every window.
    """
    windows = sorted({max(3, round(max(levels.shape) * share)) for share in WINDOWS})
    dark = [_closed(levels, window) - levels for window in windows]
    least = 0.3 * max(float(dark[-1].max()), 1)
    amounts = np.array([max(float(part[part > least].sum()), 1) for part in dark])
    growths = amounts[1:] / amounts[:-1] - 1
    growths[amounts[:-1] <= 1] = np.inf
    place = int(np.flatnonzero(growths <= growths.min() + NEGLIGIBLE_GROWTH_GAP)[-1])
    return windows[place], float(min(growths[place], 1))


def _candidate(contrast: Floats) -> Candidate | None:
    """contrast (H, W): how much darker each pixel is than the paper, grey levels; negative where it is lighter"""
    low, quarter = np.percentile(contrast, (5, 25))  # paper, whatever the share of the ink
    faintest = max(MIN_CONTRAST, quarter + MIN_SIGNAL * (quarter - low))
    around, away = np.ones_like(contrast, bool), np.zeros_like(contrast, bool)
    for _ in range(2):  # first in the whole picture, then around what looks like the digit
        near = contrast[around & ~away]
        threshold = max(_otsu(near), faintest)
        mask = (contrast > threshold) & ~away
        parts = _parts(mask)
        if not parts.any():
            return None
        away |= ndimage.binary_dilation(mask & ~parts, EIGHT_NEIGHBOURS, iterations=3) & ~parts
        around = _around(parts)
    usual = float(contrast[parts].mean())
    if usual < quarter + MIN_LEVEL * (quarter - low) or not _coherent((contrast > threshold) & ~away):
        return None
    stretched = (contrast - threshold) / max(usual - threshold, 1)
    stretched[~ndimage.binary_dilation(parts, EIGHT_NEIGHBOURS, iterations=2)] = 0
    return Candidate(np.rint(stretched.clip(0, 1) * 255).astype(np.uint8), *_shape(parts))


def _coherent(mask: Mask) -> bool:
    """Whether one piece stands out: grain falls apart into many specks, none of them large."""
    labels, n = ndimage.label(mask, EIGHT_NEIGHBOURS)
    areas = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    sides = [
        max(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in ndimage.find_objects(labels)
    ]
    return bool(areas.max() >= MIN_PIECE * areas.sum() and max(sides) >= MIN_SIDE)


def _around(parts: Mask) -> Mask:
    """The bounding box of the parts, larger by half of its longest side on every side."""
    rows, columns = np.flatnonzero(parts.any(axis=1)), np.flatnonzero(parts.any(axis=0))
    room = max(int(np.ptp(rows)), int(np.ptp(columns))) // 2 + 2
    around = np.zeros_like(parts)
    around[max(rows[0] - room, 0) : rows[-1] + room + 1, max(columns[0] - room, 0) : columns[-1] + room + 1] = True
    return around


def _direction(difference: Floats) -> Floats:
    """Unit vector (3,) of colour along which pixels lie farthest from the paper: the first principal component."""
    flat = difference.reshape(-1, 3).astype(np.float64)
    _, vectors = np.linalg.eigh(flat.T @ flat)
    vector = vectors[:, -1]
    return (vector if vector.sum() >= 0 else -vector).astype(np.float32)


def _plain_paper(coarse: Floats) -> Floats:
    """A second-degree surface through most of the picture, channel by channel: paper under light that falls off."""
    height, width = coarse.shape[:2]
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    values = coarse.reshape(-1, 3).astype(np.float64)
    weights = np.ones(len(terms))
    for _ in range(4):
        fit = terms @ np.linalg.lstsq(terms * weights[:, None], values * weights[:, None], rcond=None)[0]
        away = np.abs(values - fit).max(axis=1)
        weights = 1 / (1 + (away / max(float(np.median(away)), 1)) ** 2)
    surface: Floats = fit.reshape(coarse.shape).astype(np.float32)
    return surface


def _parts(mask: Mask) -> Mask:
    """Of what is darker than the threshold, what can be a digit: neither frame, desk nor edge, nor specks."""
    labels, n = ndimage.label(mask, EIGHT_NEIGHBOURS)
    if not n:
        return mask
    height, width = mask.shape
    edge = max(1, max(height, width) // 200)
    inside = np.zeros_like(mask)
    inside[edge : height - edge, edge : width - edge] = True
    contact = np.bincount(labels[~inside], minlength=n + 1) / edge
    boxes = ndimage.find_objects(labels)
    sizes = np.array([max(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in boxes], float)
    sizes = np.concatenate(([0.0], sizes))
    contact[0] = 0
    for part in np.flatnonzero(sizes >= 0.3 * sizes.max()):
        if _is_box(labels[boxes[part - 1]], int(part), sizes):
            contact[part] = np.inf
    touches = contact > 0
    inner, outer = (
        sizes[~touches].max(initial=0),
        sizes[touches & (contact < MAX_CONTACT * min(height, width))].max(initial=0),
    )
    if inner >= 0.4 * outer and inner >= 0.05 * max(height, width):
        keep = ~touches
    elif outer:
        keep = contact < MAX_CONTACT * min(height, width)
    else:
        keep = contact < 0.5 * (height + width)
    keep[0] = False
    kept = keep[labels]
    groups, n = ndimage.label(
        ndimage.binary_dilation(kept, EIGHT_NEIGHBOURS, iterations=max(1, max(height, width) // 100)), EIGHT_NEIGHBOURS
    )
    areas = np.bincount(groups[kept], minlength=n + 1)
    areas[0] = 0
    result: Mask = kept & (areas >= MIN_PART * areas.max())[groups]
    return result


def _is_box(labels: NDArray[np.integer[Any]], part: int, sizes: Floats) -> bool:
    """Whether a part is four straight lines drawn around something, such as a cell of a form.

    labels (H, W): cut out at the part's box · sizes: longest side of every part
    """
    height, width = labels.shape
    band = round(BOX_BAND * min(height, width))
    lines, middle = labels == part, labels[band : height - band, band : width - band]
    if band < 1 or (middle == part).any():
        return False
    rows, columns = (lines[:band], lines[-band:]), (lines[:, :band], lines[:, -band:])
    shortest = min(*(rim.any(axis=0).mean() for rim in rows), *(rim.any(axis=1).mean() for rim in columns))
    boxed = sizes[np.unique(middle[middle > 0])].max(initial=0)
    return bool(shortest >= MIN_BOX_SIDE and boxed >= MIN_BOXED * max(height, width))


def _shape(parts: Mask) -> tuple[int, float, float]:
    """Longest side, thickness and fill of a ``Candidate``."""
    rows, columns = np.flatnonzero(parts.any(axis=1)), np.flatnonzero(parts.any(axis=0))
    if not len(rows):
        return 0, 1.0, 1.0
    cut = parts[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    step = max(1, max(cut.shape) // 100)
    deepest = ndimage.distance_transform_edt(np.pad(cut[::step, ::step], 1)).max()
    return (
        max(cut.shape),
        float(2 * (deepest - 0.5) * step / max(cut.shape)),
        float(np.count_nonzero(cut)) / max(cut.shape) ** 2,
    )


def _otsu(values: Floats) -> float:
    """The threshold of N. Otsu (1979) among 256 levels: what lies above and below it is farthest apart."""
    values = np.maximum(values, 0)
    top = float(values.max(initial=0))
    if not top:
        return 0.0
    counts = np.histogram(values, 256, (0, top))[0].astype(np.float64)
    below, above = counts.cumsum(), counts.sum() - counts.cumsum()
    total = (counts * np.arange(256)).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.nan_to_num(below * above * ((total[-1] - total) / above - total / below) ** 2)
    return float(apart.argmax() + 1) / 256 * top


def _grain(levels: Floats) -> float:
    """Standard deviation of the noise from one pixel to the next, by the median: lines and edges do not count."""
    return float(np.median(np.abs(np.diff(levels, axis=1)))) / (0.6745 * 2**0.5) if levels.shape[1] > 1 else 0.0


def _resized(colours: Floats, scale: float) -> Floats:
    height, width = (max(1, round(side * scale)) for side in colours.shape[:2])
    return np.stack([_resized_to(colours[..., channel], (height, width)) for channel in range(3)], axis=-1)


def _resized_to(plane: Floats, shape: tuple[int, ...]) -> Floats:
    image = Image.fromarray(plane.astype(np.float32))
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BILINEAR))
