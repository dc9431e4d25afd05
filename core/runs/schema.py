"""The store's file: its tables, how they came to be version by version, and how it is opened safely."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.errors import RunError
from core.runs.backfill import fill_architecture_places, fill_contestants
from core.runs.rescue import move_files, rescue

DATABASE = "runs.sqlite3"
BUSY_SECONDS = 5.0
LONG_PATH_BYTES = (
    480  # above it, a file that can not be opened has too long a path: SQLite's limit is 512 with "-journal"
)

# One entry per version, of statements and of functions that write what a statement can not work out; a store of version n
# is brought up to date by the entries from n on, in one transaction.
Step = str | Callable[[sqlite3.Connection], None]
MIGRATIONS: tuple[tuple[Step, ...], ...] = (
    (
        """CREATE TABLE runs(
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            run_id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            group_id TEXT NOT NULL,
            token TEXT UNIQUE,
            config TEXT NOT NULL,
            manifest TEXT NOT NULL DEFAULT '{}',
            request TEXT NOT NULL CHECK (request IN ('run', 'pause', 'stop')),
            worker TEXT,
            created_utc TEXT NOT NULL,
            deleted_utc TEXT)""",
        # AUTOINCREMENT never gives a number twice, so a page that has seen seq n finds everything new after n.
        """CREATE TABLE events(
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            run_id TEXT NOT NULL REFERENCES runs(run_id) ON DELETE CASCADE,
            kind TEXT NOT NULL,
            epoch REAL,
            step INTEGER,
            payload TEXT NOT NULL)""",
        "CREATE INDEX events_of_run ON events(run_id, seq)",
        """CREATE TABLE artefacts(
            run_id TEXT NOT NULL REFERENCES runs(run_id) ON DELETE CASCADE,
            role TEXT NOT NULL CHECK (role IN ('best', 'last', 'eval-val', 'eval-test')),
            epoch REAL NOT NULL,
            sha256 TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            PRIMARY KEY (run_id, role))""",
        "CREATE INDEX artefacts_of_content ON artefacts(sha256)",
        """CREATE TABLE summaries(
            run_id TEXT PRIMARY KEY REFERENCES runs(run_id) ON DELETE CASCADE,
            status TEXT NOT NULL CHECK (status IN ('finished', 'stopped', 'diverged', 'failed')),
            payload TEXT NOT NULL)""",
    ),
    (
        """CREATE TABLE groups(
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            group_id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            kind TEXT NOT NULL,
            plan TEXT NOT NULL,
            created_utc TEXT NOT NULL)""",
        "CREATE INDEX runs_of_group ON runs(group_id)",
        "ALTER TABLE runs ADD COLUMN tags TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE runs ADD COLUMN notes TEXT NOT NULL DEFAULT ''",
    ),
    (
        # Its contestant's place in the plan of its group, from 0; NULL for a run that was launched without a plan.
        "ALTER TABLE runs ADD COLUMN contestant INTEGER",
        fill_contestants,
    ),
    (
        # The roles that end in "-before" are the checkpoint before the last. A CHECK can not be altered.
        "ALTER TABLE artefacts RENAME TO old_artefacts",
        """CREATE TABLE artefacts(
            run_id TEXT NOT NULL REFERENCES runs(run_id) ON DELETE CASCADE,
            role TEXT NOT NULL CHECK (role IN ('best', 'last', 'best-before', 'last-before', 'eval-val', 'eval-test')),
            epoch REAL NOT NULL,
            sha256 TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            PRIMARY KEY (run_id, role))""",
        "INSERT INTO artefacts SELECT run_id, role, epoch, sha256, bytes FROM old_artefacts",
        "DROP TABLE old_artefacts",
        "CREATE INDEX artefacts_of_content ON artefacts(sha256)",
    ),
    (
        # The place among the runs of its architecture, from 0 in order of creation, those that came with the program first; it
        # stays when others are deleted, and with it the run's look on every chart.
        "ALTER TABLE runs ADD COLUMN architecture_place INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE runs ADD COLUMN default_name TEXT NOT NULL DEFAULT ''",
        fill_architecture_places,
        "CREATE INDEX runs_of_architecture ON runs(json_extract(config, '$.architecture'), architecture_place)",
        "CREATE INDEX runs_by_default_name ON runs(default_name)",
    ),
)


class StorageError(RunError):
    """The disk or the database did not do its part: full, locked or unreadable. Trying again later can help."""


@contextlib.contextmanager
def storage_problems(path: Path | None = None) -> Iterator[None]:
    """Turn what the disk and the database raise into StorageError with one plain sentence. path: the file in question"""
    try:
        yield
    except (sqlite3.Error, OSError, Timeout) as error:
        raise StorageError(f"storage problem: {_reason(error, path)}") from error


def _reason(error: Exception, path: Path | None) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    length = len(os.fsencode(path.absolute())) if path else 0
    if code == sqlite3.SQLITE_CANTOPEN and length > LONG_PATH_BYTES:
        return f"the path of the runs is {length} characters long, and SQLite opens files of at most about 500."
    if code == sqlite3.SQLITE_FULL or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
        return "the disk is full. Free some space; nothing saved so far is lost."
    if isinstance(error, Timeout) or (code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)):
        return f"another program kept the runs locked for more than {BUSY_SECONDS:g} seconds."
    if code in (sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_READONLY_RECOVERY):
        return (
            "a program died while it wrote these runs, and setting that right needs to write, but their folder can only be "
            "read. Make it writable once, or open a copy of it."
        )
    is_refused = isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EROFS)
    if is_refused or (code is not None and code & 0xFF == sqlite3.SQLITE_READONLY):
        return "the runs folder can only be read, not written."
    return f"{error}."


class Database:
    """The open file, for any number of threads: one connection that writes, one that reads, a lock for each."""

    def __init__(self, path: Path) -> None:
        with storage_problems():
            self._writer, self._reader = _connect(path), _connect(path)
            self._reader.execute("PRAGMA query_only = ON")
        self._writing, self._reading = threading.Lock(), threading.Lock()

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction; whatever is raised inside takes all of it back. Raises StorageError."""
        with storage_problems(), self._writing:
            # IMMEDIATE: a transaction that first reads and then wants to write can fail at once, without any waiting.
            self._writer.execute("BEGIN IMMEDIATE")
            with _all_or_nothing(self._writer):
                yield self._writer

    def read(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Every row of a query. Raises StorageError."""
        with storage_problems(), self._reading:
            rows: list[sqlite3.Row] = self._reader.execute(query, values).fetchall()  # an open cursor keeps writers out
            return rows

    def close(self) -> None:
        with self._writing, self._reading:
            self._writer.close()
            self._reader.close()


def open_database(root: Path) -> tuple[Database, str]:
    """Open ``<root>/runs.sqlite3``: create it, bring it up to date, or, when it is damaged, move it aside and begin a new one
    with what can still be read of it.

    Returns it with a notice for people ("" when all is well). Raises RunError for a store of a newer version, and for one of
    an older version in a folder that can only be read, StorageError when the disk does not do its part.
    """
    path = root / DATABASE
    with storage_problems(path):
        root.mkdir(parents=True, exist_ok=True)
        if not os.access(root, os.W_OK) and path.exists():
            _check_readable(path)
            return Database(path), "The runs folder can only be read: browsing works, training does not."
        with FileLock(root / "open.lock", thread_local=False).acquire(timeout=BUSY_SECONDS):
            if (fault := _fault(path)) is None:
                _migrate(path)
                return Database(path), ""
            aside = _quarantine(root)
            rescued = _rescue(aside, root)
            _migrate(path)
    notice = f"The stored runs could not be read ({fault}). They were moved to {aside.name}; this is an empty store."
    if rescued:
        notice = (
            f"The stored runs were damaged ({fault}). {rescued:,} of them could be rescued, with all that could still be read "
            f"of theirs; the damaged file was moved to {aside.name}."
        )
    return Database(path), notice


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    return db


@contextlib.contextmanager
def _all_or_nothing(db: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
        raise


def _fault(path: Path) -> str | None:
    """What is wrong with the content of the file, None when it is sound or absent."""
    if not path.exists():
        return None
    try:
        with contextlib.closing(_connect(path)) as db:
            findings: str = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            return None if findings == "ok" else findings
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise
        return str(error)


def _quarantine(root: Path) -> Path:
    """Move the damaged store and the files it names to a folder of their own, for whoever can rescue them."""
    aside = root / f"damaged-{time.time_ns()}"
    aside.mkdir()
    # A journal left beside a new database would be played back into it, and unnamed artefacts would be collected.
    for name in (f"{DATABASE}-journal", f"{DATABASE}-wal", f"{DATABASE}-shm", "artefacts", DATABASE):
        if (root / name).exists():
            (root / name).replace(aside / name)
    return aside


def _rescue(aside: Path, root: Path) -> int:
    """Fill a new store with what can still be read of the damaged one. Returns how many runs there were to save."""
    if not (aside / DATABASE).exists():
        return 0
    # Immutable: nothing is written beside what may be needed again, and no journal is played back into it.
    address = f"{(aside / DATABASE).absolute().as_uri()}?immutable=1"
    with (
        contextlib.closing(sqlite3.connect(address, uri=True)) as damaged,
        contextlib.closing(_connect(root / DATABASE)) as fresh,
    ):
        damaged.row_factory = sqlite3.Row
        try:
            version = damaged.execute("PRAGMA user_version").fetchone()[0]
            tables = [row["name"] for row in damaged.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        except sqlite3.DatabaseError:
            return 0
        if "runs" not in tables or not 0 < version <= len(MIGRATIONS):
            return 0
        fresh.execute("BEGIN IMMEDIATE")
        with _all_or_nothing(fresh):
            _build(fresh, 0, version)
            rescued = rescue(damaged, fresh)
            move_files(fresh, aside, root)
        return rescued


def _version(db: sqlite3.Connection) -> int:
    """The version of a store, 0 for an empty file. Raises RunError for a newer one."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise RunError(
            f"These runs were written by a newer Digit Lab (format {version}, this one knows {len(MIGRATIONS)}). "
            "Update Digit Lab to open them; nothing was changed."
        )
    return version


def _check_readable(path: Path) -> None:
    """Raises RunError for a store that would have to be brought up to date first."""
    with contextlib.closing(_connect(path)) as db:
        version = _version(db)
    if version < len(MIGRATIONS):
        raise RunError(
            f"These runs were written by an older Digit Lab (format {version}, this one reads {len(MIGRATIONS)}), and their "
            "folder can only be read. Make it writable, or open a copy of it, so that they can be brought up to date."
        )


def _migrate(path: Path) -> None:
    with contextlib.closing(_connect(path)) as db:
        # SQLite 3.7.0 to 3.51.2 can corrupt a write-ahead log that is reset while it is read; 3.52.0 was withdrawn.
        wal = sqlite3.sqlite_version_info >= (3, 51, 3) and sqlite3.sqlite_version_info != (3, 52, 0)
        version = _version(db)
        if db.execute("PRAGMA journal_mode").fetchone()[0] != ("wal" if wal else "delete"):
            db.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
        if version == len(MIGRATIONS):
            return
        db.execute("BEGIN IMMEDIATE")
        with _all_or_nothing(db):
            _build(db, version, len(MIGRATIONS))


def _build(db: sqlite3.Connection, version: int, target: int) -> None:
    """Bring a store from one version to another, inside a transaction."""
    for steps in MIGRATIONS[version:target]:
        for step in steps:
            if isinstance(step, str):
                db.execute(step)
            else:
                step(db)
    db.execute(f"PRAGMA user_version = {target}")
