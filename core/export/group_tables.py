"""A comparison as tables: its runs, what came of every contestant, the verdicts, and what every run measured."""

from __future__ import annotations

import pandas as pd

from core.analysis.history import frame
from core.analysis.spreadsheet import csv_bytes
from core.compare.conditions import conditions
from core.compare.results import as_values
from core.export.source import Exported, File, GroupSource
from core.export.tables import result_table, to_parquet


def make(source: GroupSource) -> Exported:
    """``runs`` (a row each, with its contestant), ``contestants`` and ``verdicts`` (as ``core.compare.results.as_values``
    says), ``epochs`` (as ``core.analysis.history.frame`` says, of every run), each as CSV and as Parquet."""
    labels = {run.run_id: member.label for member in conditions(source.group, source.runs) for run in member.runs}
    rows = [result_table(run).assign(contestant=labels.get(run.run_id, "")) for run in source.runs]
    points = [
        frame(event for _, event in source.store.history(run.run_id)).assign(run_id=run.run_id, name=run.name)
        for run in source.runs
    ]
    values = as_values(source.group, source.runs, source.store.evaluation)
    blocks = values.get("blocks", [])  # of a grid, which has no pairs
    verdicts = pd.DataFrame(values["comparisons"] or blocks).assign(judged_on=values["judged_on"])
    if "confounders" in verdicts:
        verdicts["confounders"] = verdicts["confounders"].map("; ".join)
    tables = {
        "runs": pd.concat(rows, ignore_index=True), "contestants": pd.DataFrame(values["conditions"]), "verdicts": verdicts,
        "epochs": pd.concat(points, ignore_index=True),
    }  # fmt: skip
    files = []
    for name, table in tables.items():
        files += [
            File(f"{name}.csv", csv_bytes(table), "text/csv"),
            File(f"{name}.parquet", to_parquet(table), "application/vnd.apache.parquet"),
        ]
    n_contestants, n_verdicts = len(source.group.plan["contestants"]), len(verdicts)
    sentence = (
        f"{len(source.runs):,} runs of {n_contestants:,} contestants, {n_verdicts:,} verdict{'s' if n_verdicts != 1 else ''} "
        f"about {'four' if blocks else 'two'} of them, and {len(tables['epochs']):,} measured points."
    )
    figures = {"runs": len(source.runs), "contestants": n_contestants, "verdicts": n_verdicts}
    return Exported(tuple(files), sentence, figures=figures)
