from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from core.errors import RunError
from core.runs import artefacts


def test_arrays_come_back_as_they_were_packed_whatever_their_shape_and_order() -> None:
    arrays = {
        "transposed": np.arange(6.0).reshape(2, 3).T, "number": np.array(7), "empty": np.zeros((0, 3), np.float32),
        "strided": np.arange(10)[::3], "flags": np.array([True, False]),
    }  # fmt: skip
    metadata, back = artefacts.unpack(artefacts.pack({"epoch": 2, "text": "ä"}, arrays))
    assert metadata == {"epoch": 2, "text": "ä"}
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        assert back[name].shape == array.shape
        assert back[name].dtype == array.dtype
        np.testing.assert_array_equal(back[name], array)


def test_the_same_content_has_the_same_name_and_is_stored_once(tmp_path: Path) -> None:
    content = artefacts.pack({"a": 1, "b": 2}, {"x": np.ones(3)})
    assert content == artefacts.pack({"b": 2, "a": 1}, {"x": np.ones(3)})
    assert artefacts.put(tmp_path, content) == artefacts.put(tmp_path, content)
    assert artefacts.get(tmp_path, artefacts.put(tmp_path, content)) == content
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "remove"])
def test_damage_is_noticed_and_mended_by_putting_the_content_again(tmp_path: Path, damage: str) -> None:
    content = artefacts.pack({}, {"x": np.arange(100.0)})
    sha = artefacts.put(tmp_path, content)
    path = tmp_path / "artefacts" / sha[:2] / f"{sha}.safetensors"
    changed = {"flip": content[:-1] + bytes([content[-1] ^ 1]), "cut": content[:-1], "empty": b""}
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(changed[damage])
    with pytest.raises(RunError, match="missing" if damage == "remove" else "damaged"):
        artefacts.get(tmp_path, sha)
    artefacts.put(tmp_path, content)
    assert artefacts.get(tmp_path, sha) == content


def test_collect_keeps_what_is_named_and_removes_the_rest_and_unfinished_files(tmp_path: Path) -> None:
    kept, gone = (artefacts.put(tmp_path, bytes([n]) * 10) for n in range(2))
    unfinished = tmp_path / "artefacts" / kept[:2] / f"{'0' * 64}.tmp"
    unfinished.write_bytes(b"half")
    assert artefacts.collect(tmp_path, {kept}) == 2
    assert artefacts.get(tmp_path, kept) == bytes(10)
    assert not unfinished.exists()
    with pytest.raises(RunError):
        artefacts.get(tmp_path, gone)


@pytest.mark.parametrize("name", ["../../etc/passwd", "ab\0cd", "A" * 64, "", "0" * 65, "٠" * 64])
def test_a_name_that_is_no_hash_never_becomes_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError):
        artefacts.get(tmp_path, name)


def test_bytes_that_are_no_artefact_are_refused_in_a_sentence() -> None:
    good = artefacts.pack({"a": 1}, {"x": np.ones(3)})
    foreign = (8 * b"\xff", b"", good[:20], good[:-1], b"\x02" + bytes(7) + b"{}", os.urandom(200))
    for content in foreign:
        with pytest.raises(RunError, match="not a Digit Lab weights file"):
            artefacts.unpack(content)
    for at in range(0, len(good), 3):
        mutant = bytearray(good)
        mutant[at] ^= 0x55
        try:
            artefacts.unpack(bytes(mutant))
        except RunError:
            continue
