"""The bench for drawn digits: its figures add up, and a missing or broken file is one sentence."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from bench import pendigits
from core import data
from core.config import run_config
from core.data.paths import data_root
from core.runs.store import Store, runs_root
from core.runs.worker import drive


def put(content: Any) -> None:
    path = data_root() / pendigits.FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(json.dumps(content).encode()))


def test_share_is_the_mean_over_the_digits(capsys: pytest.CaptureFixture[str]) -> None:
    put(
        [{"label": 1, "strokes": [[[250, 0], [250, 500]]]}, {"label": 7, "strokes": [[[0, 0], [200, 0], [90, 400]]]}]
        * 3
    )
    store = Store(runs_root())
    config = run_config("softmax", {"epochs": 1, "n_train": 200})
    run_id = store.create(config, request="pause")
    drive(store, run_id, load_dataset=data.load)
    assert pendigits.main([run_id, "--limit", "5", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["n"] == 5
    per_digit = figures["per_digit"].values()
    assert figures["share"] == pytest.approx(sum(one["share"] * one["n"] for one in per_digit) / 5)
    for half, digit in (("choose", "1"), ("report", "7")):
        assert pendigits.main([run_id, "--half", half, "--json"]) == 0
        assert list(json.loads(capsys.readouterr().out)["per_digit"]) == [digit], "the file has ones and sevens in turn"
    assert pendigits.main([run_id, "--skip", "1", "--limit", "2", "--json"]) == 0
    per_digit = json.loads(capsys.readouterr().out)["per_digit"]
    assert {digit: one["n"] for digit, one in per_digit.items()} == {"1": 1, "7": 1}
    assert pendigits.main([run_id, "--skip", "6"]) == 2
    assert "leaves no drawing" in capsys.readouterr().err


def test_a_broken_file_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    put([{"label": 1}])
    assert pendigits.main(["abcdef"]) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert "not a list of pen strokes" in sentence
