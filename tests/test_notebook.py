"""The example notebook runs from top to bottom in a fresh process, and what it shows is what it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOK: dict[str, Any] = json.loads((ROOT / "docs" / "example.ipynb").read_text("utf-8"))
CELLS = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def printed(cell: dict[str, Any]) -> str:
    return "".join("".join(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream")


def test_it_was_executed_from_top_to_bottom_without_an_error() -> None:
    assert [cell["execution_count"] for cell in CELLS] == list(range(1, len(CELLS) + 1))
    assert not [
        out for cell in CELLS for out in cell["outputs"] if out["output_type"] == "error" or out.get("name") == "stderr"
    ]
    charts = [
        out["data"]
        for cell in CELLS
        for out in cell["outputs"]
        if "application/vnd.plotly.v1+json" in out.get("data", {})
    ]
    assert len(charts) == 1


@pytest.mark.slow
def test_its_cells_run_and_say_the_same_kinds_of_things(tmp_path: Path) -> None:
    """Figures may differ in the last digits between processors; the sentences around them may not."""
    env = os.environ | {"PYTHONPATH": str(ROOT), "DIGIT_LAB_RUNS": str(tmp_path / "runs"), "DIGIT_LAB_THREADS": "1"}
    code = "\n".join("".join(cell["source"]) for cell in CELLS)
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    shown = "".join(printed(cell) for cell in CELLS)
    facts = re.compile(
        r"^(?:MLP|CNN)(?:, epoch \d)?: (?:finished|validation accuracy|test accuracy)|images to learn from|one seed|From a",
        re.M,
    )
    assert facts.findall(answer.stdout) == facts.findall(shown)
    assert len(facts.findall(shown)) > 10
    assert (tmp_path / "runs" / "runs.sqlite3").is_file()
