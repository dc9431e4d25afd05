"""The rows of a SQLite file read page by page, without SQLite: what stands on a sound page can be read whatever happened to the
others. Source: "Database File Format", https://www.sqlite.org/fileformat2.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

Value = str | bytes | int | float | None
Content = bytes | memoryview

HEADER_BYTES = 100  # of the file, at the start of its first page
USUAL_PAGE_BYTES = 4096
TABLE_LEAF = 13  # first byte of a page with rows of a table
_INT_BYTES = (0, 1, 2, 3, 4, 6, 8)  # by serial type


class _File(NamedTuple):
    content: Content
    page_bytes: int
    usable: int  # bytes of a page that are not reserved

    def page(self, number: int) -> Content:
        """From 1. Raises ValueError for one beyond the end."""
        start = (number - 1) * self.page_bytes
        if number < 1 or start + self.page_bytes > len(self.content):
            raise ValueError("no such page")
        return self.content[start : start + self.page_bytes]


def table_rows(content: Content) -> Iterator[tuple[int, tuple[Value, ...]]]:
    """``(rowid, values)`` of everything that looks like a row of any table, in no order; an INTEGER PRIMARY KEY is None among
    the values. What can not be decoded is left out. Free pages, which hold rows that were deleted, are no part of it.
    """
    if len(content) < HEADER_BYTES:
        return
    page_bytes = int.from_bytes(content[16:18], "big")
    page_bytes = 65536 if page_bytes == 1 else page_bytes
    if page_bytes < 512 or page_bytes & (page_bytes - 1):
        page_bytes = USUAL_PAGE_BYTES
    reserved = content[20] if content[20] <= page_bytes - 480 else 0
    file = _File(content, page_bytes, page_bytes - reserved)
    free = _free_pages(file)
    for number in range(1, len(content) // page_bytes + 1):
        page = file.page(number)
        start = HEADER_BYTES if number == 1 else 0
        if number in free or page[start] != TABLE_LEAF:
            continue
        n_cells = int.from_bytes(page[start + 3 : start + 5], "big")
        pointers = page[start + 8 : start + 8 + 2 * n_cells]
        for (at,) in struct.iter_unpack(">H", pointers[: len(pointers) // 2 * 2]):
            try:
                yield _row(file, page, at)
            except (ValueError, IndexError, struct.error):
                continue


def _free_pages(file: _File) -> set[int]:
    free: set[int] = set()
    number = int.from_bytes(file.content[32:36], "big")
    while number and number not in free:
        free.add(number)
        try:
            page = file.page(number)
        except ValueError:
            break
        number, n_leaves = struct.unpack(">II", page[:8])
        leaves = page[8 : 8 + 4 * min(n_leaves, file.usable // 4 - 2)]
        free.update(leaf for (leaf,) in struct.iter_unpack(">I", leaves))
    return free


def _row(file: _File, page: Content, at: int) -> tuple[int, tuple[Value, ...]]:
    n_bytes, at = _varint(page, at)
    rowid, at = _varint(page, at)
    record = _payload(file, page, at, n_bytes)
    return rowid, _values(record)


def _payload(file: _File, page: Content, at: int, n_bytes: int) -> bytes:
    """What stands on the page, and on the pages that it goes on to."""
    usable = file.usable
    if n_bytes > len(file.content):
        raise ValueError("longer than the file")
    if n_bytes <= usable - 35:
        return bytes(page[at : at + n_bytes])
    least = (usable - 12) * 32 // 255 - 23
    local = least + (n_bytes - least) % (usable - 4)
    local = local if local <= usable - 35 else least
    parts, left = [bytes(page[at : at + local])], n_bytes - local
    (number,) = struct.unpack(">I", page[at + local : at + local + 4])
    while left > 0:
        further = file.page(number)
        parts.append(bytes(further[4 : 4 + min(left, usable - 4)]))
        left -= usable - 4
        (number,) = struct.unpack(">I", further[:4])
    return b"".join(parts)


def _values(record: bytes) -> tuple[Value, ...]:
    header_bytes, at = _varint(record, 0)
    body = header_bytes
    values: list[Value] = []
    while at < header_bytes:
        kind, at = _varint(record, at)
        if kind == 0:
            values.append(None)
            continue
        n_bytes = (kind - 12) // 2 if kind >= 12 else 0 if kind in (8, 9) else 8 if kind == 7 else _INT_BYTES[kind]
        if n_bytes < 0 or body + n_bytes > len(record):
            raise ValueError("longer than its record")
        values.append(_value(kind, record[body : body + n_bytes]))
        body += n_bytes
    return tuple(values)


def _value(kind: int, content: bytes) -> Value:
    """By serial type."""
    if kind in (8, 9):
        return kind - 8
    if kind == 7:
        return float(struct.unpack(">d", content)[0])
    if kind < 7:
        return int.from_bytes(content, "big", signed=True)
    return content.decode("utf-8", "replace") if kind % 2 else content


def _varint(content: Content, at: int) -> tuple[int, int]:
    """A number of at most 64 bits, and where it ends."""
    value = 0
    for place in range(at, at + 8):
        byte = content[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    value = value << 8 | content[at + 8]
    return value - (1 << 64) if value >> 63 else value, at + 9
