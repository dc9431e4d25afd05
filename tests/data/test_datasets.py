"""The front door: what there is, how to get it, and that a page need not wait for torch."""

from __future__ import annotations

import dataclasses
import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from bench.reliability.mutants import csv_bytes
from core import data
from core.data import DatasetName
from core.data.paths import data_root, write_atomic
from core.errors import DataError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIGIT_LAB_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_the_data_folder_is_the_given_one_or_beside_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIT_LAB_DATA", "/somewhere/else")
    assert data_root() == Path("/somewhere/else")
    monkeypatch.setenv("DIGIT_LAB_DATA", "")
    assert data_root() == Path(__file__).resolve().parents[2] / "data"


def test_the_menu_says_what_is_there(root: Path, small_mnist: dict[str, bytes]) -> None:
    assert list(data.DATASETS) == list(get_args(DatasetName)) == ["digits", "mnist", "kaggle"]
    assert data.present_names() == ("digits",)
    assert data.suggested_dataset() == "digits"
    for name, content in small_mnist.items():
        write_atomic(root / "mnist" / f"{name}.gz", gzip.compress(content))
    write_atomic(root / "kaggle" / "train.csv", csv_bytes(np.zeros((20, 28, 28), np.uint8), np.arange(20) % 10))
    assert data.present_names() == ("digits", "mnist", "kaggle")
    assert data.suggested_dataset() == "mnist"
    for name, entry in data.DATASETS.items():
        dataset = data.load(name)
        assert (dataset.name, dataset.title) == (name, entry.title)
        assert entry.phrase
        assert dataset.train_images.dtype == np.uint8
        assert dataset.train_labels.dtype == np.int64
        assert len(dataset.hashes) > 0


def test_an_unknown_dataset_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(DataError, match="'letters', allowed is one of digits, mnist, kaggle"):
        data.load("letters")


def test_nobody_can_write_to_the_registry() -> None:
    with pytest.raises(TypeError):
        data.DATASETS["mnist"] = data.DATASETS["digits"]  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.DATASETS["mnist"].title = "other"  # type: ignore[misc]


@pytest.mark.parametrize("name", ["mnist", "kaggle"])
def test_a_missing_dataset_says_how_to_get_it(root: Path, name: DatasetName) -> None:
    with pytest.raises(DataError, match="on the Data page"):
        data.load(name)


def test_datasets_load_without_any_heavy_import(root: Path) -> None:
    code = (
        "import sys, core.data, core.data.download, core.data.drawn, core.data.split\n"
        "core.data.present_names(), core.data.load('digits')\n"
        "assert not {'torch', 'torchvision', 'sklearn', 'pandas', 'streamlit'} & set(sys.modules)\n"
    )
    here = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=here, env=dict(os.environ), timeout=60)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "file"
    write_atomic(path, b"old")
    for step in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os if step == "fsync" else Path, step, _full)
            with pytest.raises(DataError, match="file can not be saved: No space left"):
                write_atomic(path, b"new")
        assert path.read_bytes() == b"old"
        assert [one.name for one in path.parent.iterdir()] == ["file"]
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")
