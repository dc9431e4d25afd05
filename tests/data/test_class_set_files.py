"""The class set as a value: its halves, how it is mixed in, and what comes back from files."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from core.data import class_set_files
from core.data.class_set import Digits, learned_from, repeated
from core.data.class_set_files import as_csv, as_idx, as_zip, read_files
from core.data.idx import MAX_COUNT
from core.data.split import n_mixed_in
from core.errors import DataError


def made(n: int = 30) -> Digits:
    random = np.random.default_rng(5)
    return Digits(random.integers(0, 256, (n, 28, 28)).astype(np.uint8), np.arange(n) % 10)


@pytest.mark.parametrize(
    "files_of",
    [
        lambda digits: [("x.csv", as_csv(digits))],
        lambda digits: [("x.zip", as_zip(digits))],
        lambda digits: list(zip(("a.gz", "b.gz"), as_idx(digits), strict=True)),
        lambda digits: list(zip(("b.gz", "a.gz"), as_idx(digits)[::-1], strict=True)),
    ],
    ids=["csv", "zip", "idx", "idx the other way round"],
)
def test_what_is_exported_comes_back_to_the_bit_and_in_order(
    files_of: Callable[[Digits], list[tuple[str, bytes]]],
) -> None:
    for digits in (made(), made(1), Digits(np.zeros((2, 28, 28), np.uint8), np.array([7, 7]))):
        again = read_files(files_of(digits))
        np.testing.assert_array_equal(again.images, digits.images)
        np.testing.assert_array_equal(again.labels, digits.labels)
        assert again.labels.dtype == np.int64
        assert files_of(again) == files_of(digits), "equal digits give equal files"


def zipped(name: str, content: bytes, **about: object) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name)
        entry.compress_type = zipfile.ZIP_DEFLATED
        for key, value in about.items():
            setattr(entry, key, value)
        archive.writestr(entry, content)
    return stream.getvalue()


def png(mode: str = "L", side: int = 28) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (side, side)).save(stream, "PNG")
    return stream.getvalue()


def many_entries() -> bytes:
    """A list of contents that announces itself longer than 10,000 digits need."""
    content = bytearray(as_zip(made(1)))
    struct.pack_into("<I", content, content.rfind(b"PK\x05\x06") + 12, 1 << 30)
    return bytes(content)


def understated() -> bytes:
    """A picture that unpacks to more than the entry announces."""
    content = bytearray(zipped("3/a.png", png() + bytes(100_000)))
    for magic, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", content, content.rfind(magic) + at, 200)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped("../3/a.png", png()), "is no picture in a folder of its label"),
        (zipped("/3/a.png", png()), "is no picture in a folder of its label"),
        (zipped("3/a.exe", png()), "is no picture in a folder of its label"),
        (zipped("12/a.png", png()), "is no picture in a folder of its label"),
        (zipped("3/a.png", png(), external_attr=0o120777 << 16), "encrypted or a link"),
        (zipped("3/a.png", bytes(50_000_000)), "has 50,000,000 bytes, allowed are 16,384"),
        (zipped("3/a.png", png(side=29)), "has 29 × 29 pixels of mode L, expected 28 × 28"),
        (zipped("3/a.png", png("RGB")), "of mode RGB, expected"),
        (zipped("3/a.png", png()[:45]), "is no whole PNG file"),
        (zipped("3/a.png", b"GIF89a"), "is no whole PNG file"),
        (zipped("3/", b""), "holds no pictures"),
        (understated(), "damaged"),
        (many_entries(), "list of contents is longer"),
        (as_zip(made(2))[:-30], "ends too early"),
        (as_csv(made(2)).replace(b"label", b"digit", 1), "column 1 is called 'digit'"),
        (as_idx(made(2))[0], "come in pairs"),
        (b"", "the file is empty"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_as_it_must_be_is_refused_with_its_reason(content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words) as refused:
        read_files([("mine", content)])
    assert str(refused.value).startswith("mine")


def test_files_that_do_not_belong_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = as_idx(made(3))
    with pytest.raises(DataError, match="holds 3 entries, expected 2"):
        read_files([("images", images), ("labels", as_idx(made(2))[1])])
    with pytest.raises(DataError, match="not an IDX file of labels"):
        read_files([("a", images), ("b", images)])
    with pytest.raises(DataError, match="3 files were chosen"):
        read_files([("a", images), ("b", labels), ("c", labels)])
    monkeypatch.setattr(class_set_files, "MAX_DIGITS", 2)
    for files in ([("images", images), ("labels", labels)], [("x", as_csv(made(3)))], [("x", as_zip(made(3)))]):
        with pytest.raises(DataError, match=r"holds 3 digits, allowed are 2"):
            read_files(files)
    monkeypatch.setattr(class_set_files, "MAX_FILE_BYTES", 10)
    with pytest.raises(DataError, match="larger than"):
        read_files([("x", as_csv(made(3)))])
    assert MAX_COUNT >= 10_000


def test_a_digit_stays_in_its_half_whatever_its_label_and_its_company() -> None:
    digits = made(2_000)
    halves = learned_from(digits.images)
    assert 900 < halves.sum() < 1_100
    picked = np.random.default_rng(0).permutation(2_000)[:100]
    np.testing.assert_array_equal(learned_from(digits.images[picked]), halves[picked])


def test_digits_are_repeated_evenly_and_a_part_holds_every_label() -> None:
    digits = made(30)
    counts = np.unique(repeated(digits, 100, 0).images[:, 0, :].view("V28"), return_counts=True)[1]
    assert set(counts) == {3, 4}
    assert len(counts) == 30
    assert sorted(repeated(digits, 10, 0).labels) == list(range(10))
    assert repeated(digits, 100, 0).hash == repeated(digits, 100, 0).hash != repeated(digits, 100, 1).hash
    assert n_mixed_in(900, 0.1) == 100
    with pytest.raises(DataError, match="keep some on the Draw page"):
        repeated(made(0), 10, 0)
