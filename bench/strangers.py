"""Drawings that are no digit: how many of them are told, and how many real digits are taken for such?

    python -m bench.strangers [--n 1000] [--json]

A drawing is refused when it looks strange to the judge that comes with the program (``core.inspect.strangeness``) or its form
says that it may be no single digit (``core.data.drawing.stroke``); both are also counted alone. Every drawing takes the pad's
own way to 28 x 28 pixels. Needs MNIST.

Real digits: the half of the validation images of MNIST that the judge's threshold was not made of, and pen strokes of
``<data>/pendigits`` (see ``bench.pendigits``), the half by which nothing was chosen. Strangers: 14 kinds, ``n`` drawings each,
drawn by rules and a seed that nothing was chosen by either. The rules are not those of ``core.data.strangers``, of which the
judge learned; letters and signs are like nothing there.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bench.pendigits import FILE, rows
from core.data import load
from core.data.dataset import Images
from core.data.drawn import BRUSH_PIXELS, to_digit
from core.data.paths import data_root
from core.data.split import split
from core.data.strangers import Strokes, smooth, turned
from core.data.strokes import rasterise
from core.errors import InputError, RunError
from core.machine.threads import use_one_thread
from core.runs.shipped import shipped_root
from core.runs.strangeness import Judge, read

SEEDS = {"choose": 0, "report": 2}  # by the first, features and thresholds were chosen
MIN_SIZE = 0.6  # of a drawing, as a share of the pad
N_PEN = 1_500  # drawings of digits
LETTERS: Mapping[str, list[list[tuple[float, float]]]] = {
    "A": [[(0, 16), (6, 0), (12, 16)], [(2.5, 10), (9.5, 10)]],
    "E": [[(10, 0), (0, 0), (0, 16), (10, 16)], [(0, 8), (8, 8)]],
    "F": [[(10, 0), (0, 0), (0, 16)], [(0, 8), (8, 8)]],
    "H": [[(0, 0), (0, 16)], [(10, 0), (10, 16)], [(0, 8), (10, 8)]],
    "K": [[(0, 0), (0, 16)], [(10, 0), (0, 9), (10, 16)]],
    "M": [[(0, 16), (0, 0), (6, 10), (12, 0), (12, 16)]],
    "N": [[(0, 16), (0, 0), (10, 16), (10, 0)]],
    "P": [[(0, 16), (0, 0), (6, 0), (9, 2), (9, 6), (6, 8), (0, 8)]],
    "R": [[(0, 16), (0, 0), (6, 0), (9, 2), (9, 6), (6, 8), (0, 8), (10, 16)]],
    "T": [[(0, 0), (12, 0)], [(6, 0), (6, 16)]],
    "V": [[(0, 0), (6, 16), (12, 0)]],
    "W": [[(0, 0), (4, 16), (8, 4), (12, 16), (16, 0)]],
    "X": [[(0, 0), (10, 16)], [(10, 0), (0, 16)]],
    "Y": [[(0, 0), (6, 8), (12, 0)], [(6, 8), (6, 16)]],
}
SIGNS: Mapping[str, list[list[tuple[float, float]]]] = {
    "check mark": [[(0, 7), (4, 12), (12, 0)]],
    "triangle": [[(6, 0), (12, 11), (0, 11), (6, 0)]],
    "house": [[(0, 16), (0, 7), (6, 0), (12, 7), (12, 16), (0, 16)]],
    "arrow": [[(0, 6), (14, 6)], [(9, 1), (14, 6), (9, 11)]],
    "star": [[(3, 14), (7, 0), (11, 14), (0, 5), (14, 5), (3, 14)]],
    "heart": [[(7, 13), (1, 6), (0, 3), (2, 0), (5, 0), (7, 3), (9, 0), (12, 0), (14, 3), (13, 6), (7, 13)]],
    "hash": [[(4, 0), (3, 14)], [(10, 0), (9, 14)], [(0, 4), (14, 4)], [(0, 10), (14, 10)]],
    "question mark": [[(0, 3), (2, 0), (6, 0), (8, 3), (7, 6), (4, 8), (4, 11)], [(4, 15)]],
    "equals": [[(0, 0), (12, 0)], [(0, 5), (12, 5)]],
    "face": [
        [(8, 0), (14, 2), (16, 8), (14, 14), (8, 16), (2, 14), (0, 8), (2, 2), (8, 0)],
        [(5, 6)], [(11, 6)], [(4, 10), (8, 13), (12, 10)],
    ],
}  # fmt: skip
Rng = np.random.Generator


def _walk(rng: Rng) -> Strokes:
    n, bend = int(rng.integers(25, 80)), rng.uniform(0.3, 0.9)
    directions = np.cumsum(rng.normal(0, bend, n)) + rng.uniform(0, 7)
    steps = np.stack([np.cos(directions), np.sin(directions)], axis=1) * rng.uniform(0.5, 1.5, (n, 1))
    return [smooth(np.cumsum(steps, axis=0))]


def _loops(rng: Rng) -> Strokes:
    n = int(rng.integers(3, 7))
    t = np.linspace(0, 2 * np.pi * n, 40 * n) + rng.uniform(0, 7)
    drift, along = rng.uniform(0.15, 0.6) * t / np.pi, rng.uniform(0, np.pi)
    x, y = np.cos(t) + drift * np.cos(along), rng.uniform(0.5, 1.3) * np.sin(t) + drift * np.sin(along)
    return [np.stack([x, y], axis=1)]


def _zigzag(rng: Rng) -> Strokes:
    n = int(rng.integers(5, 11))
    x = np.arange(n) * rng.uniform(0.3, 0.8) + rng.normal(0, 0.06, n)
    y = np.arange(n) % 2 * rng.uniform(1, 2.2) + rng.normal(0, 0.15, n)
    corners = turned(np.stack([x, y], axis=1), rng.uniform(0, np.pi))
    return [smooth(corners) if rng.random() < 0.5 else corners]


def _several(rng: Rng) -> Strokes:
    return [
        smooth(rng.uniform(0, 10, (1, 2)) + np.cumsum(rng.normal(0, 3, (int(rng.integers(3, 6)), 2)), axis=0))
        for _ in range(rng.integers(3, 7))
    ]


def _dots(rng: Rng) -> Strokes:
    return [rng.uniform(0, 10, (1, 2)) for _ in range(rng.integers(2, 9))]


def _lines(rng: Rng) -> Strokes:
    """Two to five parallel ones, or a level one."""
    n = int(rng.integers(1, 6))
    radians = rng.normal(0, 0.12) if n == 1 else rng.uniform(0, np.pi)
    along, gap = np.array([np.cos(radians), np.sin(radians)]), rng.uniform(2.5, 5)
    aside = np.array([-along[1], along[0]])
    return [
        np.stack([aside * gap * i + along * rng.normal(0, 0.5), aside * gap * i + along * rng.normal(10, 0.5)])
        for i in range(n)
    ]


def _cross(rng: Rng) -> Strokes:
    first = rng.uniform(0, np.pi / 2)
    second = first + np.pi / 2 + rng.normal(0, 0.15)
    radians = [first, second, (first + second) / 2][: 3 if rng.random() < 0.3 else 2]
    return [np.array([[1], [-1]]) * rng.uniform(3.8, 5) * np.array([np.cos(angle), np.sin(angle)]) for angle in radians]


def _hatching(rng: Rng) -> Strokes:
    strokes, angle = [], rng.uniform(0, np.pi)
    for turn, n in enumerate(rng.integers(2, 5, 2)):
        for i in range(n):
            level = np.array([[0.0, 10 * (i + 0.5) / n + rng.normal(0, 0.3)], [10.0, 10 * (i + 0.5) / n]])
            strokes.append(turned(level if turn else level[:, ::-1], angle))
    return strokes


def _patch(rng: Rng) -> Strokes:
    """To and fro, so close that it is filled."""
    n = int(rng.integers(8, 20))
    x, y = np.arange(n) % 2 * 10 + rng.normal(0, 0.6, n), np.linspace(0, rng.uniform(4, 10), n) + rng.normal(0, 0.1, n)
    return [turned(np.stack([x, y], axis=1), rng.uniform(0, np.pi))]


def _shape(shapes: Mapping[str, list[list[tuple[float, float]]]], rng: Rng) -> Strokes:
    strokes = [np.array(stroke, float) for stroke in shapes[sorted(shapes)[rng.integers(len(shapes))]]]
    points = np.concatenate(strokes)
    unsteady = 0.03 * np.ptp(points, axis=0).max()
    stretch = np.array([[rng.uniform(0.8, 1.25), rng.normal(0, 0.1)], [0, 1]])
    tilt = rng.normal(0, 0.12)
    return [
        turned((stroke - points.mean(axis=0) + rng.normal(0, unsteady, stroke.shape)) @ stretch.T, tilt)
        for stroke in strokes
    ]


def _two(digits: Sequence[Strokes], gap: tuple[float, float], rng: Rng) -> Strokes:
    """gap: from the first digit's right end to the left end of the second, as a share of their height, from least to most"""
    strokes, start = [], 0.0
    for i in rng.integers(len(digits), size=2):
        points = np.concatenate(digits[i])
        low, size = points.min(axis=0), np.ptp(points, axis=0)
        scale = rng.uniform(0.85, 1.15) / max(size[1], 0.6 * size[0], 1e-9)
        strokes += [(stroke - low) * scale + [start, rng.normal(0, 0.04)] for stroke in digits[i]]
        start = float(size[0] * scale + rng.uniform(*gap))
    return strokes


SCRIBBLES: Mapping[str, Callable[[Rng], Strokes]] = {
    "random walk": _walk, "loops": _loops, "zigzag": _zigzag, "several strokes": _several, "dots": _dots, "lines": _lines,
    "cross": _cross, "hatching": _hatching, "patch": _patch,
}  # fmt: skip
SHAPES = {"letter": LETTERS, "sign": SIGNS}
PAIRS = {"two apart": (0.2, 0.5), "two touching": (-0.15, 0.0), "two crossing": (-0.5, -0.2)}
KINDS = (*SCRIBBLES, *SHAPES, *PAIRS)


def stranger(kind: str, digits: Sequence[Strokes], rng: Rng) -> Strokes:
    """A drawing of one of ``KINDS``. digits: of which pairs are made"""
    if kind in SCRIBBLES:
        return SCRIBBLES[kind](rng)
    return _shape(SHAPES[kind], rng) if kind in SHAPES else _two(digits, PAIRS[kind], rng)


class Drawings(NamedTuple):
    """images (N, 28, 28) uint8, as the networks see them · by_form (N,): whether the form alone refuses them"""

    images: Images
    by_form: np.ndarray[Any, np.dtype[np.bool_]]


def drawings(strokes: Sequence[Strokes], widths: Sequence[float]) -> Drawings:
    """Pen strokes through the pad. widths: of the brush for each, pixels"""
    made = [
        to_digit(rasterise([stroke.tolist() for stroke in each], width=width))
        for each, width in zip(strokes, widths, strict=True)
    ]
    return Drawings(
        np.stack([each.image for each in made]), np.array([each.blank or bool(each.notice) for each in made])
    )


def material(n: int, half: str) -> dict[str, Drawings]:
    """Pen digits under "pen", and n strangers of each kind. half: "choose" or "report". Raises DataError."""
    digits: list[Strokes] = [
        [np.array(stroke, float).reshape(-1, 2) for stroke in row["strokes"]]
        for row in rows(data_root() / FILE, N_PEN, half)
    ]
    made = {"pen": drawings(digits, [BRUSH_PIXELS] * len(digits))}
    for number, kind in enumerate(KINDS):
        rng = np.random.default_rng([SEEDS[half], number])
        strokes, widths = [stranger(kind, digits, rng) for _ in range(n)], BRUSH_PIXELS / rng.uniform(MIN_SIZE, 1, n)
        made[kind] = drawings(strokes, list(widths))
    return made


def measure(judge: Judge, made: Mapping[str, Drawings]) -> dict[str, dict[str, float]]:
    """Shares refused by the judge, by the form, and by either, and how many there were, under the name of each kind."""
    shares = {}
    for name, kind in made.items():
        by_judge = judge.of(kind.images) > judge.strangeness.threshold
        shares[name] = {
            "judge": float(by_judge.mean()), "form": float(kind.by_form.mean()),
            "either": float((by_judge | kind.by_form).mean()), "n": len(kind.images),
        }  # fmt: skip
    return shares


def validation(judge: Judge) -> Drawings:
    """Those images that the threshold was not made of. Raises DataError where MNIST is not here."""
    config = judge.network.config.data
    digits = load(config.dataset)
    images = digits.train_images[split(digits, config).val][1::2]
    return Drawings(images, np.array([bool(to_digit(image).notice) for image in images]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 with one line on standard error for bad input."""
    parser = argparse.ArgumentParser(prog="python -m bench.strangers", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--n", type=int, default=1_000, help="drawings of each kind of stranger (default 1000)")
    parser.add_argument("--half", choices=list(SEEDS), default="report", help="of the seeds and of the pen digits")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    use_one_thread()
    try:
        judge = read(shipped_root())
        if judge is None:
            raise RunError(
                "There is no judge beside the runs that come with the program, or it is not about their weights"
            )
        shares = measure(judge, {"validation": validation(judge), **material(max(options.n, 1), options.half)})
        print(json.dumps({"shares": shares}) if options.json else _text(shares), flush=True)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _text(shares: Mapping[str, Mapping[str, float]]) -> str:
    lines = ["refused by the judge, by the form, by either, %"]
    for name, share in shares.items():
        refused = "  ".join(f"{100 * share[by]:5.1f}" for by in ("judge", "form", "either"))
        lines.append(f"  {name:<16}{refused}   of {share['n']:,}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
