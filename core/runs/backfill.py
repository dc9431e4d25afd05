"""What a migration works out for the runs of an older store. A migration stays as it is: it knows the names of its time."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from core.runs.checksums import COLUMNS, JSON_COLUMNS, checksum, is_json

CHECKED_SINCE_6 = ("runs", "groups", "events", "artefacts", "summaries")  # the tables of format 6
CHUNK_ROWS = 10_000  # read at once: a store may have more than the memory holds

# Format 2 kept no contestant. What its kinds of comparison varied from run to run told no contestants apart.
VARIED: Mapping[str, Sequence[str]] = {"hunger": ("n_train", "epochs", "max_steps"), "tuning": ("lr",)}


def fill_contestants(db: sqlite3.Connection) -> None:
    """Format 3: for every run of a planned group, deleted or not, the first contestant whose settings it has.

    A run and its plan were written together, so both have the setting names of their time and are compared as they stand.
    A run that fits no contestant keeps NULL.
    """
    for group in db.execute("SELECT group_id, kind, plan FROM groups").fetchall():
        contestants = _values(group["plan"]).get("contestants", ())
        varied = VARIED.get(group["kind"], ())
        runs = db.execute("SELECT run_id, config FROM runs WHERE group_id = ?", (group["group_id"],)).fetchall()
        for run in runs:
            config = _values(run["config"])
            numbers = (n for n, contestant in enumerate(contestants) if config and _belongs(config, contestant, varied))
            db.execute("UPDATE runs SET contestant = ? WHERE run_id = ?", (next(numbers, None), run["run_id"]))


def fill_architecture_places(db: sqlite3.Connection) -> None:
    """Format 4: for every run, deleted or not, how many of its architecture came before it; runs that came with the program
    (below 0, the first of them -1) before all others."""
    counts: dict[str, int] = {}
    for run in db.execute("SELECT run_id, config FROM runs ORDER BY number > 0, ABS(number)").fetchall():
        architecture = _values(run["config"]).get("architecture", "")
        place = counts.get(architecture, 0)
        counts[architecture] = place + 1
        db.execute("UPDATE runs SET architecture_place = ? WHERE run_id = ?", (place, run["run_id"]))


def fill_checksums(db: sqlite3.Connection) -> None:
    """Format 6: for every row its checksum, as it stands. A row with broken JSON stays without one, which says that it is
    damaged."""
    for table in CHECKED_SINCE_6:
        covered = ", ".join(COLUMNS[table])
        after = -sys.maxsize
        query = f"SELECT rowid, {covered} FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT {CHUNK_ROWS}"  # noqa: S608 - from here
        while rows := db.execute(query, (after,)).fetchall():
            after = rows[-1][0]
            sums = (
                (checksum(*row[1:]), row[0])
                for row in rows
                if all(is_json(row[name]) for name in row.keys() if name in JSON_COLUMNS)  # noqa: SIM118 - its own iteration gives values
            )
            db.executemany(f"UPDATE {table} SET checksum = ? WHERE rowid = ?", sums)  # noqa: S608 - from here


def _values(text: object) -> Mapping[str, Any]:
    """What a column with JSON says; nothing where it is damaged."""
    values: Mapping[str, Any] = json.loads(text) if is_json(text) else {}  # type: ignore[arg-type]
    return values


def _belongs(config: Mapping[str, Any], contestant: Mapping[str, Any], varied: Sequence[str]) -> bool:
    values = {**config["model"], **config["data"], **config["training"]}
    if config["architecture"] != contestant["architecture"] or values.get("seed") not in contestant["seeds"]:
        return False
    return all(values.get(name) == value for name, value in contestant["settings"].items() if name not in varied)
