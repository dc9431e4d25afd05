"""The queue, from inside one transaction: what is asked of a run, and which worker has it. Every function is called with the
write lock held, and raises RunError for an unknown run, sqlite3.Error when the database does not do its part."""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path

from core.engine.events import Stopped
from core.errors import RunError
from core.runs import writing
from core.runs.checksums import run_damage
from core.runs.lease import is_alive
from core.runs.queries import GIVE, NEXT, SELECT
from core.runs.rows import Request, check_prefix


def request(db: sqlite3.Connection, root: Path, run_id: str, what: Request) -> None:
    """See ``Store.request``."""
    row = stored(db, run_id)
    if row["ended"]:
        return
    if what == "stop" and row["worker"] is None and row["version"] is None:
        writing.end(db, run_id, Stopped(0, 0, 0.0, 0), {})
    elif row["worker"] and what != "pause" and not is_alive(root, row["worker"], tries=3):
        db.execute("UPDATE runs SET worker = NULL WHERE run_id = ?", (run_id,))
    db.execute("UPDATE runs SET request = ? WHERE run_id = ?", (what, run_id))


def claim(db: sqlite3.Connection, root: Path, worker_id: str, run_id: str | None) -> str | None:
    """See ``Store.claim``. run_id: in full"""
    if run_id is None:
        next_row = db.execute(NEXT).fetchone()
        claimed = None if next_row is None else str(next_row["run_id"])
    else:
        row = stored(db, run_id)
        free = not row["ended"] and not (row["worker"] and is_alive(root, row["worker"], tries=3))
        claimed = run_id if free else None
        db.execute("UPDATE runs SET request = 'run' WHERE run_id = ?", (claimed,))
    db.execute(GIVE, (worker_id, claimed))
    return claimed


def release(db: sqlite3.Connection, run_id: str, worker_id: str, *, interrupted: bool) -> None:
    """See ``Store.release``."""
    nobody = secrets.token_hex(16) if interrupted else None  # a lease that nobody holds
    db.execute("UPDATE runs SET worker = ? WHERE run_id = ? AND worker = ?", (nobody, run_id, worker_id))


def stored(db: sqlite3.Connection, run_id: str) -> sqlite3.Row:
    """A run as the transaction sees it, deleted or not. Raises RunError when it is gone."""
    row: sqlite3.Row | None = db.execute(SELECT.format(where="r.run_id = ?"), (run_id,)).fetchone()
    if row is None:
        raise RunError(f"There is no run {check_prefix(run_id)}.")
    return row


def unended(db: sqlite3.Connection, run_id: str, worker_id: str | None) -> sqlite3.Row:
    """The same, where this worker may still write about it (None: whoever it is). Raises RunError."""
    row = stored(db, run_id)
    if damage := run_damage(row):
        raise RunError(f"This run is damaged: {damage}.")
    if row["ended"]:
        raise RunError("This run has already ended; nothing more can be written about it.")
    if worker_id is not None and row["worker"] != worker_id:
        raise RunError("Another process is training this run.")
    return row
