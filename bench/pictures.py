"""Uploaded pictures of digits, each kind as people take them: which share do shipped networks read correctly?

    python -m bench.pictures [--network compact] [--digits 50] [--drawings 120] [--only WORD] [--json]

Every kind is made from the same MNIST test images, enlarged ten times, or from pen strokes (``bench.pendigits``), drawn with
a pen of the stated width; then it is a file that travels the way of an upload. A picture that is refused or read as empty
counts as wrong. Exit code 1 when a kind stays below its floor, 2 for bad input.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from bench import pendigits
from bench.strokes import rasterise
from core.config import parse
from core.data.dataset import SIDE, Images, Labels
from core.data.drawn import from_upload
from core.data.mnist import load
from core.data.paths import data_root
from core.engine.evaluate import Predictor
from core.engine.events import Started
from core.errors import DataError, InputError
from core.runs import shipped

Floats = NDArray[np.floating[Any]]
Rng = np.random.Generator
ZOOM = 10  # an enlarged digit is 280 pixels wide
EXIF_ORIENTATION = 0x0112


class Row(NamedTuple):
    """One line of the table: right of n pictures of a kind, and the share that must be right."""

    name: str
    right: int
    n: int
    floor: float


class Kind(NamedTuple):
    """make(ink, rng) -> the bytes of a file; ink (H, W) in 0..1 · floor: share that must be read correctly"""

    name: str
    make: Callable[[Floats, Rng], bytes]
    floor: float = 0.96


def encode(pixels: Floats, kind: str = "PNG", **options: Any) -> bytes:
    """pixels (H, W) or (H, W, 3 or 4), 0..255 -> a file"""
    stream = io.BytesIO()
    Image.fromarray(np.rint(pixels.clip(0, 255)).astype(np.uint8)).save(stream, kind, **options)
    return stream.getvalue()


def enlarged(digit: Images, size: tuple[int, int] | None = None) -> Floats:
    """A digit of 28 x 28 as ink in 0..1, ten times as large or of (height, width)."""
    height, width = size or (SIDE * ZOOM, SIDE * ZOOM)
    large = Image.fromarray(digit).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(large) / 255


def photo(
    ink: Floats, rng: Rng, paper: Floats | float, pen: float, *, noise: float = 4.0, quality: int = 90, **options: Any
) -> bytes:
    """A JPEG in greys. paper: level of the light that it sends back · pen: share of the paper's light where there is ink"""
    grey = paper * (1 - ink * (1 - pen)) + rng.normal(0, noise, ink.shape)
    return encode(grey, "JPEG", quality=quality, **options)


def coloured(
    paper: tuple[int, int, int], pen: tuple[int, int, int], kind: str = "PNG"
) -> Callable[[Floats, Rng], bytes]:
    """A picture with clean ground in two colours."""

    def make(ink: Floats, rng: Rng) -> bytes:
        return encode(np.array(paper) * (1 - ink[..., None]) + np.array(pen) * ink[..., None], kind)

    return make


def even(paper: float, pen: float, noise: float = 4.0) -> Callable[[Floats, Rng], bytes]:
    return lambda ink, rng: photo(ink, rng, paper, pen / paper, noise=noise)


def slope(ink: Floats, rng: Rng) -> bytes:
    """Paper from 220 to 120, towards a side drawn by chance."""
    ramp = np.broadcast_to(np.linspace(220, 120, ink.shape[1]), ink.shape)
    return photo(ink, rng, np.rot90(ramp, int(rng.integers(4))), 0.22)


def shadow(ink: Floats, rng: Rng) -> bytes:
    """A hand's shadow: an arm and a fist from one side, at 55 % of the light, with a soft border."""
    rows, columns = np.indices(ink.shape) / ink.shape[0]
    x, y, slant = rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7), rng.uniform(-0.5, 0.5)
    fist = (rows - y) ** 2 + (columns - x) ** 2 < 0.25**2
    arm = (columns > x) & (np.abs(rows - y - slant * (columns - x)) < 0.16)
    soft = ndimage.gaussian_filter((fist | arm).astype(float), 0.02 * ink.shape[0])
    return photo(ink, rng, 215 * (1 - 0.45 * np.rot90(soft, int(rng.integers(4)))), 0.25)


def pencil(ink: Floats, rng: Rng) -> bytes:
    """Faint, grainy graphite: on average 30 % darker than paper that itself falls off by a quarter."""
    grain = ndimage.gaussian_filter(rng.normal(0, 1, ink.shape), 1.2)
    strength = (0.30 + 0.10 * grain / grain.std()).clip(0.05, 0.6)
    paper = np.broadcast_to(np.linspace(225, 170, ink.shape[0])[:, None], ink.shape)
    return photo(ink * strength, rng, paper, 0.0, noise=5)


def framed(width: int) -> Callable[[Floats, Rng], bytes]:
    def make(ink: Floats, rng: Rng) -> bytes:
        return encode(np.pad(255 * (1 - ink), width))

    return make


def boxed(ink: Floats, rng: Rng) -> bytes:
    """A cell of a form, a little turned, with paper around it."""
    cell = np.pad(np.pad(np.pad(ink, 10), 3, constant_values=1), 40)
    return photo(ndimage.rotate(cell, rng.uniform(-4, 4), order=1).clip(0, 1), rng, 220, 0.25)


def desk(ink: Floats, rng: Rng) -> bytes:
    """A white sheet, a little turned, on a dark brown table."""
    sheet = Image.fromarray(np.rint(225 - 190 * ink).astype(np.uint8)).convert("RGBA")
    turned = np.asarray(sheet.rotate(rng.uniform(-8, 8), Image.Resampling.BICUBIC, expand=True), float)
    margin = [(int(rng.integers(25, 70)), int(rng.integers(25, 70))) for _ in range(2)]
    turned = np.pad(turned, (*margin, (0, 0)))
    opacity = turned[..., 3:] / 255
    pixels = turned[..., :3] * opacity + np.array([70, 50, 40]) * (1 - opacity)
    return encode(pixels + rng.normal(0, 4, pixels.shape), "JPEG", quality=90)


def strip(ink: Floats, rng: Rng) -> bytes:
    """The table shows at one side of the sheet."""
    pixels = 225 - 190 * ink
    pixels[:, : int(rng.integers(12, 30))] = 45
    return encode(pixels + rng.normal(0, 4, ink.shape), "JPEG", quality=90)


def deep(levels: int, lossy: bool = False) -> Callable[[Floats, Rng], bytes]:
    """A PNG of 16 bits a pixel that uses so many levels."""

    def make(ink: Floats, rng: Rng) -> bytes:
        stream = io.BytesIO()
        Image.fromarray(np.rint((1 - ink) * (levels - 1)).astype(np.uint16)).save(stream, "PNG")
        return stream.getvalue()

    return make


def phone(ink: Floats, rng: Rng) -> bytes:
    """12 megapixels, held sideways, on unevenly lit paper; the digit fills a third of the picture."""
    paper = np.linspace(205, 150, 4032)[None, :] * np.linspace(1, 0.85, 3024)[:, None]
    large = np.zeros(paper.shape)
    side, top, left = 1400, int(rng.integers(200, 1400)), int(rng.integers(200, 2400))
    large[top : top + side, left : left + side] = enlarged(
        np.rint(ink[::ZOOM, ::ZOOM] * 255).astype(np.uint8), (side, side)
    )
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    colour = (np.rot90(paper * (1 - 0.75 * large)))[..., None] * np.array([1.0, 0.97, 0.88])
    return encode(colour + rng.integers(-6, 7, colour.shape), "JPEG", quality=85, exif=exif)


def transparent(pen: int) -> Callable[[Floats, Rng], bytes]:
    return lambda ink, rng: encode(np.dstack((*[np.full(ink.shape, float(pen))] * 3, ink * 255)))


def palette(ink: Floats, rng: Rng) -> bytes:
    stream = io.BytesIO()
    pixels = 255 - ink[..., None] * np.array([230, 200, 60])
    Image.fromarray(np.rint(pixels).astype(np.uint8)).quantize(32).save(stream, "PNG")
    return stream.getvalue()


def ruled(step: int, squared: bool) -> Callable[[Floats, Rng], bytes]:
    """School paper: pale blue lines, a little turned, under dark ink."""

    def make(ink: Floats, rng: Rng) -> bytes:
        rows, columns = np.indices(ink.shape)
        angle = rng.uniform(-0.03, 0.03)
        lines = np.asarray((rows + angle * columns + rng.uniform(0, step)) % step < 2)
        if squared:
            lines |= ((columns - angle * rows + rng.uniform(0, step)) % step) < 2
        pixels = np.where(lines[..., None], [165, 190, 225], [228, 228, 222]) * (1 - 0.8 * ink[..., None])
        return encode(pixels + rng.normal(0, 4, pixels.shape), "JPEG", quality=90)

    return make


def small(ink: Floats, rng: Rng) -> bytes:
    """A digit of 120 pixels somewhere in a photograph of 1600 x 1200."""
    large = np.zeros((1200, 1600))
    top, left = int(rng.integers(150, 900)), int(rng.integers(150, 1300))
    large[top : top + 120, left : left + 120] = enlarged(
        np.rint(ink[::ZOOM, ::ZOOM] * 255).astype(np.uint8), (120, 120)
    )
    return photo(large, rng, np.linspace(215, 160, 1600)[None, :], 0.25)


def tight(ink: Floats, rng: Rng) -> bytes:
    """Cut out close to the ink."""
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0.1), np.flatnonzero(ink.max(axis=0) > 0.1)
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return photo(cut, rng, 215, 0.2)


KINDS = (
    Kind("plain: black on white PNG", coloured((255, 255, 255), (0, 0, 0))),
    Kind("plain: 28 x 28 PNG, white on black", lambda ink, rng: encode(ink[::ZOOM, ::ZOOM] * 255)),
    Kind("1 dark pen on paper 220", even(220, 50)),
    *(Kind(f"1 dark pen on paper {paper}", even(paper, 20)) for paper in (130, 126, 110, 95, 80)),
    *(Kind(f"1 white pen on paper {paper}", even(paper, 250)) for paper in (40, 130, 160, 180)),
    Kind("3 yellow on white", coloured((255, 255, 255), (255, 255, 0))),
    Kind("3 blue on black", coloured((0, 0, 0), (0, 0, 255))),
    Kind("3 light grey on white", coloured((255, 255, 255), (225, 225, 225))),
    Kind("3 pink on white", coloured((255, 255, 255), (255, 192, 203))),
    Kind("3 red on green of the same grey", coloured((0, 130, 0), (255, 0, 0))),
    Kind("3 orange on white JPEG", coloured((255, 255, 255), (255, 190, 90), "JPEG")),
    Kind("4 light from 220 to 120", slope),
    Kind("4 a hand's shadow", shadow, 0.9),
    Kind("4 pencil", pencil, 0.9),
    Kind("5 black frame of 1 pixel", framed(1)),
    Kind("5 black frame of 12 pixels", framed(12)),
    Kind("5 printed box on the paper", boxed),
    Kind("5 sheet on a dark desk", desk),
    Kind("5 dark strip at one side", strip),
    Kind("6 16-bit PNG, 12 bits used", deep(4096)),
    Kind("6 16-bit PNG, 0 to 255", deep(256)),
    Kind("6 16-bit PNG, all bits", deep(65536)),
    Kind("6 12-megapixel JPEG, turned", phone),
    Kind("other: dark ink on nothing", transparent(0)),
    Kind("other: white ink on nothing", transparent(255)),
    Kind("other: palette PNG", palette),
    Kind("other: lined paper", ruled(40, False), 0.9),
    Kind("other: squared paper", ruled(28, True), 0.9),
    Kind("other: 120 pixels in 1600 x 1200", small),
    Kind("other: strong noise", even(200, 60, 25), 0.9),
    Kind("other: cut out tightly", tight, 0.9),
)  # fmt: skip
PENS = ((57, 800), (20, 280), (12, 280), (8, 280), (4, 280), (2, 280), (3, 500), (5, 800), (2, 800))  # pixels of pixels
PEN_FLOOR = 112 / 120


def pictures(kind: Kind, digits: Images) -> Iterator[bytes]:
    """One file a digit; the same ones every time."""
    rng = np.random.default_rng(0)
    for digit in digits:
        yield kind.make(enlarged(digit), rng)


def drawings(pen: int, side: int, rows: Sequence[Any]) -> Iterator[bytes]:
    """Pen strokes as black on white PNG files."""
    for row in rows:
        yield encode(255.0 - rasterise(row["strokes"], size=side, width=pen))


def n_right(files: Iterator[bytes], labels: Labels, predictor: Predictor) -> int:
    """How many are read correctly; refused and empty ones are not."""
    images = []
    for data in files:
        try:
            images.append(from_upload(data).image)
        except DataError:
            images.append(np.zeros((SIDE, SIDE), np.uint8))
    stack = np.stack(images)
    return int(((predictor.logits(stack).argmax(axis=1) == labels) & stack.any(axis=(1, 2))).sum())


def network(name: str) -> Predictor:
    """A shipped network. Raises RunError."""
    record = shipped.read(shipped.shipped_root(), name)
    started = next(event for event in record.events if isinstance(event, Started))
    return Predictor(parse(record.config), record.weights, started.mean, started.std)


def measure(predictor: Predictor, n_digits: int, n_drawings: int, only: str) -> Iterator[Row]:
    """Every kind whose name holds ``only``, one after the other. Raises DataError without MNIST or the pen strokes."""
    dataset = load()
    digits, labels = dataset.test_images[:n_digits], dataset.test_labels[:n_digits]
    for kind in KINDS:
        if only in kind.name:
            yield Row(kind.name, n_right(pictures(kind, digits), labels, predictor), n_digits, kind.floor)
    rows = pendigits.rows(data_root() / pendigits.FILE, n_drawings)
    labels = np.array([row["label"] for row in rows])
    for pen, side in PENS:
        if only in (name := f"2 pen of {pen} in {side}"):
            yield Row(name, n_right(drawings(pen, side, rows), labels, predictor), len(rows), PEN_FLOOR)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.pictures", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--network", default="compact", help="which shipped network (default compact)")
    parser.add_argument("--digits", type=int, default=50, help="pictures of each kind (default 50)")
    parser.add_argument("--drawings", type=int, default=120, help="drawings with each pen (default 120)")
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    try:
        if min(options.digits, options.drawings) < 1:
            raise DataError("--digits and --drawings must be at least 1")
        rows = []
        for row in measure(network(options.network), options.digits, options.drawings, options.only):
            rows.append(row)
            mark = "" if row.right >= row.floor * row.n else "  too few"
            print(
                json.dumps(row._asdict()) if options.json else f"{row.name:40}{row.right:4} of {row.n}{mark}",
                flush=True,
            )
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return int(any(row.right < row.floor * row.n for row in rows))


if __name__ == "__main__":
    sys.exit(main())
