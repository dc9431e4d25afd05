"""What was measured of a finished run and would take long to measure again: one table for whatever asks.

A key is a text that names the question and everything that the answer depends on; whoever asks the same again reads the
answer. What is damaged, or about a run that is gone, is not there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from core.errors import RunError
from core.runs.checksums import is_sound, seal
from core.runs.store import Store

_READ = """
    SELECT * FROM measurements WHERE run_id IN (SELECT value FROM json_each(?)) AND key IN (SELECT value FROM json_each(?))"""
_WRITE = """
    INSERT OR REPLACE INTO measurements(run_id, key, content)
    SELECT run_id, ?, ? FROM runs WHERE run_id = ?"""  # a run that was deleted meanwhile gets none

Content = Mapping[str, Any]  # plain values, as JSON takes them


def key(question: str, **conditions: object) -> str:
    """A key: the question, and by name everything that the answer depends on, such as ``weights=weights_hash(…)``."""
    return json.dumps([question, conditions], sort_keys=True, separators=(",", ":"))


def weights_hash(store: Store, run_id: str) -> str:
    """SHA-256 of the file with a run's best weights, which changes when they do. ``run_id`` in full. Raises RunError where a
    run has none, or what the store says about them is damaged."""
    rows = store.database.read("SELECT * FROM artefacts WHERE run_id = ? AND role = 'best'", run_id)
    if not rows or not is_sound("artefacts", rows[0]):
        raise RunError("This run has no weights that can be read.")
    return str(rows[0]["sha256"])


def read(store: Store, run_id: str, key: str) -> Content | None:
    """What was written under this key of a run (id in full); None where nothing was. Raises StorageError."""
    return read_all(store, [run_id], [key]).get((run_id, key))


def read_all(store: Store, run_ids: Iterable[str], keys: Iterable[str]) -> dict[tuple[str, str], Content]:
    """``(run_id, key) -> content`` for whatever there is of these runs (ids in full) under these keys. Raises StorageError."""
    rows = store.database.read(_READ, json.dumps(list(run_ids)), json.dumps(list(keys)))
    return {(row["run_id"], row["key"]): json.loads(row["content"]) for row in rows if is_sound("measurements", row)}


def write(store: Store, run_id: str, key: str, content: Content) -> None:
    """Keep it, in place of what was there under this key. Raises StorageError."""
    write_all(store, {(run_id, key): content})


def write_all(store: Store, contents: Mapping[tuple[str, str], Content]) -> None:
    """Keep all of them, ``(run_id, key) -> content``, in one transaction. Raises StorageError."""
    with store.database.write() as db:
        for (run_id, key), content in contents.items():
            db.execute(_WRITE, (key, json.dumps(content, allow_nan=False), run_id))
            seal(db, "measurements", "run_id = ? AND key = ?", run_id, key)
