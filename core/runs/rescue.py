"""What can still be read of a damaged store, row by row, and what each run has lost."""

from __future__ import annotations

import contextlib
import json
import mmap
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from core.errors import RunError
from core.runs import artefacts
from core.runs.btree import Value, table_rows
from core.runs.checksums import COLUMNS, JSON_COLUMNS, checksum
from core.runs.queries import named_files

# What is referred to comes before what refers to it.
TABLES = (
    "groups", "runs", "events", "artefacts", "snapshots", "summaries", "measurements", "class_set", "guesses", "challenges",
    "challenge_runs",
)  # fmt: skip
MOST_SHIPPED = 1_000  # runs that came with the program have numbers below 0
ROWS_OF_A_RUN = 6  # most rows of a run in a table without numbers of its own: its artefacts
LOST_FILE = "lost.txt"  # beside the damaged file: a line for each run that lost something
# Where an index says which rows there were, however damaged their pages are: the key per table. Nobody is told of measurements
# that are lost: they are measured again.
KEYS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "runs": ("sqlite_autoindex_runs_1", "run_id, ''"),
        "events": ("events_of_run", "run_id, seq"),
        "artefacts": ("sqlite_autoindex_artefacts_1", "run_id, role"),
        "snapshots": ("sqlite_autoindex_snapshots_1", "run_id, step"),
        "summaries": ("sqlite_autoindex_summaries_1", "run_id, ''"),
    }
)
TAKEN_BACK = ("events", "snapshots")  # when a run is resumed
REQUESTS = ("run", "pause", "stop")
Keys = set[tuple[str, str | int]]
_RUN_ID = re.compile(r"[0-9a-f]{32}")


class Rescued(NamedTuple):
    """n_runs: how many were copied · lost: a sentence for each run that is known to have lost something"""

    n_runs: int
    lost: list[str]


def rescue(path: Path, damaged: sqlite3.Connection, fresh: sqlite3.Connection) -> Rescued:
    """Copy every row that can be read into a store of the same version, empty so far.

    With checksums, the rows are looked for on every page of the file, so that a damaged page costs its own rows only, and
    each is known by its checksum. Without, SQLite is asked for one row after the other; left out is then also a row whose
    values are no longer what they were (no JSON, a column too many). A row that belongs to a lost run is lost.
    """
    has_checksums = "checksum" in [column["name"] for column in fresh.execute("PRAGMA table_info(runs)")]
    expected = {table: _indexed(damaged, table) for table in _present(fresh, KEYS)}
    if has_checksums:
        _copy_pages(path, fresh, {table: keys for table, (keys, is_all) in expected.items() if is_all})
    else:
        for table in _present(fresh, TABLES):
            with contextlib.suppress(
                sqlite3.DatabaseError
            ):  # a table that this version does not have, or lost as a whole
                for row in _rows(damaged, table):
                    _copy(fresh, table, row)
    copied: int = fresh.execute("SELECT COUNT(*) FROM runs").fetchone()[0]
    lost = _lost(fresh, {table: keys for table, (keys, _) in expected.items()})
    if not all(is_all for _, is_all in expected.values()):
        lost.append("What there was is not known in full, so any run may have lost something.")
    return Rescued(copied, lost)


def move_files(fresh: sqlite3.Connection, aside: Path, root: Path) -> None:
    """Bring back the files that the copied rows name. Raises OSError."""
    for sha in named_files(fresh):
        with contextlib.suppress(RunError):  # no name of a file
            at = artefacts.place(root, sha)
            if artefacts.place(aside, sha).is_file():
                at.parent.mkdir(parents=True, exist_ok=True)
                artefacts.place(aside, sha).replace(at)


def _present(fresh: sqlite3.Connection, tables: Iterable[str]) -> list[str]:
    """Those that a store of this version has."""
    names = {row["name"] for row in fresh.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return [table for table in tables if table in names]


def _copy_pages(path: Path, fresh: sqlite3.Connection, known: Mapping[str, Keys]) -> None:
    """known: the keys that there were, for the tables of which all are known"""
    tables = {table: _Table(fresh, table) for table in _present(fresh, TABLES)}
    sound: dict[str, list[tuple[Value, ...]]] = {table: [] for table in tables}
    unsound: list[tuple[Value, ...]] = []
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        memoryview(content) as view,
    ):
        for rowid, values in table_rows(view):
            for name, table in tables.items():
                row = table.row(rowid, values)
                if row is not None and table.is_sound(row):
                    # A page that is free, where the list of those is damaged, holds what was taken back.
                    if name not in TAKEN_BACK or name not in known or table.key(row) in known[name]:
                        sound[name].append(row)
                    break
            else:
                row = tables["runs"].row(rowid, values)
                if row is not None and _RUN_ID.fullmatch(str(row[1])):
                    unsound.append(row)
    sound["runs"] += unsound  # shown as damaged, unless a sound one has the place
    request = tables["runs"].names.index("request")
    for name, rows in sound.items():
        for row in rows:
            with contextlib.suppress(sqlite3.Error):  # there already, or of a lost run
                is_odd = name == "runs" and row[request] not in REQUESTS  # no checksum covers it
                fresh.execute(tables[name].insert, (*row[:request], "pause", *row[request + 1 :]) if is_odd else row)


class _Table:
    """How a record on a page becomes a row of a table."""

    def __init__(self, fresh: sqlite3.Connection, name: str) -> None:
        columns = fresh.execute(f"PRAGMA table_info({name})").fetchall()
        self._name, self.names = name, [column["name"] for column in columns]
        self.insert = f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - from here
        self._reals = [place for place, column in enumerate(columns) if column["type"] == "REAL"]
        self._defaults = tuple(
            fresh.execute(f"SELECT {column['dflt_value'] or 'NULL'}").fetchone()[0] for column in columns
        )
        numbers = [place for place, column in enumerate(columns) if column["pk"] and column["type"] == "INTEGER"]
        self._number = numbers[0] if numbers else None
        self._covered = [self.names.index(column) for column in COLUMNS[name]]
        self._checksum = self.names.index("checksum")

    def row(self, rowid: int, values: tuple[Value, ...]) -> tuple[Value, ...] | None:
        """The record with what SQLite does not write; None when it can not be one of this table."""
        if not self._checksum < len(values) <= len(self.names):
            return None
        row = [*values, *self._defaults[len(values) :]]
        if self._number is not None:
            row[self._number] = rowid
        for place in self._reals:
            value = row[place]
            row[place] = float(value) if isinstance(value, int) else value
        return tuple(row)

    def key(self, row: tuple[Value, ...]) -> tuple[str, str | int]:
        """As ``KEYS`` has it, for a table whose rows are taken back."""
        run_id, other = (row[self.names.index(name)] for name in KEYS[self._name][1].split(", "))
        return str(run_id), other if isinstance(other, int) else str(other)

    def is_sound(self, row: tuple[Value, ...]) -> bool:
        return row[self._checksum] == checksum(*(row[place] for place in self._covered))


def _indexed(damaged: sqlite3.Connection, table: str) -> tuple[Keys, bool]:
    """The keys of the rows that a table had, as far as its index can be read from both ends; whether those are all."""
    index, key = KEYS[table]
    keys: Keys = set()
    for direction in ("ASC", "DESC"):
        query = f"SELECT {key} FROM {table} INDEXED BY {index} ORDER BY run_id {direction}"  # noqa: S608 - from here
        try:
            for row in damaged.execute(query):
                keys.add((row[0], row[1]))
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            continue
        return keys, True
    return keys, False


def _lost(fresh: sqlite3.Connection, expected: Mapping[str, Keys]) -> list[str]:
    """What is missing per run, as sentences."""
    missing: dict[str, dict[str, list[str | int]]] = {}
    for table, keys in expected.items():
        copied = {(row[0], row[1]) for row in fresh.execute(f"SELECT {KEYS[table][1]} FROM {table}")}  # noqa: S608 - from here
        for run_id, key in sorted(keys - copied, key=str):
            missing.setdefault(str(run_id), {}).setdefault(table, []).append(key)
    sentences = []
    for run_id, tables in sorted(missing.items()):
        row = fresh.execute("SELECT name FROM runs WHERE run_id = ?", (run_id,)).fetchone()
        name = row["name"] if row else ""
        parts = ["all of it"] if "runs" in tables else [
            *([f"{len(tables['events']):,} of its events"] if "events" in tables else []),
            *(["its results"] if "summaries" in tables else []),
            *([f"{len(tables['snapshots']):,} of the weights kept on its way"] if "snapshots" in tables else []),
            *([f"what names its files ({', '.join(map(str, tables['artefacts']))})"] if "artefacts" in tables else []),
        ]  # fmt: skip
        sentences.append(f"Run {run_id}{f' ({name})' if name else ''} lost {' and '.join(parts)}.")
    return sentences


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
