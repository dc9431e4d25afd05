"""Kaggle's Digit Recognizer files (``train.csv``, ``test.csv``), read without mercy and without pandas.

A general CSV reader shifts columns under a row that is too long and turns ``True`` into 1; here every cell is a whole number
written in digits, every row has every column, and the first that does not is named with its line and column.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.data import DATASETS, title
from core.data.dataset import N_CLASSES, SIDE, Dataset, Images, Labels
from core.data.paths import data_root, write_atomic
from core.data.split import stratified_order
from core.errors import DataError

Kind = Literal["train", "test"]

PIXELS = tuple(f"pixel{index}" for index in range(SIDE * SIDE))
COLUMNS: Mapping[Kind, tuple[str, ...]] = {"train": ("label", *PIXELS), "test": PIXELS}
FILES: Mapping[Kind, str] = {"train": "train.csv", "test": "test.csv"}

MAX_BYTES = 100 * 2**20  # the server's own limit for an upload; Kaggle's train.csv has 77 MB
BLOCK_BYTES = 500_000  # bytes parsed together: small enough for the processor's cache
TEST_SHARE = 0.2
TEST_SEED = 0
BOM = b"\xef\xbb\xbf"
MAX_HEADER_BYTES = 20_000
QUOTED = re.compile(
    rb'(?<![^,\n])"([0-9]{1,3})"(?=[,\n])'
)  # a whole cell, as a writer that quotes everything writes it

SOURCE = (
    "Kaggle Digit Recognizer, a selection of MNIST (Y. LeCun, C. Cortes, C. Burges 1998). Kaggle's test.csv has no labels, "
    "so the test set is {n_test:,} images of train.csv, a fifth of every digit, always the same; "
    "training has the other {n_train:,}."
)


@dataclass(frozen=True, slots=True)
class Upload:
    """A Kaggle file that was found good and saved. kind: "train" (with labels) or "test"."""

    kind: Kind
    n_images: int
    path: Path


def read_train_csv(source: Path | str | bytes, name: str = "") -> tuple[Images, Labels]:
    """Images (N, 28, 28) uint8 and labels (N,) int64, 0..9, of a file with the columns label, pixel0 .. pixel783.

    source: a path, or the content itself · name: what the DataError calls it, "" for its own name
    Raises DataError naming the first line and column at fault.
    """
    data, own_name = _content(source, "train")
    rows = _parse(data, name or own_name, "train")
    return rows[:, 1:].reshape(-1, SIDE, SIDE), rows[:, 0].astype(np.int64)


def read_test_csv(source: Path | str | bytes) -> Images:
    """Images (N, 28, 28) uint8 of a file with the columns pixel0 .. pixel783. Raises DataError as ``read_train_csv``."""
    return _parse(*_content(source, "test"), "test").reshape(-1, SIDE, SIDE)


def is_present(root: Path | None = None) -> bool:
    """Whether there is a train.csv; whether it is good is for ``load`` to say."""
    return _path(root, "train").is_file()


def unlabelled_file(root: Path | None = None) -> bytes:
    """The content of the ``test.csv`` at hand. Raises DataError when there is none."""
    path = _path(root, "test")
    if not path.is_file():
        raise DataError("Kaggle's test.csv is not here: put it into the data folder, kaggle/test.csv, or upload it.")
    return _content(path, "test")[0]


def load(root: Path | None = None) -> Dataset:
    """``<root>/kaggle/train.csv`` as training pool and test set, ``test.csv`` (if there) as images without a truth.

    root: None means ``data_root()``. Raises DataError for a file that is missing, damaged, or too small to be split.
    """
    path = _path(root, "train")
    if not path.is_file():
        entry = DATASETS["kaggle"]
        raise DataError(f"{entry.title} is missing: {entry.how_to_get[0].lower()}{entry.how_to_get[1:]}")
    data, name = _content(path, "train")
    rows = _parse(data, name, "train")
    hashes = {name: hashlib.sha256(data).hexdigest()}
    del data
    images, labels = rows[:, 1:].reshape(-1, SIDE, SIDE), rows[:, 0].astype(np.int64)
    _check_enough(len(labels), name)
    order = stratified_order(labels, TEST_SEED)
    n_test = round(len(labels) * TEST_SHARE)
    test, train = np.sort(order[:n_test]), np.sort(order[n_test:])
    unlabelled = np.empty((0, SIDE, SIDE), np.uint8)
    if (other := _path(root, "test")).is_file():
        data, name = _content(other, "test")
        unlabelled = _parse(data, name, "test").reshape(-1, SIDE, SIDE)
    return Dataset(
        name="kaggle",
        title=title("kaggle"),
        source=SOURCE.format(n_test=len(test), n_train=len(train)),
        train_images=images[train],
        train_labels=labels[train],
        test_images=images[test],
        test_labels=labels[test],
        hashes=hashes,
        unlabelled_images=unlabelled,
    )


def save_upload(root: Path | None, data: bytes) -> Upload:
    """Check a whole file that somebody gave us, then put it where ``load`` looks, replacing the one before.

    Which of the two it is is told by its header, never by its name. Raises DataError; then nothing was changed.
    """
    kind = _kind(_header(data)[0])
    rows = _parse(data, "the file", kind)
    if kind == "train":
        _check_enough(len(rows), "the file")
    path = _path(root, kind)
    write_atomic(path, data)
    return Upload(kind, len(rows), path)


def _kind(header: list[bytes]) -> Kind:
    """Labels come with training images: by name, behind an index, or as one column more than the pixels."""
    names = [cell.lower() for cell in header[:2]]
    if b"label" in names:
        return "train"
    index = header[:2] == [b"", b"pixel0"]
    return "train" if len(header) == len(COLUMNS["train"]) and not index else "test"


def _check_enough(n: int, name: str) -> None:
    if n < N_CLASSES:
        raise DataError(f"{name}: holds {n:,} images, which is too few to train and to test on")


def _path(root: Path | None, kind: Kind) -> Path:
    return (root or data_root()) / "kaggle" / FILES[kind]


def _content(source: Path | str | bytes, kind: Kind) -> tuple[bytes, str]:
    """The bytes and what to call them."""
    if isinstance(source, bytes):
        return source, FILES[kind]
    path = Path(source)
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1), path.name
    except OSError as error:
        raise DataError(f"{path.name} can not be read: {error.strerror or error}") from None


def _parse(data: bytes, name: str, kind: Kind) -> NDArray[np.uint8]:
    """Every row, (N, columns) uint8."""
    if len(data) > MAX_BYTES:
        raise DataError(f"{name}: larger than {MAX_BYTES // 2**20:,} MB")
    columns = COLUMNS[kind]
    start = _after_header(data, name, columns)
    end = _without_blank_end(data, start)
    quoted = data.startswith((b'"', BOM + b'"'))  # a writer that puts names in quotes may put numbers in them, too
    blocks, line = [], 2
    while start < end:
        last = start + BLOCK_BYTES >= end
        stop = end if last else data.rfind(b"\n", start, start + BLOCK_BYTES) + 1 or start + BLOCK_BYTES
        block = data[start:stop].replace(b"\r\n", b"\n")
        block = block if block.endswith(b"\n") else block + b"\n"
        rows = _parse_good_block(block, columns)
        if rows is None and quoted:
            rows = _parse_good_block(QUOTED.sub(rb"\1", block), columns)
        if rows is None:
            raise DataError(f"{name}, {_first_fault(block, line, columns)}")
        blocks.append(rows)
        line += len(rows)
        start = stop
    if not blocks:
        raise DataError(f"{name}: has a header but no images")
    return np.concatenate(blocks)


def _without_blank_end(data: bytes, start: int) -> int:
    """Where the last line ends that says something; a whole file of blank lines takes milliseconds, not half a minute."""
    end = len(data)
    while end > start:
        block = data[max(start, end - BLOCK_BYTES) : end]
        kept = len(block.rstrip(b"\r\n"))
        end -= len(block) - kept
        if kept:
            break
    return end


def _header(data: bytes) -> tuple[list[bytes], int]:
    """The first line's cells without quotes around them, and where the next line begins."""
    begin = len(BOM) if data.startswith(BOM) else 0
    end = data.find(b"\n", begin, begin + MAX_HEADER_BYTES)
    line = data[begin : end if end >= 0 else begin + MAX_HEADER_BYTES].removesuffix(b"\r")
    cells = [cell[1:-1] if cell[:1] == cell[-1:] == b'"' and len(cell) > 1 else cell for cell in line.split(b",")]
    return cells, len(data) if end < 0 else end + 1


def _after_header(data: bytes, name: str, columns: tuple[str, ...]) -> int:
    """Where the first row begins. Raises DataError unless the header is exactly ``columns``."""
    if data in (b"", BOM):
        raise DataError(f"{name}: the file is empty")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{name}: is text in UTF-16, expected UTF-8")
    header, start = _header(data)
    for separator in (";", "\t"):
        if len(header) == 1 and separator.encode() in header[0]:
            raise DataError(f"{name}: its values are separated by {separator!r}, expected ','")
    if len(header) > 1 and all(cell.isdigit() and len(cell) <= 3 for cell in header):
        names = f"{columns[0]!r}, {columns[1]!r} … {columns[-1]!r}"
        raise DataError(f"{name}, line 1: holds numbers where the names of the columns must stand, expected {names}")
    if header[1:2] == [columns[0].encode()] != header[:1]:
        index = f"column 1 is {_quoted(header[0])} before {columns[0]!r}, expected {columns[0]!r} first"
        raise DataError(f"{name}, line 1: {index} (save the table without its index)")
    for position, (cell, expected) in enumerate(zip(header, columns, strict=False), start=1):
        if cell != expected.encode():
            raise DataError(f"{name}, line 1: column {position} is called {_quoted(cell)}, expected {expected!r}")
    if len(header) != len(columns):
        raise DataError(f"{name}, line 1: has {len(header):,} columns, expected {len(columns)}")
    return start


def _parse_good_block(block: bytes, columns: tuple[str, ...]) -> NDArray[np.uint8] | None:
    """The rows of whole lines, (N, columns) uint8, or None if any cell or line is not exactly as it must be."""
    text = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(text < ord("0"))  # of the cells: ',' and line ends are the only bytes below the digits
    if len(ends) % len(columns) or text.max() > ord("9"):
        return None
    marks = text[ends].reshape(-1, len(columns))
    if (marks[:, :-1] != ord(",")).any() or (marks[:, -1] != ord("\n")).any():
        return None
    lengths = np.diff(ends, prepend=-1) - 1
    if lengths.min() < 1 or lengths.max() > 3:
        return None
    digits = text - ord("0")
    values = digits[ends - 1].astype(np.uint16)
    for length, power in ((2, 10), (3, 100)):
        longer = np.flatnonzero(lengths >= length)
        digit = digits[ends[longer] - length]
        if not digit[lengths[longer] == length].all():  # a leading zero
            return None
        values[longer] += digit.astype(np.uint16) * np.uint16(power)
    if values.max() > 255:
        return None
    rows = values.astype(np.uint8).reshape(-1, len(columns))
    return None if columns[0] == "label" and rows[:, 0].max() >= N_CLASSES else rows


def _first_fault(block: bytes, line: int, columns: tuple[str, ...]) -> str:
    """Where and what the first fault is, in words. line: the number of the block's first line."""
    for number, row in enumerate(block[:-1].split(b"\n"), start=line):
        cells = row.split(b",")
        if len(cells) != len(columns):
            separated = " (they are separated by ';', expected ',')" if b";" in row else ""
            actual = f"has {len(cells):,} values" if row else "is empty"
            return f"line {number:,}: {actual}, expected {len(columns)}{separated}"
        for column, cell in zip(columns, cells, strict=True):
            high = N_CLASSES - 1 if column == "label" else 255
            # bytes.isdigit knows 0..9 only; the length is asked first, so that no endless number is ever computed
            whole = 1 <= len(cell) <= 3 and cell.isdigit() and cell == str(int(cell)).encode()
            if not whole or int(cell) > high:
                return f"line {number:,}, column {column}: {_quoted(cell)} is not a whole number from 0 to {high}"
    raise AssertionError("a block was refused in which every line is good")


def _quoted(cell: bytes) -> str:
    """A cell for a message: short, and without any character that could be more than text."""
    text = cell.decode("utf-8", "replace")
    return ascii(text if len(text) <= 24 else text[:23] + "...") if text else "an empty cell"
