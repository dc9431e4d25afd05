"""The bench for accuracy: one row per run of a preset, its figures from real runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench import accuracy
from core.engine import machine_kind
from core.experiments import presets
from core.experiments.presets import Preset


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"dataset": "digits", "epochs": 1, "n_train": 200}
    runs, slow = (("softmax", small), ("mlp", small)), {"32-bit": {"epochs": 2}}
    monkeypatch.setattr(
        presets, "PRESETS", {**presets.PRESETS, "quick": Preset("quick", "", "", runs, by_machine=slow)}
    )


def test_each_run_of_a_preset_gives_a_row_over_all_seeds(
    quick: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_kind, "machine_kind", lambda: "32-bit")
    assert accuracy.main(["quick", "--seeds", "2", "--threads", "1", "--json"]) == 0
    rows: list[dict[str, Any]] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["architecture"] for row in rows] == ["softmax", "mlp"]
    for row in rows:
        assert [run["seed"] for run in row["runs"]] == [0, 1]
        accuracies = [run["acc"] for run in row["runs"]]
        assert accuracies[0] != accuracies[1]
        assert row["low"] == min(accuracies) <= row["mean"] <= row["high"] == max(accuracies)
        assert row["n_test"] == 382
        assert row["seconds"] > 0
        assert row["epochs"] == 2, "what the preset is on this machine"
    line = accuracy._text(rows[0])
    assert [row["epochs"] for row in accuracy.table(["quick"], range(1), as_described=True)] == [1, 1]
    assert line.endswith("On this machine, without 16-bit units: 2 epochs instead of 1, to be ready in time.")
    assert "7,850 parameters" in line
    assert "2 seeds, 382 test images" in line
