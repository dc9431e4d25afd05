"""The bench for accuracy: one row per run of a preset, its figures from real runs, bad input in one sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench import accuracy
from core.experiments import presets
from core.experiments.presets import Preset


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"dataset": "digits", "epochs": 1, "n_train": 200}
    known = {**presets.PRESETS, "quick": Preset("quick", "", "", (("softmax", small), ("mlp", small)))}
    monkeypatch.setattr(presets, "PRESETS", known)


def test_each_run_of_a_preset_gives_a_row_over_all_seeds(quick: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert accuracy.main(["quick", "--seeds", "2", "--threads", "1", "--json"]) == 0
    rows: list[dict[str, Any]] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["architecture"] for row in rows] == ["softmax", "mlp"]
    for row in rows:
        assert [run["seed"] for run in row["runs"]] == [0, 1]
        accuracies = [run["acc"] for run in row["runs"]]
        assert accuracies[0] != accuracies[1]
        assert row["low"] == min(accuracies) <= row["mean"] <= row["high"] == max(accuracies)
        assert row["n_test"] == 360
        assert row["seconds"] > 0


def test_people_read_the_device_first(quick: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert accuracy.main(["quick", "--seeds", "1", "--threads", "1"]) == 0
    first, *rows = capsys.readouterr().out.splitlines()
    assert ", 1 threads, torch" in first
    assert "7,850 parameters" in rows[0]
    assert "1 seed, 360 test images" in rows[0]


@pytest.mark.parametrize("arguments", [["no-such-preset"], ["quick", "--seeds", "0"]])
def test_bad_input_is_one_sentence(quick: None, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert accuracy.main(arguments) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
