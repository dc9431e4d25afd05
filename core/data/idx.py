"""IDX, the file format of MNIST (Y. LeCun, C. Cortes, C. Burges, 1998), read strictly.

A file is a big-endian header (magic number, then one length per dimension) and one unsigned byte per value. Everything
that deviates is one ``DataError`` with the name of the file and the reason; nothing is repaired or guessed.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.data.dataset import N_CLASSES
from core.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
MAX_COUNT = 70_000  # all of MNIST: the most that a header is believed before memory is spent on it


def read_idx(path: Path, *, expect: tuple[int, ...], count: int | None = None) -> NDArray[np.uint8]:
    """The array in an IDX file, gzipped or not: its content decides, not its name.

    expect: the lengths after the first one, (28, 28) for images and () for labels, which must be 0..9
    count: how many there must be; None allows 1 to 70,000
    returns (N, *expect) uint8, read-only
    Raises DataError. Never unpacks more than the header announces plus one byte, so a gzip bomb stays small.
    """
    try:
        with path.open("rb") as stream:
            return _read(stream, path.name, expect, count)
    except OSError as error:
        raise DataError(f"{path.name} can not be read: {error.strerror or error}") from None


def parse_idx(data: bytes, name: str, *, expect: tuple[int, ...], count: int | None = None) -> NDArray[np.uint8]:
    """``read_idx`` for a file that is already in memory; ``name`` is what the DataError calls it."""
    return _read(io.BytesIO(data), name, expect, count)


def idx_bytes(values: NDArray[np.uint8]) -> bytes:
    """The unpacked IDX file that holds these values, (N,) or (N, H, W) uint8."""
    return _header(values.shape) + np.ascontiguousarray(values).tobytes()


def payload_sha256(values: NDArray[np.uint8]) -> str:
    """SHA-256 of the unpacked IDX file that holds these values: equal for every way to compress it.

    values (N,) or (N, H, W) uint8
    """
    digest = hashlib.sha256(_header(values.shape))
    digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def _header(shape: tuple[int, ...]) -> bytes:
    return struct.pack(f">{1 + len(shape)}I", 0x800 + len(shape), *shape)


def _read(stream: BinaryIO, name: str, expect: tuple[int, ...], count: int | None) -> NDArray[np.uint8]:
    packed = stream.read(2) == GZIP_MAGIC
    stream.seek(0)
    try:
        if not packed:
            return _parse(stream, name, expect, count)
        with gzip.GzipFile(fileobj=stream) as unpacked:
            return _parse(unpacked, name, expect, count)
    except EOFError:
        raise DataError(f"{name}: the compressed file ends too early") from None
    except (gzip.BadGzipFile, zlib.error):
        raise DataError(f"{name}: the compressed file is damaged") from None


def _parse(
    stream: BinaryIO | gzip.GzipFile, name: str, expect: tuple[int, ...], count: int | None
) -> NDArray[np.uint8]:
    n_dims = 1 + len(expect)
    header = stream.read(4 + 4 * n_dims)
    if len(header) < 4 + 4 * n_dims:
        raise DataError(f"{name}: the file ends within its header")
    magic, n, *dims = struct.unpack(f">{1 + n_dims}I", header)
    if magic != 0x800 + n_dims:
        raise DataError(f"{name}: not an IDX file of {'images' if expect else 'labels'} (it starts with {magic:#010x})")
    if tuple(dims) != expect:
        raise DataError(f"{name}: holds images of {_by(dims)} pixels, expected {_by(expect)}")
    if count is not None and n != count:
        raise DataError(f"{name}: holds {n:,} entries, expected {count:,}")
    if not 1 <= n <= MAX_COUNT:
        raise DataError(f"{name}: announces {n:,} entries, allowed is 1 to {MAX_COUNT:,}")
    size = n * math.prod(expect)
    body = stream.read(size + 1)  # the extra byte also makes gzip check its own sum
    if len(body) != size:
        raise DataError(f"{name}: holds {'more' if len(body) > size else 'less'} than the {n:,} entries it announces")
    values = np.frombuffer(body, np.uint8).reshape(n, *expect)
    if not expect and values.max() >= N_CLASSES:
        raise DataError(f"{name}: entry {int(np.argmax(values >= N_CLASSES)):,} is no label from 0 to {N_CLASSES - 1}")
    return values


def _by(dims: tuple[int, ...] | list[int]) -> str:
    return " × ".join(f"{length:,}" for length in dims)
