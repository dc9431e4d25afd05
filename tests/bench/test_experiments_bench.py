"""The benches behind the figures for teachers: a lesson's experiment as a race with a picture, and shipped runs that break."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from bench import breaking, lessons_on_mnist
from core.experiments import lessons
from core.runs import robustness, shipped
from core.runs.store import Store

REFERENCE_RUNS = Path(__file__).parents[2] / "assets" / "reference_runs"


def test_a_lesson_becomes_a_race_with_figures_verdicts_and_a_picture(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(lessons_on_mnist, "DATASET", "digits")
    picture = tmp_path / "bars.png"
    small = ["--set", "n_train=200", "epochs=1", "--seeds", "1", "--json"]
    assert lessons_on_mnist.main(["start-at-zero", *small, "--bars", str(picture)]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [json.loads(line) for line in lines if line.startswith("{")]
    networks, pairs = [row for row in rows if "label" in row], [row for row in rows if "verdict" in row]
    assert [row["label"] for row in networks] == list(lessons.get("start-at-zero").labels)
    assert all((row["seeds"], row["n_train"]) == (1, 200) for row in networks)
    assert networks[1]["mean"] < 0.2
    assert "All weights began at 0" in networks[1]["coach"]
    assert not networks[0]["coach"]
    assert len(pairs) == 3
    assert picture.read_bytes().startswith(b"\x89PNG")
    group_id = next(line for line in lines if "group" in line).split("group ")[1].split(",")[0]
    assert lessons_on_mnist.main(["start-at-zero", "--group", group_id, "--json"]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == rows


def test_a_lesson_that_is_no_race_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["no-such-lesson"], ["parameters-grow"], ["same-weights", "--set", "epochs"]):
        assert lessons_on_mnist.main(arguments) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert breaking.main(["--images", "0"]) == 2
    assert breaking.main(["no-such-run"]) == 2


def test_a_shipped_run_is_attacked_and_damaged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(breaking, "AMOUNTS", {"bits": (8.0, 1.0)})
    with closing(Store(tmp_path / "runs")) as store:
        shipped.adopt(store, REFERENCE_RUNS)
        run = breaking.output.named_run(store, "digits-mlp")
        reader = robustness.predictor(store, run)
        fgsm, pgd = breaking.attacked(run, reader, 3)
        many, few = breaking.damaged(run, reader)
    assert 0 < pgd["median_budget"] <= fgsm["median_budget"] <= 1
    assert many["acc"] > few["acc"]
    assert many["bytes"] > few["bytes"]
