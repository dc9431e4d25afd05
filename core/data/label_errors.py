"""Test images whose own label is known to be wrong, recognised by their labels: other files have other faults.

MNIST: fewer than 3 of 5 people chose the label that is given. Votes: C. Northcutt, A. Athalye and J. Mueller 2021, "Pervasive
label errors in test sets destabilize machine learning benchmarks". Indices count from 0; looked at, image by image.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from core.data.dataset import Labels
from core.data.idx import payload_sha256
from core.data.mnist import FILES

SOURCE = (
    "Of five people each, fewer than three chose the label (votes published by Northcutt, Athalye and Mueller 2021)."
)
# SHA-256 of the labels' unpacked IDX file -> indices.
KNOWN: Mapping[str, frozenset[int]] = MappingProxyType(
    {
        FILES["t10k-labels-idx1-ubyte"].sha256: frozenset(
            (947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729)
        )
    }
)


def label_errors(labels: Labels) -> frozenset[int]:
    """Of the images with these labels (N,), the indices of those whose label is known to be wrong; none for unknown images."""
    return KNOWN.get(payload_sha256(np.asarray(labels, np.uint8)), frozenset())
