"""Small true files, written without the code under test, and damaged copies of them."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

PIXEL_NAMES = tuple(f"pixel{index}" for index in range(784))


def idx_bytes(values: NDArray[np.uint8]) -> bytes:
    """An IDX file of these values."""
    return struct.pack(f">I{values.ndim}I", 0x800 + values.ndim, *values.shape) + values.tobytes()


def csv_bytes(images: NDArray[np.uint8], labels: NDArray[Any] | None = None, end: str = "\n") -> bytes:
    """A Kaggle file of these images (N, 28, 28), with their labels or without."""
    lines = [",".join([*(["label"] if labels is not None else []), *PIXEL_NAMES])]
    number = [str(value) for value in range(256)]
    for index, image in enumerate(images):
        cells = [number[value] for value in image.ravel().tolist()]
        lines.append(",".join([*([str(labels[index])] if labels is not None else []), *cells]))
    return (end.join(lines) + end).encode()


def mutants(data: bytes, n: int, alphabet: bytes, seed: int) -> Iterator[bytes]:
    """n damaged copies: bytes changed, put in, taken out, tail cut off, rubbish appended, a stretch doubled."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        copy = bytearray(data)
        for _ in range(int(rng.integers(1, 4))):
            at, how = int(rng.integers(0, max(1, len(copy)))), int(rng.integers(0, 6))
            extra = bytes(rng.choice(list(alphabet), int(rng.integers(1, 4))).astype(np.uint8))
            if how == 0:
                copy[at : at + 1] = extra[:1]
            elif how == 1:
                copy[at:at] = extra
            elif how == 2:
                del copy[at : at + int(rng.integers(1, 5))]
            elif how == 3 and rng.random() < 0.3:
                del copy[at:]
            elif how == 4 and rng.random() < 0.3:
                copy += extra
            else:
                copy[at:at] = copy[at : at + int(rng.integers(1, 9))]
        yield bytes(copy)


def csv_rows(data: bytes) -> list[list[int]] | None:
    """What a Kaggle file with labels says, by the rule and without regard to speed; None if it breaks the rule."""
    lines = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    if lines[0].removesuffix(b"\r") != ",".join(["label", *PIXEL_NAMES]).encode() or len(lines) < 2:
        return None
    rows = []
    for line in lines[1:]:
        cells = line.removesuffix(b"\r").split(b",") if line is lines[-1] else line.split(b",")
        if len(cells) != 785 or not all(re.fullmatch(rb"0|[1-9][0-9]{0,2}", cell) for cell in cells):
            return None
        rows.append([int(cell) for cell in cells])
        if max(rows[-1]) > 255 or rows[-1][0] > 9:
            return None
    return rows
