"""What can still be read of a damaged store, row by row."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from core.runs.queries import FILES

# What is referred to comes before what refers to it.
TABLES = ("groups", "runs", "events", "artefacts", "snapshots", "summaries")
JSON_COLUMNS = ("config", "manifest", "tags", "plan", "payload")
MOST_SHIPPED = 1_000  # runs that came with the program have numbers below 0
ROWS_OF_A_RUN = 6  # most rows of a run in a table without numbers of its own: its artefacts


def rescue(damaged: sqlite3.Connection, fresh: sqlite3.Connection) -> int:
    """Copy every row that can be read into a store of the same version, empty so far. Returns how many runs were copied.

    Left out is a row whose page is damaged, whose values are no longer what they were (no JSON, a column too many), or that
    belongs to a run which is lost.
    """
    for table in TABLES:
        with contextlib.suppress(sqlite3.DatabaseError):  # a table that this version does not have, or lost as a whole
            for row in _rows(damaged, table):
                _copy(fresh, table, row)
    copied: int = fresh.execute("SELECT COUNT(*) FROM runs").fetchone()[0]
    return copied


def move_files(fresh: sqlite3.Connection, aside: Path, root: Path) -> None:
    """Bring back the files that the copied rows name. Raises OSError."""
    tables = {name for (name,) in fresh.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()}
    files = FILES if "snapshots" in tables else "SELECT sha256 FROM artefacts"  # an older version has no such table
    for (sha,) in fresh.execute(f"SELECT DISTINCT sha256 FROM ({files})").fetchall():  # noqa: S608 - from here
        inside = Path("artefacts") / sha[:2] / f"{sha}.safetensors"
        if (aside / inside).is_file():
            (root / inside).parent.mkdir(parents=True, exist_ok=True)
            (aside / inside).replace(root / inside)


def _rows(damaged: sqlite3.Connection, table: str) -> Iterator[sqlite3.Row]:
    """Every row of a table that can be read, each looked for by itself, so that a damaged page costs only its own."""
    for rowid in range(-MOST_SHIPPED, _highest(damaged, table) + 1):
        with contextlib.suppress(sqlite3.DatabaseError):
            row = damaged.execute(f"SELECT * FROM {table} WHERE rowid = ?", (rowid,)).fetchone()  # noqa: S608 - from here
            if row is not None:
                yield row


def _highest(damaged: sqlite3.Connection, table: str) -> int:
    """A row number that none of the table lies above."""
    for query, name in (
        ("SELECT seq FROM sqlite_sequence WHERE name = ?", table),
        ("SELECT ? * seq FROM sqlite_sequence WHERE name = 'runs'", ROWS_OF_A_RUN),
    ):
        with contextlib.suppress(sqlite3.DatabaseError):
            row = damaged.execute(query, (name,)).fetchone()
            if row is not None:
                return int(row[0]) + MOST_SHIPPED * ROWS_OF_A_RUN
    return MOST_SHIPPED * ROWS_OF_A_RUN


def _copy(fresh: sqlite3.Connection, table: str, row: sqlite3.Row) -> None:
    try:
        for name in row.keys():  # noqa: SIM118 - a row's own iteration gives its values
            if name in JSON_COLUMNS:
                json.loads(row[name])
        places = ", ".join("?" * len(row))
        fresh.execute(f"INSERT INTO {table}({', '.join(row.keys())}) VALUES ({places})", tuple(row))  # noqa: S608 - from here
    except (ValueError, TypeError, sqlite3.Error):
        return
