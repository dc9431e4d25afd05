"""Fifteen named corruptions at one fixed strength each, like those of MNIST-C (Mu and Gilmer 2019, "MNIST-C: A Robustness
Benchmark for Computer Vision"): own code after their description, and not the files of MNIST-C, so figures can only be set
beside those of the paper roughly.

Everything random is drawn as in ``core.inspect.distortions``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from core.data.dataset import Images, Indices
from core.errors import InputError
from core.inspect.distortions import Apply, Floats, Rows, affine, as_bytes, as_shares, draws, positions_of

VERSION = 1  # goes up when any corruption gives other bytes


@dataclass(frozen=True)
class Corruption:
    """name: as in MNIST-C · help: what happens to an image, in a sentence · strength, apply, n_draws: as ``Distortion`` has
    them"""

    name: str
    title: str
    help: str
    apply: Apply
    strength: float
    n_draws: int = 0


def corrupt(name: str, images: Images, seed: int = 0, positions: Sequence[int] | Indices | None = None) -> Images:
    """Images (N, 28, 28) uint8 with a corruption of ``CORRUPTIONS``, (N, 28, 28) uint8; the input stays as it was.

    positions: as in ``distort``. Raises InputError for an unknown name.
    """
    if name not in CORRUPTIONS:
        raise InputError(f"there is no corruption {name!r}; there are {', '.join(CORRUPTIONS)}")
    corruption = CORRUPTIONS[name]
    rows = draws(f"corruption {name}", positions_of(images, positions), corruption.n_draws, seed)
    return as_bytes(corruption.apply(as_shares(images), corruption.strength, rows))


def _shear(images: Floats, strength: float, _: Rows) -> Floats:
    return affine(images, np.array([[[1.0, strength], [0.0, 1.0]]]), np.zeros((1, 2)))


_ALL = (Corruption("shear", "Shear", "The digit leans to one side.", _shear, 0.6),)
CORRUPTIONS: Mapping[str, Corruption] = MappingProxyType({corruption.name: corruption for corruption in _ALL})
