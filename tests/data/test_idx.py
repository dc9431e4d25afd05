"""IDX files: what is right is read, what is wrong is one DataError, and no bomb goes off."""

from __future__ import annotations

import gzip
import hashlib
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.reliability.mutants import idx_bytes, mutants
from core.data.idx import parse_idx, payload_sha256, read_idx
from core.errors import DataError

RNG = np.random.default_rng(1)
IMAGES = RNG.integers(0, 256, (12, 28, 28), np.uint8)
LABELS = RNG.integers(0, 10, 12, np.uint8)
ANY_BYTE = bytes(range(256))


def images(data: bytes, count: int | None = None) -> NDArray[np.uint8]:
    return parse_idx(data, "some-file.gz", expect=(28, 28), count=count)


def labels(data: bytes) -> NDArray[np.uint8]:
    return parse_idx(data, "some-file.gz", expect=())


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gzipped"])
def test_the_content_decides_whether_a_file_is_compressed(tmp_path: Path, pack: type[bytes]) -> None:
    for called in ("images", "images.gz"):
        (tmp_path / called).write_bytes(pack(idx_bytes(IMAGES)))
        pixels = read_idx(tmp_path / called, expect=(28, 28), count=12)
        assert np.array_equal(pixels, IMAGES)
        assert not pixels.flags.writeable
    assert np.array_equal(labels(pack(idx_bytes(LABELS))), LABELS)


def test_the_payload_hash_is_that_of_the_unpacked_file() -> None:
    for values in (IMAGES, LABELS):
        assert payload_sha256(values) == hashlib.sha256(idx_bytes(values)).hexdigest()


WRONG = {
    "empty file": (b"", "header"),
    "half a header": (idx_bytes(IMAGES)[:9], "header"),
    "labels where images belong": (idx_bytes(LABELS) + bytes(20), "not an IDX file of images"),
    "a page of HTML": (b"<html><body>Please log in to this network</body></html>", "not an IDX file"),
    "other sides": (idx_bytes(IMAGES[:, :27]), "27 × 28"),
    "one image short": (idx_bytes(IMAGES)[:-784], "less than"),
    "one byte short": (idx_bytes(IMAGES)[:-1], "less than"),
    "one byte over": (idx_bytes(IMAGES) + b"\0", "more than"),
    "no image": (struct.pack(">4I", 0x803, 0, 28, 28), "announces 0"),
    "four thousand million images": (struct.pack(">4I", 0x803, 2**32 - 1, 28, 28), "4,294,967,295"),
    "cut gzip": (gzip.compress(idx_bytes(IMAGES))[:-9], "ends too early"),
    "cut gzip sum": (gzip.compress(idx_bytes(IMAGES))[:-4], "ends too early"),
    "gzip header alone": (b"\x1f\x8b", "ends too early"),
    "gzip with a wrong sum": (gzip.compress(idx_bytes(IMAGES))[:-8] + b"\0\0\0\0" + struct.pack("<I", 9424), "damaged"),
    "rubbish after gzip": (gzip.compress(idx_bytes(IMAGES)) + b"rubbish", "damaged"),
    "gzip in gzip": (gzip.compress(gzip.compress(idx_bytes(IMAGES))), "not an IDX file"),
}


@pytest.mark.parametrize(("data", "reason"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_is_one_data_error_that_names_it(data: bytes, reason: str) -> None:
    with pytest.raises(DataError, match=r"some-file\.gz") as caught:
        images(data)
    assert reason in str(caught.value)


def test_a_label_above_nine_is_refused_with_its_place() -> None:
    with pytest.raises(DataError, match="entry 3 "):
        labels(idx_bytes(np.array([0, 9, 1, 10, 200], np.uint8)))


def test_a_wrong_count_is_refused_before_the_body_is_read() -> None:
    with pytest.raises(DataError, match="holds 12 entries, expected 11"):
        images(idx_bytes(IMAGES), count=11)


def test_a_missing_file_or_a_folder_is_a_data_error(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(DataError, match="can not be read"):
            read_idx(path, expect=())


@pytest.mark.parametrize("seed", range(3))
def test_damaged_gzip_never_gives_other_pixels_or_another_error(seed: int) -> None:
    packed, accepted = gzip.compress(idx_bytes(IMAGES[:2])), 0
    for mutant in mutants(packed, 1_000, ANY_BYTE, seed):
        try:
            pixels = images(mutant)
        except DataError:
            continue
        accepted += 1  # a flag or time stamp in gzip's own header was hit
        assert np.array_equal(pixels, IMAGES[:2])
    assert accepted < 200


@pytest.mark.parametrize("seed", range(2))
def test_damaged_idx_is_refused_by_form_or_by_hash(seed: int) -> None:
    true = payload_sha256(IMAGES[:1])
    for mutant in mutants(idx_bytes(IMAGES[:1]), 1_000, ANY_BYTE, seed):
        try:
            pixels = images(mutant)
        except DataError:
            continue
        assert (payload_sha256(pixels) == true) == (mutant == idx_bytes(IMAGES[:1]))


def test_damaged_label_files_never_give_a_label_above_nine() -> None:
    accepted = 0
    for mutant in mutants(idx_bytes(LABELS), 3_000, ANY_BYTE, 7):
        try:
            digits = labels(mutant)
        except DataError:
            continue
        accepted += 1
        assert digits.max() <= 9
    assert accepted  # else the loop above proves nothing


def _bombs() -> dict[str, bytes]:
    zeros = gzip.compress(bytes(16 << 20), 1) * 16  # 256 MiB in as many members as gzip allows to follow each other
    return {
        "nothing but zeros": zeros,
        "after a true header": gzip.compress(struct.pack(">4I", 0x803, 12, 28, 28)) + zeros,
        "after a true file": gzip.compress(idx_bytes(IMAGES)) + zeros,
        "after a header that asks for 70,000 images": gzip.compress(struct.pack(">4I", 0x803, 70_000, 28, 28)) + zeros,
    }


@pytest.mark.parametrize("bomb", _bombs().values(), ids=_bombs())
def test_a_gzip_bomb_is_refused_in_little_memory(bomb: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            images(bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 120e6
