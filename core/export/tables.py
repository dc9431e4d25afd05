"""A run as tables: what was measured after every epoch, what came out, and the answer to every image."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd

from core.analysis.history import frame
from core.analysis.predictions import prediction_table
from core.analysis.spreadsheet import csv_bytes
from core.export.source import Exported, File, Source
from core.fields import SplitName
from core.runs.rows import Run

SPLITS: tuple[SplitName, ...] = ("val", "test")


def make(source: Source) -> Exported:
    """Every table as CSV and as Parquet: ``epochs``, ``result``, ``answers-val`` and ``answers-test`` where they were kept.

    epochs: as ``core.analysis.history.frame`` says · result: one row, settings and figures · answers-…: as
    ``core.analysis.predictions.prediction_table`` says. Raises RunError when the answers are damaged.
    """
    store, run = source.store, source.run
    made = {"epochs": frame(event for _, event in store.history(run.run_id)), "result": result_table(run)}
    for split in SPLITS:
        if (answers := store.evaluation(run.run_id, split)) is not None:
            made[f"answers-{split}"] = prediction_table(answers.logits, answers.labels)
    files = []
    for name, table in made.items():
        files += [
            File(f"{name}.csv", csv_bytes(table), "text/csv"),
            File(f"{name}.parquet", to_parquet(table), "application/vnd.apache.parquet"),
        ]
    n_answers = {name: len(table) for name, table in made.items() if name.startswith("answers")}
    sentence = f"{len(made['epochs']):,} measured points" + "".join(
        f", {n:,} answers to {'validation' if name.endswith('val') else 'test'} images" for name, n in n_answers.items()
    )
    return Exported(tuple(files), sentence + ".", figures={name.replace("-", "_"): n for name, n in n_answers.items()})


def result_table(run: Run) -> pd.DataFrame:
    """One row: the run's id, name and status, every setting as section.name, every figure of its summary."""
    settings: dict[str, Any] = {}
    for section, values in run.config.items():
        if isinstance(values, dict):
            settings |= {f"{section}.{name}": _plain(value) for name, value in values.items()}
        else:
            settings[section] = values
    figures = {name: value for name, value in run.summary.items() if name not in ("status", "reason")}
    return pd.DataFrame([{"run_id": run.run_id, "name": run.name, "status": run.status, **settings, **figures}])


def to_parquet(table: pd.DataFrame) -> bytes:
    """The same with its types."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _plain(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
