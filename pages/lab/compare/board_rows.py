"""The rows of the leaderboard as people read them: percent, names of settings, and nothing that all of them share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core import models
from core.compare.differences import differing, title_text, value_text
from core.compare.leaderboard import At, leaderboard
from core.data import DatasetName
from core.errors import ConfigError
from core.experiments.baselines import BASELINES
from core.runs.rows import Run
from pages.shared.baselines import measured
from pages.shared.columns import FIRST_COLUMNS, interval_text, rounded_seconds
from pages.shared.gallery import is_dark
from pages.shared.services import store

NO_LEARNING = "no learning"
AGAINST = "against the baseline"
COMMON_COLUMNS = ("name", "rank", "validation (%)", AGAINST)  # stay where only differences are shown
FIRST = (*FIRST_COLUMNS, *COMMON_COLUMNS)  # stand there where not all columns are asked for
TEST = ("test (%)", "95 % interval", "test images")
GREYS = {True: "#93a0b0", False: "#5b6878"}  # the page's own grey text, in the dark and in the light

_NUMBER = st.column_config.NumberColumn(format="localized")
COLUMNS: Mapping[str, Any] = {
    **FIRST_COLUMNS,
    "rank": st.column_config.NumberColumn(width=50, help="By validation accuracy, then by validation loss."),
    "validation (%)": st.column_config.NumberColumn(
        format="%.2f", width=62, help="Accuracy on the images held out to choose by."
    ),
    AGAINST: st.column_config.NumberColumn(
        format="%+.2f", help="Validation accuracy minus that of the baseline, in percentage points."
    ),
    "test images": _NUMBER,
    "epoch": st.column_config.NumberColumn(width=55),
    "over seeds (%)": st.column_config.TextColumn(
        help="Mean and standard deviation of the validation accuracy over all finished runs that differ in the seed alone."
    ),
    "multiply-adds": st.column_config.NumberColumn(format="localized", help="For one image on its way forward."),
    "images/s": st.column_config.NumberColumn(format="%.0f", help="While training."),
    "size (kB)": st.column_config.NumberColumn(format="%.1f", help="Of the file with the weights."),
    "validation images": _NUMBER,
    "tags": st.column_config.ListColumn(),
    "notes": st.column_config.TextColumn(width="medium"),
}  # fmt: skip


def matching(runs: Sequence[Run], words: str) -> list[Run]:
    """The runs in whose name, network, tags, notes, status or dataset each of the words occurs, upper case or lower."""
    wanted = words.casefold().split()
    return [run for run in runs if all(word in _search_text(run) for word in wanted)]


def _search_text(run: Run) -> str:
    dataset = run.config["data"]["dataset"]
    parts = [run.label, run.architecture, network(run), *run.tags, run.notes, run.status, dataset, run.dataset_title]
    return "\n".join(parts).casefold()


def network(run: Run) -> str:
    return models.TABLE[run.architecture].title if run.architecture in models.TABLE else run.architecture


def ranked(runs: Sequence[Run], at: At) -> pd.DataFrame:
    """The leaderboard, worked out again only when an epoch has ended or something else has changed: it reads every epoch of
    every run."""
    keys = tuple((run.run_id, run.status, _ends(run), run.label, run.tags, run.notes, len(run.summary)) for run in runs)
    return _ranked(keys, at, runs)


def _ends(run: Run) -> int:
    """Changes with the start of a run and with the end of each epoch; a run that has ended stays as it is."""
    return -1 if run.epoch is None else int(run.epoch)


@st.cache_data(show_spinner=False, max_entries=16)
def _ranked(keys: tuple[tuple[Any, ...], ...], at: At, _runs: Sequence[Run]) -> pd.DataFrame:
    return leaderboard(store(), _runs, at)


def shown(
    rows: pd.DataFrame, runs: Mapping[str, Run], at: At, pinned: str | None, *, differences: bool, everything: bool
) -> pd.DataFrame:
    """The table on screen, row by row as ``rows`` has them.

    rows: of ``ranked`` · runs: by id · pinned: id of the baseline, one of the rows
    differences: with the settings in which they differ, and without what is the same in all
    everything: with the columns that few people need
    """
    names = [
        f"{name} (baseline)" if run_id == pinned else name for run_id, name in zip(rows.run_id, rows.name, strict=True)
    ]
    table = pd.DataFrame({"name": names})
    if at == "best":
        table[TEST[0]] = 100 * rows["test_acc"].astype(float)
        table[TEST[1]] = [interval_text(*ends) for ends in zip(rows.test_low, rows.test_high, strict=True)]
    table["parameters"], table["seconds"] = rows["n_params"], rows["seconds"].map(rounded_seconds)
    table["rank"], table["validation (%)"] = rows["rank"], 100 * rows["val_acc"].astype(float)
    if pinned is not None:
        table[AGAINST] = (
            table["validation (%)"] - table["validation (%)"][(rows["run_id"] == pinned).to_numpy()].iloc[0]
        )
    table["network"] = [network(runs[run_id]) for run_id in rows["run_id"]]
    differing_settings = _settings([runs[run_id] for run_id in rows["run_id"]]) if differences else {}
    table = table.assign(**differing_settings)
    table["epoch"] = np.ceil(rows["epoch"].astype(float))  # a stopped run is judged within an epoch
    table["by epoch"] = [
        curve[1:] or None for curve in rows["curve"]
    ]  # not the untrained network: it would hide the rest
    table["over seeds (%)"] = [
        _over_seeds(*one) for one in zip(rows.seeds, rows.seeds_mean, rows.seeds_sd, strict=True)
    ]
    table = table.assign(**{
        "multiply-adds": rows["multiply_adds"], "images/s": rows["images_per_s"].astype(float),
        "size (kB)": rows["bytes"] / 1e3, "device": rows["device"], "validation images": rows["n_val"],
        **({TEST[2]: rows["n_test"]} if at == "best" else {}), "seed": rows["seed"],
        "status": rows["status"], "tags": rows["tags"], "notes": rows["notes"],
    })  # fmt: skip
    if not everything:
        table = table[[name for name in table if name in FIRST or name in differing_settings]]
    if differences:
        table = table[[name for name in table if name in COMMON_COLUMNS or _differs(table[name])]]
    return table


def _over_seeds(seeds: Any, mean: Any, sd: Any) -> str:
    return "" if pd.isna(sd) else f"{100 * mean:.2f} ± {100 * sd:.2f}, {seeds:.0f} seeds"


def _settings(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Column title -> value of each run, for every setting in which they differ; the network has its own column."""
    try:
        configs = [run.run_config() for run in runs]
    except ConfigError:  # one of them was made for settings that no longer exist
        return {}
    columns: dict[str, list[str]] = {}
    for name in differing(configs):
        having = [name in config.flat() for config in configs]
        if any(having):
            heading = title_text(configs[having.index(True)], name)
            columns[heading] = [
                value_text(config, name) if has else "" for config, has in zip(configs, having, strict=True)
            ]
    return columns


def _differs(column: pd.Series[Any]) -> bool:
    return len({str(value) for value in column}) > 1


def baseline_rows(dataset: DatasetName, columns: Collection[str]) -> pd.DataFrame:
    """What was measured here of the ways to read digits that learn nothing, in those columns; no row before that."""
    rows = [
        {
            "name": BASELINES[name].title, "network": NO_LEARNING, TEST[0]: 100 * found.accuracy,
            TEST[1]: interval_text(*found.interval), TEST[2]: found.n_test,
        }
        for name, found in measured(dataset).items()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=[name for name in columns if name in ("name", "network", *TEST)])


def with_grey(table: pd.DataFrame, below: pd.DataFrame) -> Any:
    """The table with further rows below it, all of them grey."""
    if below.empty:
        return table
    whole = pd.concat([table, below.reindex(columns=table.columns).astype(_like(table))], ignore_index=True)
    colour = f"color: {GREYS[is_dark()]}"
    return whole.style.apply(lambda row: [colour if row.name >= len(table) else ""] * len(row), axis=1)


def _like(table: pd.DataFrame) -> dict[str, Any]:
    """Whole numbers stay whole where a grey row has none; other columns take care of themselves."""
    return {str(name): "Int64" for name in table if str(table[name].dtype) in ("Int64", "int64")}
