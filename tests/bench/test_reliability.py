"""The report card: a row is met only when it was tried as often as asked without a fault, and a planted fault is found."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.reliability import bombs, fuzz, kills, names, truth
from bench.reliability.__main__ import main
from bench.reliability.card import Row, Tally, line, measure
from bench.reliability.rows import ROWS
from core.data import idx
from core.errors import InputError
from core.runs import artefacts
from core.runs.store import Store
from pages.shared import markdown


def try_(tally: Tally, _folder: Path) -> None:
    tally.tried = 3
    tally.figures["peak_mb"] = 1_200


def fail(tally: Tally, folder: Path) -> None:
    try_(tally, folder)
    tally.check(False, "seen to break")


def end_early(tally: Tally, folder: Path) -> None:
    raise RuntimeError("broke itself")


@pytest.mark.parametrize(
    ("row", "met", "says"),
    [
        (Row("a", "A", try_, 3, 3), True, "peak mb 1,200"),
        (Row("a", "A", try_, 3, 4), False, "3 of      4"),
        (Row("a", "A", fail, 3, 3), False, "seen to break"),
        (Row("a", "A", end_early, 0, 3), False, "RuntimeError: broke itself"),
        (Row("a", "A", fail, 3, 3, lambda: "no browser here"), None, "no browser here"),
        (Row("a", "A", fail, 3, 0), None, "full"),
    ],
)
def test_a_row_is_met_when_it_was_tried_often_enough_without_a_fault(
    row: Row, met: bool | None, says: str, tmp_path: Path
) -> None:
    values = measure(row, quick=True, seed=0, folder=tmp_path)
    assert values["met"] is met
    assert says in line(values)
    json.dumps(values, allow_nan=False)


def test_rows_have_names_of_their_own_and_bad_input_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert all(row.full >= row.quick for row in ROWS)
    assert main(["--only", "kills", "no-such-row"]) == 2
    assert capsys.readouterr().err == "not a row: no-such-row\n"
    assert main(["--list"]) == 0
    assert "kills" in capsys.readouterr().out


def test_a_planted_fault_is_found_and_ends_with_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["--quick", "--json", "--only", "idx", "weights"]
    assert main(rows) == 0
    capsys.readouterr()
    monkeypatch.setattr(idx, "N_CLASSES", 256)  # a reader that takes any byte for a label
    monkeypatch.setattr(artefacts, "get", lambda root, sha: artefacts.place(root, sha).read_bytes())
    assert main(rows) == 1
    about, idx_row, weights_row = map(json.loads, capsys.readouterr().out.splitlines())
    assert about["about"]["seed"] == 0
    for row in (idx_row, weights_row):
        assert (row["met"], row["tried"]) == (False, row["asked"])
        assert row["wrong_accepts"] == row["faults"] > 0
    assert "label" in idx_row["examples"][0]


def found(run: Any, asked: int, tmp_path: Path) -> Tally:
    tally = Tally(asked)
    run(tally, tmp_path)
    return tally


def test_files_of_other_forms_that_are_read_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fuzz.kaggle, "N_CLASSES", 256)
    monkeypatch.setattr(fuzz.kaggle, "MAX_BYTES", 10)
    tally = found(fuzz.csv_files, 30, tmp_path)
    assert "a file that follows the rule is refused" in " ".join(tally.faults)

    def reader(data: bytes) -> Any:
        raise KeyError("pixel0")

    monkeypatch.setattr(fuzz.drawn, "from_upload", reader)
    assert found(fuzz.pictures, 30, tmp_path).figures["other_exceptions"] == 30


def test_numbers_that_are_not_the_known_ones_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not found(truth.reference_numbers, 1, tmp_path).faults
    monkeypatch.setattr(truth, "batch_borders", lambda n, size: list(range(0, n, size)))
    monkeypatch.setattr(truth, "wilson", lambda k, n: (k / n - 0.01, k / n + 0.01))
    assert len(found(truth.reference_numbers, 1, tmp_path).faults) == 8 + 6


@pytest.mark.alone
@pytest.mark.slow
def test_faults_in_what_is_stored_shown_and_opened_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    checkpoint = Store.checkpoint

    def without_momentum(store: Store, run_id: str) -> Any:
        whole = checkpoint(store, run_id)
        return whole and replace(whole, optimizer={})

    with monkeypatch.context() as patch:
        patch.setattr(Store, "checkpoint", without_momentum)  # the forked trainings have it, too
        run = next(row.run for row in kills.ROWS if row.name == "kill-steps")
        assert any("never cut" in fault for fault in found(run, 6, tmp_path / "kills").faults)
    with monkeypatch.context() as patch:
        patch.setattr(markdown, "_MARKS", re.compile("(\x00)"))
        assert any("stands as markup" in fault for fault in found(names.names, 4, tmp_path / "names").faults)
    with monkeypatch.context() as patch:
        patch.setattr(bombs.artefacts, "get", lambda root, sha: (root / sha).read_bytes())
        (tmp_path / "walk").mkdir()
        assert any("was opened" in fault for fault in found(bombs.traversals, 40, tmp_path / "walk").faults)

        def greedy(*_: Any, **__: Any) -> None:
            assert len(bytearray(200_000_000))
            raise InputError("no")

        patch.setattr(bombs.idx, "parse_idx", greedy)
        assert any("200" in fault for fault in found(bombs.bombs, 1, tmp_path / "walk").faults)
