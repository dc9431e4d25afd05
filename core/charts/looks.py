"""How a run is drawn, everywhere the same: its colour, the marker of its points, the filling of its bars.

The hue is that of its architecture's family; each architecture has a colour and a marker of its own; a second and a third
run of one architecture have other shades of that colour, and the marker open or dotted.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

MARKER_LINE = 1.5  # pixels, of an open marker


class Look(NamedTuple):
    """colour: "#rrggbb" · symbol: of markers · pattern: of bars; both with Plotly's names"""

    colour: str
    symbol: str
    pattern: str


class Tone(NamedTuple):
    """One architecture: its marker, and its colour in three shades."""

    symbol: str
    shades: tuple[str, str, str]


# Each at least 3:1 on white and on #0e1117 (WCAG 2.2, 1.4.11). Searched so that the first shades of any two architectures in
# the registry stay 21 CIELAB units apart, and 12 for protan and deutan eyes (simulation: Machado, Oliveira and Fernandes 2009);
# with one hue a tone and other shades by lightness alone, any shades of two of them stay 10 apart for all other eyes. The rest
# of each row waits for architectures to come.
TONES: Mapping[str, tuple[Tone, ...]] = MappingProxyType(
    {
        "violet": (
            Tone("pentagon", ("#7b42d4", "#af75fd", "#9555f7")),
            Tone("hexagon", ("#c16bdf", "#9439b5", "#ae52d0")),
            Tone("octagon", ("#b812cb", "#eb44ff", "#cf1ce4")),
        ),
        "orange": (
            Tone("square", ("#f3540c", "#b33800", "#db4804")),
            Tone("star-square", ("#8d5500", "#c8842f", "#ad6c14")),
            Tone("octagon", ("#b5781c", "#8b5802", "#c8851f")),
            Tone("hexagon2", ("#b0645c", "#d17b72", "#9a4c45")),
        ),
        "blue": (
            Tone("circle", ("#0380d4", "#0a66aa", "#2597f4")),
            Tone("diamond", ("#146b76", "#4a9eab", "#2e8692")),
            Tone("triangle-down", ("#6886a1", "#456782", "#7596b4")),
            Tone("cross", ("#837aff", "#4c51da", "#6b68f5")),
            Tone("x", ("#0ca0cb", "#0b6b89", "#0385aa")),
            Tone("triangle-right", ("#5e669b", "#878fcb", "#6e77b2")),
            Tone("star-triangle-up", ("#348298", "#4a9db6", "#076c83")),
            Tone("star-triangle-down", ("#364ceb", "#8e83ff", "#6767fe")),
        ),
        "green": (
            Tone("triangle-left", ("#699e87", "#356e57", "#4d866e")),
            Tone("diamond-wide", ("#5b9915", "#3d7001", "#4d8a01")),
            Tone("diamond-tall", ("#456f3e", "#6f9f66", "#58864f")),
            Tone("octagon", ("#2ca767", "#087241", "#098d52")),
        ),
        "red": (
            Tone("star", ("#cd213a", "#fe5860", "#e92d46")),
            Tone("hexagon", ("#e26658", "#b5352e", "#d24f44")),
            Tone("hexagon2", ("#c3447f", "#ed60a0", "#b5286f")),
        ),
        "brown": (
            Tone("hexagram", ("#767563", "#95947f", "#656451")),
            Tone("star-diamond", ("#ab8960", "#7d5d33", "#977549")),
            Tone("octagon", ("#8f6a4e", "#b58a6a", "#815b3d")),
        ),
        "grey": (
            Tone("octagon", ("#8f6b82", "#af87a1", "#7d5870")),
            Tone("hexagon", ("#6b8d9a", "#446876", "#5b808e")),
            Tone("star-triangle-up", ("#678b78", "#456b58", "#749b86")),
        ),
    }
)  # fmt: skip
STYLES = ("", "-open", "-open-dot")  # of a marker
PATTERNS = ("", "/", "x", "\\", "-", "|", "+", ".")


def look(hue: str, place: int, repeat: int) -> Look:
    """hue: of ``TONES`` · place: of the architecture among those of this hue, from 0 · repeat: of the run among those of its
    architecture, from 0

    Nine runs of one architecture differ in shade or marker, any three in a row in shade, and any two in a row in both. Where
    a hue has no further tone, its first ones come again with the next shade.
    """
    tones = TONES[hue]
    tone, number = tones[place % len(tones)], repeat + place // len(tones)
    style = (number + number // len(STYLES)) % len(STYLES)
    pattern = PATTERNS[(place + number) % len(PATTERNS)]
    return Look(tone.shades[number % len(tone.shades)], tone.symbol + STYLES[style], pattern)


def marker(of: Look, size: int, **more: Any) -> dict[str, Any]:
    """The marker of a trace; size in pixels."""
    return {
        "symbol": of.symbol,
        "size": size,
        "color": of.colour,
        "line": {"width": MARKER_LINE, "color": of.colour},
        **more,
    }
