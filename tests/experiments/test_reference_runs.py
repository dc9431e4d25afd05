"""``python -m core reference``: every reference run is made or its absence explained, and what is written is what is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.cli.app import main
from core.config import run_config
from core.data.dataset import Dataset
from core.experiments import reference_runs as reference
from core.experiments.presets import PRESETS
from core.runs import shipped
from core.runs.agents import short_runs


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def planned(digits: Dataset, name: str = "small", **values: Any) -> reference.Plan:
    small = {"dataset": "digits", "epochs": 2, "n_train": 300, "widths": (16,)}
    return reference.Plan(name, run_config("mlp", small | values), digits)


def test_every_reference_run_is_a_run_of_its_preset() -> None:
    names = [run.name for run in reference.REFERENCES]
    assert len(set(names)) == len(names)
    for run in reference.REFERENCES:
        assert run.architecture in [architecture for architecture, _ in PRESETS[run.preset].runs], run.name


def test_what_is_written_is_listed_as_shipped_and_evaluates_to_the_figures_that_were_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["reference", "--only", "digits-mlp", "--out", str(tmp_path / "out"), "--json"]) == 0
    *events, last = lines(capsys)
    assert [event["event"] for event in events if event["event"] != "progress"] == [
        "started", *["epoch"] * 21, "finished",
    ]  # fmt: skip
    assert {event["reference"] for event in events} == {"digits-mlp"}
    assert (last["written"], last["n_test"], last["n_val"]) == (True, 382, 258)
    assert last["bytes"] == sum(path.stat().st_size for path in (tmp_path / "out").iterdir())
    files = {"".join(path.suffixes): path for path in (tmp_path / "out").iterdir()}
    assert files.keys() == {".json", ".layers", ".safetensors", ".snapshots.safetensors"}
    content = files[".layers"].read_bytes()
    files[".layers"].unlink()
    assert main(["reference", "--layers", "--out", str(tmp_path / "out"), "--json"]) == 0
    assert lines(capsys) == [{"layers": "digits-mlp", "bytes": len(content)}]
    assert files[".layers"].read_bytes() == content

    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(tmp_path / "out"))
    assert main(["runs"]) == 0
    listed = capsys.readouterr().out
    assert f"MLP, embedded digits (shipped): finished, test accuracy {last['test_acc']:.2%} on 382 images" in listed
    assert main(["evaluate", listed.split()[0], "--json"]) == 0
    (evaluated,) = lines(capsys)
    assert evaluated["acc"] == last["test_acc"]
    assert evaluated["loss"] == pytest.approx(last["test_loss"], abs=1e-6)


def test_without_json_each_line_tells_a_person_whose_it_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: Dataset
) -> None:
    plans = [planned(digits, "first"), planned(digits, "wild", optimizer="sgd", lr=10.0, weight_decay=1.0, epochs=20)]
    monkeypatch.setattr(reference, "plan", lambda only: plans)
    assert main(["reference", "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert {line.split(":")[0] for line in printed} == {"first", "wild"}
    result = next(line for line in printed if "images with weights of 16 bits" in line)
    assert result.startswith("first: test accuracy ")
    assert printed[-1] == "wild: not written, because the training diverged"
    assert shipped.names(tmp_path) == ["first"]


def test_what_can_not_be_made_is_said_before_anything_is_trained(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for arguments, words in ((["--only", "digits-mlp,nobody"], "only is 'nobody'"), ([], "is missing")):
        assert main(["reference", "--out", str(tmp_path / "out"), *arguments]) == 2
        printed = capsys.readouterr()
        assert words in printed.err
        assert len(printed.err.splitlines()) == 1
        assert printed.out == ""
    assert not (tmp_path / "out").exists()


def test_told_to_stop_it_writes_nothing_and_says_so_for_each(digits: Dataset, tmp_path: Path) -> None:
    stops = iter([False, False, *[True] * 100])
    *_, last = reference.make(planned(digits), tmp_path, lambda: next(stops))
    assert (last["written"], last["reason"]) == (False, "the training stopped")
    (only,) = reference.make(planned(digits), tmp_path, lambda: True)
    assert (only["written"], only["reason"]) == (False, "the command was stopped before")
    assert not list(tmp_path.iterdir())


def test_weights_on_the_way_are_added_to_the_very_run_they_lead_to(digits: Dataset, tmp_path: Path) -> None:
    plan = planned(digits)
    *_, first = reference.make(plan, tmp_path)
    before = shipped.read(tmp_path, "small")
    assert (first["written"], list(before.snapshots)) == (True, [])
    *_, last = reference.make(replace(plan, n_snapshots=3), tmp_path, only_snapshots=True)
    assert last["written"], last
    assert last["bytes"] == sum(path.stat().st_size for path in tmp_path.iterdir())
    after = shipped.read(tmp_path, "small")
    assert (after.run_id, after.created_utc, after.config) == (before.run_id, before.created_utc, before.config)
    assert [kept.step for kept in after.snapshots] == [0, 1, 2]
    assert all(array.dtype == np.float16 for kept in after.snapshots for array in kept.weights.values())

    other = planned(digits, seed=1)
    *_, refused = reference.make(replace(other, n_snapshots=3), tmp_path, only_snapshots=True)
    assert (refused["written"], refused["reason"]) == (
        False, "its weights are others than those in the folder, as they are on another processor",
    )  # fmt: skip
    assert shipped.read(tmp_path, "small").snapshots
    *_, anew = reference.make(other, tmp_path)
    assert anew["written"]
    assert not (tmp_path / "small.snapshots.safetensors").exists(), "the weights on the way were another run's"


def test_a_folder_that_can_not_be_written_is_a_reason(digits: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    *_, last = reference.make(planned(digits), tmp_path / "file")
    assert not last["written"]
    assert "can not be saved" in last["reason"]


@pytest.mark.slow
def test_several_at_a_time_are_the_same_files_as_one_after_the_other(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGIT_LAB_THREADS", "1")
    monkeypatch.setattr(short_runs, "START_SECONDS", 0.0)
    results = {}
    for processes in ("1", "2"):
        out = tmp_path / processes
        command = ["reference", "--only", "digits-mlp,digits-cnn", "--out", str(out), "--processes", processes]
        assert main(command) == 0
        printed = capsys.readouterr().out.splitlines()
        assert {line.split(":")[0] for line in printed} == {"digits-mlp", "digits-cnn"}
        assert sum("bytes written" in line for line in printed) == 2
        results[processes] = {path.name: path.read_bytes() for path in out.iterdir() if path.suffix != ".json"}
    assert results["1"] == results["2"]
    assert len(results["1"]) == 6
