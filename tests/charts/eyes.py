"""How far colours stand apart: from a page, and from each other, also for eyes that see two kinds of light instead of three."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
PROTAN = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
DEUTAN = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
EYES: Mapping[str, Floats] = {"full": np.eye(3), "protan": np.array(PROTAN), "deutan": np.array(DEUTAN)}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def contrast(a: str, b: str) -> float:
    """Of two colours "#rrggbb" (WCAG 2.2, 1.4.3): 1 for the same, 21 for black on white."""
    low, high = sorted(float(_linear(colour) @ XYZ[1]) for colour in (a, b))
    return (high + 0.05) / (low + 0.05)


def difference(a: str, b: str, eyes: str = "full") -> float:
    """Of two colours "#rrggbb" as these ``EYES`` see them, in units of CIELAB; about 2 can just be seen side by side."""
    return float(np.linalg.norm(_lab(a, EYES[eyes]) - _lab(b, EYES[eyes])))


def _linear(colour: str) -> Floats:
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _lab(colour: str, eyes: Floats) -> Floats:
    x, y, z = np.clip(eyes @ _linear(colour), 0, 1) @ XYZ.T / [0.95047, 1, 1.08883]
    f = [np.cbrt(part) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
