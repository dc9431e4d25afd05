"""Runs taken along: by the command line, and what stands in the files."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.reliability.mutants import csv_bytes
from core import data
from core.cli.app import main
from core.export import submission
from core.runs import shipped
from core.runs.store import Store, runs_root

QUICK = ["train", "--architecture", "mlp", "--widths", "8", "--epochs", "1", "--n-train", "200", "--json"]


@pytest.fixture
def run_id(capsys: pytest.CaptureFixture[str]) -> str:
    assert main([*QUICK, "--name", "=1+1"]) == 0
    return str(json.loads(capsys.readouterr().out.splitlines()[-1])["run_id"])


def test_tables_hold_what_the_store_holds(run_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", run_id, "--to", "csv", "--out", str(tmp_path / "out"), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    store = Store(runs_root())
    run, answers = store.run(run_id), store.evaluation(run_id, "test")
    assert answers is not None
    tables = {Path(path).name: Path(path).read_bytes() for path in values["files"]}
    assert {name.removesuffix(".csv") for name in tables if name.endswith("csv")} == {
        "epochs", "result", "answers-val", "answers-test",
    }  # fmt: skip
    for name, content in tables.items():
        table = pd.read_csv(io.BytesIO(content)) if name.endswith("csv") else pd.read_parquet(io.BytesIO(content))
        if name.startswith("answers-test"):
            assert (table["truth"] == table["predicted"]).mean() == pytest.approx(run.summary["test_acc"], abs=1e-12)
            assert np.array_equal(np.sort(table["index"]), np.arange(len(answers.labels)))
        if name.startswith("result"):
            assert table["test_acc"][0] == run.summary["test_acc"]
            assert table["training.epochs"][0] == 1
    assert b",'=1+1," in tables["result.csv"], "a spreadsheet would compute it"
    assert main(["export", run_id, "--to", "csv", "--out", str(tmp_path / "out")]) == 2
    assert "--force" in capsys.readouterr().err


def test_a_wrong_test_file_leaves_nothing(run_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, few = tmp_path / "out", tmp_path / "few.csv"
    few.write_bytes(csv_bytes(np.zeros((3, 28, 28), np.uint8)))
    complaints = {
        "expected 28,000": [str(few)], "can not be read": [str(tmp_path / "none.csv")], "test.csv is not here": [],
    }  # fmt: skip
    for complaint, file in complaints.items():
        flag = ["--test-csv", *file] if file else []
        assert main(["export", run_id, "--to", "submission", "--out", str(out), *flag]) == 2
        assert complaint in capsys.readouterr().err
    assert main(["export", run_id, "--to", "csv", "--out", str(out), "--test-csv", str(few)]) == 2
    assert not out.exists()


@pytest.mark.mnist
def test_a_submission_scores_what_the_run_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """28,000 rows of MNIST: all test images, and 18,000 of those to learn from."""
    monkeypatch.delenv("DIGIT_LAB_REFERENCE_RUNS")
    mnist, file = data.load("mnist"), tmp_path / "test.csv"
    file.write_bytes(csv_bytes(np.concatenate([mnist.test_images, mnist.train_images[:18_000]])))
    for architecture in ("softmax", "mlp"):
        run = next(
            run for run in shipped.open_store().runs()
            if (run.architecture, run.config["data"]["dataset"]) == (architecture, "mnist")
        )  # fmt: skip
        words = ["--out", str(tmp_path / architecture), "--test-csv", str(file), "--json"]
        assert main(["export", run.run_id, "--to", "submission", *words]) == 0
        values = json.loads(capsys.readouterr().out)
        digits = submission.read((tmp_path / architecture / "submission.csv").read_bytes())
        assert (digits[:10_000] == mnist.test_labels).mean() == run.summary["test_acc"]
        assert values["n_seen"] == pytest.approx(18_000 * (1 - run.config["data"]["val_fraction"]), rel=0.02)
        assert "not Kaggle's own test.csv" in values["warning"]
