"""How a run is drawn, everywhere the same: its colour, the marker of its points, the filling of its bars.

The hue is that of its architecture's family; each architecture has a colour and a marker of its own, filled; a second run of
one architecture has another shade of that colour, and an open marker of another shape.
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
    """One architecture: its marker, and its colour in four shades."""

    symbol: str
    shades: tuple[str, str, str, str]


# Each at least 3:1 on white and on #0e1117 (WCAG 2.2, 1.4.11). Searched so that the first shades of any two architectures in
# the registry stay 21 CIELAB units apart, and 12 for protan and deutan eyes (simulation: Machado, Oliveira and Fernandes 2009);
# any shades of two of them stay 10 apart for full sight. The rest of each row waits for architectures to come.
TONES: Mapping[str, tuple[Tone, ...]] = MappingProxyType(
    {
        "violet": (
            Tone("pentagon", ("#7b42d4", "#b075d4", "#b251f7", "#875fab")),
            Tone("hexagon", ("#c16bdf", "#a139ad", "#7e5380", "#9b6ea3")),
            Tone("octagon", ("#b812cb", "#ef46ea", "#944293", "#bb5ab6")),
        ),
        "orange": (
            Tone("square", ("#f3540c", "#a75a42", "#cd7f67", "#cf3805")),
            Tone("star-square", ("#8d5500", "#c67a2b", "#8f7054", "#a47118")),
            Tone("octagon", ("#b5781c", "#825912", "#916d44", "#9f8161")),
            Tone("hexagon2", ("#b0645c", "#b08b85", "#7c5956", "#c57468")),
        ),
        "blue": (
            Tone("circle", ("#0380d4", "#6c95d5", "#1564a7", "#5a7aa7")),
            Tone("diamond", ("#146b76", "#2c8a95", "#719ba1", "#4b747a")),
            Tone("triangle-down", ("#6886a1", "#536579", "#1677ad", "#3996cd")),
            Tone("cross", ("#837aff", "#4d5ed0", "#988bbf", "#635a9d")),
            Tone("x", ("#0ca0cb", "#0681a3", "#296884", "#3e8fb0")),
            Tone("triangle-right", ("#5e669b", "#9390ae", "#747ebc", "#767495")),
            Tone("star-triangle-up", ("#348298", "#689bac", "#3f6675", "#1496b7")),
            Tone("star-triangle-down", ("#364ceb", "#8385e6", "#6855b2", "#5d6cf7")),
        ),
        "green": (
            Tone("triangle-left", ("#699e87", "#038d6d", "#2e6c59", "#507765")),
            Tone("diamond-wide", ("#5b9915", "#36730a", "#809465", "#667b4f")),
            Tone("diamond-tall", ("#456f3e", "#5a8e57", "#879884", "#719c5c")),
            Tone("octagon", ("#2ca767", "#0e793f", "#5c896d", "#158e49")),
        ),
        "red": (
            Tone("star", ("#cd213a", "#fb4c5a", "#955859", "#c37d7e")),
            Tone("hexagon", ("#e26658", "#b13e2d", "#956460", "#b5837b")),
            Tone("hexagon2", ("#c3447f", "#f45a95", "#964765", "#c36082")),
        ),
        "brown": (
            Tone("hexagram", ("#767563", "#999472", "#626340", "#878560")),
            Tone("star-diamond", ("#ab8960", "#8d682f", "#785d31", "#987845")),
            Tone("octagon", ("#8f6a4e", "#c2854e", "#9d8271", "#b16e29")),
        ),
        "grey": (
            Tone("octagon", ("#8f6b82", "#b586a2", "#954975", "#b36b9d")),
            Tone("hexagon", ("#6b8d9a", "#596d76", "#489db8", "#4c7e90")),
            Tone("star-triangle-up", ("#678b78", "#2d7957", "#50a378", "#3b8a5f")),
        ),
    }
)  # fmt: skip
# Of the second run of an architecture, the third and so on. Shapes that are told apart when they are small: shades of one
# colour, which have to be seen on white and on black, are too close for that.
REPEAT_SYMBOLS = ("circle-open", "x-thin-open", "triangle-down-open", "cross-thin-open", "square-open", "asterisk-open")
PATTERNS = ("", "/", "x", "\\", "-", "|", "+", ".")


def look(hue: str, place: int, repeat: int) -> Look:
    """hue: of ``TONES`` · place: of the architecture among those of this hue, from 0 · repeat: of the run among those of its
    architecture, from 0

    The first shade is that of the first run alone, which mostly came with the program and is what others are compared with;
    any three of the others in a row differ in shade, any six in a row in marker, and eighteen in one or the other.
    Where a hue has no further tone, its first ones come again with the next shade.
    """
    tones = TONES[hue]
    tone, number = tones[place % len(tones)], repeat + place // len(tones)
    later = len(tone.shades) - 1
    shade = tone.shades[1 + (number - 1) % later if number else 0]
    turns, shape = divmod(number - 1, len(REPEAT_SYMBOLS))
    symbol = REPEAT_SYMBOLS[(shape + turns) % len(REPEAT_SYMBOLS)] if number else tone.symbol
    return Look(shade, symbol, PATTERNS[(place + number) % len(PATTERNS)])


def marker(of: Look, size: int, **more: Any) -> dict[str, Any]:
    """The marker of a trace; size in pixels."""
    return {
        "symbol": of.symbol,
        "size": size,
        "color": of.colour,
        "line": {"width": MARKER_LINE, "color": of.colour},
        **more,
    }
