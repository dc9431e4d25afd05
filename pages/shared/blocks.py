"""JSON in blocks, each compressed once: an answer is a row of them, and costs no more than to lay them side by side.

Deflate allows it: a block that ends at a byte and refers to nothing before it can stand anywhere in a stream (RFC 1951).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import NamedTuple

LEVEL = 5  # of zlib: from there on curves hardly get smaller
MAX_STORED_BYTES = 0xFFFF  # of one uncompressed block
GZIP_HEAD = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF))  # RFC 1952: deflate, no name, no time, any system
_STORED_HEAD = struct.Struct("<xHH")  # its length and the complement of it
DEFLATE_END = b"\x03\x00"  # an empty last block


class Block(NamedTuple):
    """text: as it is · deflated: the same as whole blocks of deflate"""

    text: bytes
    deflated: bytes

    @property
    def size(self) -> int:
        """Bytes that it takes in memory."""
        return len(self.text) + len(self.deflated)


def compressed(text: bytes) -> Block:
    """For what is sent again and again."""
    squeeze = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return Block(text, squeeze.compress(text) + squeeze.flush(zlib.Z_FULL_FLUSH))


def stored(text: bytes) -> Block:
    """Not compressed, for the short texts between."""
    if len(text) <= MAX_STORED_BYTES:
        return Block(text, _STORED_HEAD.pack(len(text), len(text) ^ 0xFFFF) + text)
    parts = (text[start : start + MAX_STORED_BYTES] for start in range(0, len(text), MAX_STORED_BYTES))
    return Block(text, b"".join(stored(part).deflated for part in parts))


def text_of(blocks: Iterable[Block]) -> bytes:
    """All of the text."""
    return b"".join(block.text for block in blocks)


def gzip_of(blocks: Iterable[Block]) -> bytes:
    """The same as a gzip file."""
    checksum = length = 0
    parts = [GZIP_HEAD]
    for block in blocks:
        checksum = zlib.crc32(block.text, checksum)
        length += len(block.text)
        parts.append(block.deflated)
    return b"".join((*parts, DEFLATE_END, struct.pack("<II", checksum, length & 0xFFFFFFFF)))
