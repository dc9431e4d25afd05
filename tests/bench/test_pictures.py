"""The bench for uploaded pictures: every kind makes whole files, its table says what was read, and bad input is one line."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from bench import pictures
from core.data.strokes import rasterise


@pytest.fixture(autouse=True)
def shipped_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGIT_LAB_REFERENCE_RUNS", raising=False)


SEVEN = rasterise([[[0, 0], [10, 0], [4, 15]]], size=28, width=3)


@pytest.mark.parametrize(
    "kind", [kind for kind in pictures.KINDS if "megapixel" not in kind.name], ids=lambda kind: kind.name
)
def test_every_kind_makes_the_same_files_again(kind: pictures.Kind) -> None:
    first, again = (list(pictures.pictures(kind, SEVEN[None])) for _ in range(2))
    assert first == again
    with Image.open(io.BytesIO(first[0])) as file:
        assert np.ptp(np.asarray(file)) > 0


def test_a_picture_that_can_not_be_read_counts_as_wrong() -> None:
    blank = pictures.encode(np.full((50, 50), 255.0))
    labels = np.arange(10)
    n = pictures.n_right(
        iter([blank if label % 2 else b"no picture" for label in labels]), labels, pictures.network("compact")
    )
    assert n == 0


def test_missing_data_and_bad_numbers_are_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--digits", "0"], ["--network", "nothing"]):
        assert pictures.main(arguments) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.mnist
def test_a_kind_below_its_floor_is_exit_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "PENS", ())
    plain = pictures.Kind("plain", pictures.KINDS[0].make)
    for kind, code in ((plain, 0), (plain._replace(floor=1.1), 1)):
        monkeypatch.setattr(pictures, "KINDS", (kind,))
        assert pictures.main(["--digits", "5", "--json"]) == code
        assert json.loads(capsys.readouterr().out)["n"] == 5
