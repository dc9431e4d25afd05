"""All runs of a store, of which only those are read anew that have changed: a page asks for all of them several times."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from core.runs.queries import BRIEF, SELECT
from core.runs.rows import DamagedRun, Run
from core.runs.schema import Database

MAX_REMEMBERED = 10_000  # runs; more than these are read anew each time


class _Entry(NamedTuple):
    """mark: of all that can change in the row of a run that has ended · run: how it was read, where it has ended; its row
    where it has not, since its status also depends on the lease of its worker"""

    mark: int
    run: Run | DamagedRun | sqlite3.Row


class Listing:
    """make: a row of ``SELECT`` as a run"""

    def __init__(self, database: Database, make: Callable[[sqlite3.Row], Run | DamagedRun]) -> None:
        self._database, self._make = database, make
        self._last: tuple[int, dict[int, _Entry]] = (-1, {})

    def runs(self) -> list[Run | DamagedRun]:
        """Every run that is not deleted, the newest first. Raises StorageError."""
        version = self._database.version()
        read_at, entries = self._last
        if version != read_at:
            entries = self._anew(entries)
            if len(entries) <= MAX_REMEMBERED:
                self._last = (version, entries)
        return [
            self._make(entry.run) if isinstance(entry.run, sqlite3.Row) else entry.run for entry in entries.values()
        ]

    def _anew(self, before: dict[int, _Entry]) -> dict[int, _Entry]:
        """What there is now. No event follows the end of a run, so only its own row can have changed since."""
        marks = {row["number"]: hash(tuple(row)) for row in self._database.read(BRIEF)}
        kept = {
            number: entry
            for number, mark in marks.items()
            if (entry := before.get(number)) and entry.mark == mark and not isinstance(entry.run, sqlite3.Row)
        }
        query = SELECT.format(where="r.number IN (SELECT value FROM json_each(?))")
        for row in self._database.read(query, json.dumps([number for number in marks if number not in kept])):
            kept[row["number"]] = _Entry(marks[row["number"]], row if row["ended"] is None else self._make(row))
        return {number: kept[number] for number in marks if number in kept}
