"""The judge that comes with the program: it is about the CNN's own weights, small, whole, and right about plain cases."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from core.data.dataset import Dataset
from core.data.drawn import to_digit
from core.data.own_digits import own_digits
from core.data.strangers import crossing, strangers
from core.inspect import strangeness as judging
from core.runs import artefacts, strangeness

ASSETS = Path(__file__).parents[2] / "assets" / "reference_runs"
MAX_BYTES = 300_000


def test_the_one_that_is_shipped_tells_strangers_and_lets_digits_pass() -> None:
    judge = strangeness.read(ASSETS)
    assert judge is not None
    assert (ASSETS / "cnn.strangeness").stat().st_size <= MAX_BYTES
    assert not any(judge.is_stranger(digit.image) for digit in own_digits())
    digit = own_digits()[0].image
    two = to_digit(np.hstack([digit, digit])).image
    assert judge.is_stranger(two)
    crossed = crossing(100, 99, np.stack([digit.image for digit in own_digits()]))
    assert (judge.of(crossed) > judge.strangeness.threshold).mean() > 0.7, "the layers alone tell 0.46"
    drawn = strangers(100, 99, np.empty((0, 28, 28), np.uint8))
    assert (judge.of(drawn) > judge.strangeness.threshold).mean() > 0.9


def test_what_is_not_whole_or_about_other_weights_is_not_used(tmp_path: Path) -> None:
    for path in ASSETS.glob("cnn.*"):
        shutil.copy(path, tmp_path)
    assert strangeness.read(tmp_path) is not None
    path = tmp_path / "cnn.strangeness"
    content = path.read_bytes()
    about, arrays = artefacts.unpack(content)
    for damaged in (
        content[:-9], b"", artefacts.pack(about | {"weights": "0" * 64}, arrays),
        artefacts.pack(about, {"into": arrays["into"]}),
        artefacts.pack(about, arrays | {"bias": arrays["bias"][:3]}), artefacts.pack(about | {"threshold": "much"}, arrays),
        artefacts.pack(about | {"more": 1}, arrays), artefacts.pack([], arrays),
        artefacts.pack(about, {name: values for name, values in arrays.items() if name != "image.out.bias"}),
        artefacts.pack(about, arrays | {"image.conv1.bias": arrays["image.conv1.bias"][:3]}),
        artefacts.pack(about, arrays | {"out": np.full_like(arrays["out"], np.nan)}),
    ):  # fmt: skip
        path.write_bytes(damaged)
        assert strangeness.read(tmp_path) is None
    path.write_bytes(content)
    assert strangeness.read(tmp_path) is not None
    (tmp_path / "cnn.safetensors").write_bytes(b"other weights")
    assert strangeness.read(tmp_path) is None
    (tmp_path / "cnn.safetensors").unlink()
    assert strangeness.read(tmp_path) is None
    path.unlink()
    assert strangeness.read(tmp_path) is None


def test_what_is_written_is_what_was_learned(tmp_path: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    for suffix in ("json", "safetensors", "snapshots.safetensors"):
        shutil.copy(ASSETS / f"cnn.{suffix}", tmp_path)
    monkeypatch.setattr(strangeness, "own_images", lambda _, dataset: dataset)
    monkeypatch.setattr(
        judging, "learn", partial(judging.learn, n_strangers=60, n_pen=10, n_crossing=20, n_image_pen=10)
    )
    monkeypatch.setattr(judging, "MIN_VALIDATION", 10)
    monkeypatch.setattr(judging, "EPOCHS", 1)
    n_bytes = strangeness.write(tmp_path, lambda _: digits)
    content = (tmp_path / "cnn.strangeness").read_bytes()
    assert len(content) == n_bytes <= MAX_BYTES
    judge = strangeness.read(tmp_path)
    assert judge is not None
    made = judge.strangeness
    n_val = len(digits.train_images) - made.n_digits
    assert (made.n_strangers, made.n_val) == (140, (n_val + 1) // 2)
    assert np.isfinite(judge.of(digits.test_images[:3])).all()
