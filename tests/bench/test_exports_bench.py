"""The bench of exports: a file that somebody else opens has no difference, and a damaged one is a fault, not a figure."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import exports
from core.export.targets import export
from core.runs.store import Store

TARGETS = ("bundle", "figure", "script")


@pytest.mark.slow
def test_files_are_opened_and_a_damaged_one_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "runs")
    source = exports.trained(store, "softmax")
    rows = [exports.measured(source, target, b"", sys.executable) for target in TARGETS]
    assert [(row.fault, row.difference) for row in rows] == [("", 0.0), ("", None), ("", 0.0)]
    assert all(row.n_bytes for row in rows)
    made = export("csv", source)
    damaged = replace(made, files=tuple(replace(file, content=file.content[:-2_000]) for file in made.files))
    opener, difference, fault = exports.opened(source, "csv", damaged, sys.executable)
    assert (opener, difference, bool(fault)) == ("pandas and pyarrow", None, True)
    monkeypatch.setitem(exports._PACKAGES, "csv", "no_such_package")
    assert exports.opened(source, "csv", made, sys.executable)[2] == "not installed"
    lines = exports.table([*rows, rows[0]._replace(architecture="b", fault="too short")])
    assert "1 of 2, largest difference 0.0e+00" in lines[0]
    assert lines[1] == "  b: too short"
    store.close()


def test_every_opener_is_of_a_form_that_there_is() -> None:
    assert {*exports.OPENERS, *exports.INSIDE} <= set(exports.TARGETS)
    assert exports._PACKAGES.keys() == exports.OPENERS.keys()
