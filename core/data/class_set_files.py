"""A class set as files that other programs read, and back: IDX as MNIST has it, CSV as Kaggle has it, pictures in a ZIP."""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from core.data.class_set import MAX_DIGITS, Digits
from core.data.dataset import SIDE, Images
from core.data.idx import GZIP_MAGIC, idx_bytes, parse_idx
from core.data.kaggle import COLUMNS, read_train_csv
from core.errors import DataError

MAX_FILE_BYTES = 32 * 2**20  # of a file that is imported; 10,000 digits as CSV have 31 MB at most
MAX_PICTURE_BYTES = 16_384  # of a PNG in a ZIP; the noisiest 28 x 28 has 1 KB
IMAGES_FILE, LABELS_FILE = "class-set-images-idx3-ubyte.gz", "class-set-labels-idx1-ubyte.gz"
CSV_FILE, ZIP_FILE = "class-set.csv", "class-set.zip"
ZIP_MAGIC = b"PK"
MAX_ENTRY_BYTES = 256  # of an entry in a ZIP's list of contents: 46, its name and what some programs add
_ZIP_END, _ZIP_END_BYTES, _ZIP64_LOCATOR = b"PK\x05\x06", 22, b"PK\x06\x07"
_PICTURE = re.compile(r"([0-9])/([0-9A-Za-z_-]{1,64})\.png")
_FOLDER = re.compile(r"[0-9]/")
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # of every entry, so that equal digits give equal files


def as_idx(digits: Digits) -> tuple[bytes, bytes]:
    """The two files of MNIST's format, images and labels, each compressed with gzip. Not for an empty set, which the format's
    readers refuse."""
    images, labels = idx_bytes(digits.images), idx_bytes(digits.labels.astype(np.uint8))
    return gzip.compress(images, mtime=0), gzip.compress(labels, mtime=0)


def as_csv(digits: Digits) -> bytes:
    """Kaggle's form: a column ``label``, then ``pixel0`` to ``pixel783``."""
    rows = np.column_stack([digits.labels, digits.images.reshape(len(digits), -1)])
    text = io.BytesIO()
    text.write((",".join(COLUMNS["train"]) + "\n").encode())
    np.savetxt(text, rows, fmt="%d", delimiter=",")
    return text.getvalue()


def as_zip(digits: Digits) -> bytes:
    """A grey PNG per digit in a folder per label, ``3/00017.png``; the numbers keep their order."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for place, (image, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
            picture = io.BytesIO()
            Image.fromarray(image).save(picture, "PNG")
            archive.writestr(zipfile.ZipInfo(f"{label}/{place:05}.png", _ZIP_DATE), picture.getvalue())
    return stream.getvalue()


def read_files(files: Sequence[tuple[str, bytes]]) -> Digits:
    """What ``as_idx``, ``as_csv`` or ``as_zip`` wrote, or another program in the same form. Their content tells what they are.

    files: name and content of each. Nothing is repaired or left out: raises DataError for the first thing that is not as it
    must be, for more than ``MAX_DIGITS`` digits, and for files larger than ``MAX_FILE_BYTES``.
    """
    for name, data in files:
        if len(data) > MAX_FILE_BYTES:
            raise DataError(f"{name}: larger than {MAX_FILE_BYTES // 2**20} MB")
    if len(files) == 2 and all(_may_be_idx(data) for _, data in files):
        return _read_idx(*files)
    if len(files) != 1:
        raise DataError(
            f"{len(files)} files were chosen: choose one CSV or ZIP file, or both IDX files (images and labels)"
        )
    ((name, data),) = files
    if _may_be_idx(data):
        raise DataError(f"{name}: IDX files come in pairs, so choose the images and the labels together")
    if data.startswith(ZIP_MAGIC):
        return _read_zip(name, data)
    images, labels = read_train_csv(data, name)
    return _checked(name, Digits(images, labels))


def _may_be_idx(data: bytes) -> bool:
    return data.startswith((GZIP_MAGIC, b"\0\0\x08"))


def _read_idx(first: tuple[str, bytes], second: tuple[str, bytes]) -> Digits:
    """The two in any order; the start of the file of labels says that it has one dimension."""
    labels_first = _is_of_labels(first[1])
    (labels_name, packed_labels), (images_name, packed_images) = (first, second) if labels_first else (second, first)
    labels = parse_idx(packed_labels, labels_name, expect=())
    if len(labels) > MAX_DIGITS:  # before the images are unpacked
        raise DataError(_too_many(labels_name, len(labels)))
    images = parse_idx(packed_images, images_name, expect=(SIDE, SIDE), count=len(labels))
    return Digits(images, labels.astype(np.int64))


def _is_of_labels(data: bytes) -> bool:
    """The fourth byte of an IDX file is the number of its dimensions."""
    if data.startswith(GZIP_MAGIC):
        with contextlib.suppress(zlib.error):  # damaged: said when it is read whole
            data = zlib.decompressobj(wbits=31).decompress(data, 4)
    return data[:4] == b"\0\0\x08\x01"


def _read_zip(name: str, data: bytes) -> Digits:
    """Every entry is looked at before the first is unpacked, and nothing is written anywhere."""
    _check_directory(name, data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not _FOLDER.fullmatch(entry.filename)]
            _check_entries(name, entries)
            entries.sort(key=lambda entry: (entry.filename[2:], entry.filename[0]))
            images = [_picture(name, archive, entry) for entry in entries]
    except (
        zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, OSError
    ) as error:  # fmt: skip
        if isinstance(error, DataError):
            raise
        raise DataError(f"{name}: the ZIP file is damaged, or packed in a way that is not read here") from None
    return Digits(np.stack(images), np.array([int(entry.filename[0]) for entry in entries], np.int64))


def _check_directory(name: str, data: bytes) -> None:
    """The list of contents is believed only up to a size: to read one of a million entries takes half a gigabyte."""
    end = data.rfind(_ZIP_END, -_ZIP_END_BYTES - 0xFFFF)
    if end < 0 or len(data) < end + _ZIP_END_BYTES:
        raise DataError(f"{name}: the ZIP file ends too early")
    (directory_bytes,) = struct.unpack_from("<I", data, end + 12)
    is_zip64 = data[max(0, end - 20) : end].startswith(_ZIP64_LOCATOR)
    if is_zip64 or directory_bytes > MAX_DIGITS * MAX_ENTRY_BYTES:
        raise DataError(f"{name}: its list of contents is longer than that of {MAX_DIGITS:,} digits")


def _check_entries(name: str, entries: Sequence[zipfile.ZipInfo]) -> None:
    if not entries:
        raise DataError(f"{name}: holds no pictures")
    if len(entries) > MAX_DIGITS:
        raise DataError(_too_many(name, len(entries)))
    if len({entry.filename for entry in entries}) < len(entries):
        raise DataError(f"{name}: holds a file twice")
    for entry in entries:
        shown = ascii(entry.filename[:60])
        if not _PICTURE.fullmatch(entry.filename):
            raise DataError(f"{name}: {shown} is no picture in a folder of its label, such as '3/00017.png'")
        mode = entry.external_attr >> 16
        if entry.flag_bits & 1 or stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise DataError(f"{name}: {shown} is encrypted or a link")
        if entry.file_size > MAX_PICTURE_BYTES:
            raise DataError(f"{name}: {shown} has {entry.file_size:,} bytes, allowed are {MAX_PICTURE_BYTES:,}")


def _picture(name: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Images:
    """(28, 28) uint8. Unpacks no more than was announced, and decodes only what the header says is a digit."""
    with archive.open(entry) as stream:
        data = stream.read(MAX_PICTURE_BYTES + 1)
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            size, mode = picture.size, picture.mode
            if len(data) <= MAX_PICTURE_BYTES and size == (SIDE, SIDE) and mode == "L":
                return np.array(picture)
    except Exception:  # noqa: BLE001 - on damaged files Pillow's decoders raise nearly every type there is
        raise DataError(f"{name}: {entry.filename} is no whole PNG file") from None
    raise DataError(
        f"{name}: {entry.filename} has {size[0]:,} × {size[1]:,} pixels of mode {mode}, expected {SIDE} × {SIDE} in grey (L)"
    )


def _checked(name: str, digits: Digits) -> Digits:
    if len(digits) > MAX_DIGITS:
        raise DataError(_too_many(name, len(digits)))
    return digits


def _too_many(name: str, n: int) -> str:
    return f"{name}: holds {n:,} digits, allowed are {MAX_DIGITS:,}"
