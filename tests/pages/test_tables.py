"""Tables as they are saved: a person's text stays text in a spreadsheet, and nothing else leaves a table."""

from __future__ import annotations

import csv
import io
import tomllib

import numpy as np
import pandas as pd
import pytest

from pages.shared import tables
from pages.shared.tables import csv_bytes
from tests.pages.conftest import APP, OpenPage, Train


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    "text", ["=HYPERLINK(\"http://a.b\")", "+1+1", "@SUM(1+1)", "-2+3", "\t=1", "\r=1", "\n=1", "=1\n,=2\",=3"]
)  # fmt: skip
def test_a_text_is_no_formula_as_cell_heading_or_index(text: str) -> None:
    frame = pd.DataFrame({text: [text, "7"], "accuracy": [-0.5, np.nan]}, index=pd.Index([text, "plain"], name="run"))
    (names, first, second) = read(csv_bytes(frame, index=True))
    assert names == ["run", f"'{text}", "accuracy"]
    assert first == [f"'{text}", f"'{text}", "-0.5"]
    assert second == ["plain", "7", ""]


def test_numbers_are_whole_and_what_is_missing_is_empty() -> None:
    frame = pd.DataFrame(
        {"n": pd.array([1234567, None], "Int64"), "loss": [0.1 + 0.2, -1e-9], "by epoch": [[1, 2], []]}
    )
    assert read(csv_bytes(frame)) == [
        ["n", "loss", "by epoch"], ["1234567", "0.30000000000000004", "[1, 2]"], ["", "-1e-09", "[]"],
    ]  # fmt: skip


def test_streamlit_saves_no_table() -> None:
    config = tomllib.loads((APP.parent / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["client"]["disableDataExport"] is True


@pytest.mark.parametrize("page", ["train", "compare"])
def test_the_table_of_all_runs_has_a_button_that_saves_it(
    page: str, open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[bytes] = []
    monkeypatch.setattr(tables.st, "download_button", lambda _, content, **look: saved.append(content()))
    train(name="=1+1")
    at = open_page(f"pages/lab/{page}/page.py")
    assert at.dataframe
    assert "'=1+1" in [cell for row in read(saved[-1]) for cell in row]
