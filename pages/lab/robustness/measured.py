"""What has been measured of the chosen runs: counts of right answers as they were kept, and the same as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import streamlit as st

from core.analysis.metrics import wilson
from core.data import DATASETS
from core.inspect.robustness import UNDISTORTED, Point
from core.runs.robustness import measured_before
from pages.lab.robustness.judged import Judged
from pages.lab.robustness.measuring import sizes
from pages.shared.run_look import run_look
from pages.shared.services import store

if TYPE_CHECKING:
    from core.inspect.robustness import Measured

PERCENT = st.column_config.NumberColumn(format="%.2f")
RESULT_COLUMNS = {
    "run": st.column_config.TextColumn(width=120), "accuracy (%)": PERCENT, "95 % from": PERCENT, "95 % to": PERCENT,
}  # fmt: skip


class Shown(NamedTuple):
    """What a chart shows: right answers by run id and point, all of them of ``n`` images. is_measured: False where they are the
    runs' stored results on undistorted images alone"""

    right: Mapping[tuple[str, Point], int]
    n: int
    is_measured: bool


def shown_counts(members: Judged, points: Sequence[Point]) -> Shown:
    """What there is at these points: on all images where all of it is there, else on those of the quick look."""
    fullest: list[Measured] = []
    for size in reversed(sizes(members)):
        rows = measured_before(store(), members.runs, points, size)
        if len(rows) == len(members.runs) * len(points):
            fullest = rows
            break
        fullest = rows or fullest
    if fullest:
        right = {(row.run_id, Point(row.distortion, row.strength)): row.n_right for row in fullest}
        return Shown(right, fullest[0].n, True)
    n = len(members.digits.test_labels)
    return Shown({(run.run_id, UNDISTORTED): round(run.summary["test_acc"] * n) for run in members.runs}, n, False)


def table(members: Judged, shown: Shown, places: Mapping[Point, object], column: str) -> pd.DataFrame:
    """A row per run and point for ``core.charts.robustness``. places: point -> value of the column called ``column``"""
    rows = []
    for number, (run, name) in enumerate(zip(members.runs, members.names, strict=True)):
        for point, place in places.items():
            k = shown.right.get((run.run_id, point))
            if k is not None:
                low, high = wilson(k, shown.n)
                rows.append({
                    "number": number, "name": name, "look": run_look(run), column: place, "accuracy": k / shown.n, "low": low,
                    "high": high, "n": shown.n,
                })  # fmt: skip
    return pd.DataFrame(rows, columns=["number", "name", "look", column, "accuracy", "low", "high", "n"])


def on_images(shown: Shown, members: Judged) -> str:
    """A sentence: which images, and how many."""
    n_test = len(members.digits.test_labels)
    title = DATASETS[members.runs[0].config["data"]["dataset"]].phrase
    if not shown.is_measured:
        return f"So far only the results on the {n_test:,} undistorted test images of {title} stand here."
    of_all = f"all {n_test:,}" if shown.n == n_test else f"{shown.n:,} of {n_test:,}"
    return f"On {of_all} test images of {title}, the same ones for every run, one network each."


def result_table(rows: pd.DataFrame, conditions: Mapping[str, pd.Series[Any]]) -> pd.DataFrame:
    """Rows of ``table`` for reading and saving. conditions: column -> values, which stand after the run's name"""
    percent = {"accuracy (%)": rows["accuracy"], "95 % from": rows["low"], "95 % to": rows["high"]}
    return pd.DataFrame(
        {
            "run": rows["name"],
            **conditions,
            **{name: 100 * share for name, share in percent.items()},
            "images": rows["n"],
        }
    )
