"""The store's file: its tables, how they came to be version by version, and who reads and writes it."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from filelock import Timeout

from core.errors import RunError
from core.runs.backfill import CHECKED_SINCE_6, fill_architecture_places, fill_checksums, fill_contestants
from core.runs.queries import ARCHITECTURE

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
        "CREATE INDEX runs_by_default_name ON runs(default_name)",
    ),
    (
        *(f"ALTER TABLE {table} ADD COLUMN checksum INTEGER" for table in CHECKED_SINCE_6),
        fill_checksums,
        # Read without a look whether it is JSON, settings that are damaged could not even be removed.
        "DROP INDEX IF EXISTS runs_of_architecture",
        f"CREATE INDEX runs_of_architecture ON runs({ARCHITECTURE}, architecture_place)",
    ),
    (
        # Who asked for a run, "" where nobody noted it; and the turn it was given to a worker in, 1, 2, … in that order, NULL
        # before the first time.
        "ALTER TABLE runs ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE runs ADD COLUMN turn INTEGER",
        "CREATE INDEX runs_of_owner ON runs(owner, turn)",
        """CREATE INDEX runs_waiting ON runs(owner, number)
            WHERE worker IS NULL AND request = 'run' AND deleted_utc IS NULL""",
    ),
    (
        # The weights of a run after some of its steps; a file each, like an artefact.
        """CREATE TABLE snapshots(
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            run_id TEXT NOT NULL REFERENCES runs(run_id) ON DELETE CASCADE,
            step INTEGER NOT NULL,
            epoch REAL NOT NULL,
            sha256 TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            checksum INTEGER,
            UNIQUE (run_id, step))""",
        "CREATE INDEX snapshots_of_content ON snapshots(sha256)",
    ),
    (
        # What was measured of a finished run; the key says under which conditions, see ``core.runs.measurements``.
        """CREATE TABLE measurements(
            run_id TEXT NOT NULL REFERENCES runs(run_id) ON DELETE CASCADE,
            key TEXT NOT NULL,
            content TEXT NOT NULL,
            checksum INTEGER,
            PRIMARY KEY (run_id, key))""",
    ),
    (
        # The digits that visitors kept. content: SHA-256 of label and image, so that each is there once.
        """CREATE TABLE class_set(
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            label INTEGER NOT NULL,
            image BLOB NOT NULL,
            content TEXT NOT NULL UNIQUE,
            writer TEXT NOT NULL,
            owner TEXT NOT NULL,
            kept_utc TEXT NOT NULL,
            deleted_utc TEXT,
            checksum INTEGER)""",
    ),
    (
        # What visitors guessed in lessons, see ``core.runs.guesses``. value, run_ids, result: as JSON; result is "" at first.
        """CREATE TABLE guesses(
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            guess_id TEXT NOT NULL UNIQUE,
            owner TEXT NOT NULL,
            lesson TEXT NOT NULL,
            value TEXT NOT NULL,
            reason TEXT NOT NULL,
            class_code TEXT NOT NULL,
            name TEXT NOT NULL,
            run_ids TEXT NOT NULL DEFAULT '[]',
            result TEXT NOT NULL DEFAULT '',
            guessed_utc TEXT NOT NULL,
            revealed_utc TEXT,
            checksum INTEGER)""",
        "CREATE UNIQUE INDEX guesses_before_reveal ON guesses(owner, lesson) WHERE revealed_utc IS NULL",
        "CREATE INDEX guesses_of_visitor ON guesses(owner)",
        "CREATE INDEX guesses_of_class ON guesses(class_code, lesson)",
    ),
    (
        # What teachers set their classes, and the runs that take part: see ``core.runs.challenges``. config, terms: as JSON.
        """CREATE TABLE challenges(
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            challenge_id TEXT NOT NULL UNIQUE,
            owner TEXT NOT NULL,
            title TEXT NOT NULL,
            class_code TEXT NOT NULL,
            config TEXT NOT NULL,
            terms TEXT NOT NULL,
            base_run_id TEXT NOT NULL,
            created_utc TEXT NOT NULL,
            deleted_utc TEXT,
            checksum INTEGER)""",
        "CREATE INDEX challenges_of_visitor ON challenges(owner)",
        """CREATE TABLE challenge_runs(
            run_id TEXT PRIMARY KEY REFERENCES runs(run_id) ON DELETE CASCADE,
            challenge_id TEXT NOT NULL,
            name TEXT NOT NULL,
            checksum INTEGER)""",
        "CREATE INDEX runs_of_challenge ON challenge_runs(challenge_id)",
    ),
)


class StorageError(RunError):
    """The disk or the database did not do its part: full, locked or unreadable. Trying again later can help."""


@contextlib.contextmanager
def storage_problems(path: Path | None = None) -> Iterator[None]:
    """Turn what the disk and the database raise into StorageError with one plain sentence. path: the file in question"""
    try:
        yield
    except (sqlite3.Error, OSError, Timeout, UnicodeDecodeError) as error:  # the last: SQLite quotes what is damaged
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
            self._writer, self._reader = connect(path), connect(path)
            self._reader.execute("PRAGMA query_only = ON")
            self._reader.text_factory = str
        self._writing, self._reading = threading.Lock(), threading.Lock()

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction; whatever is raised inside takes all of it back. Raises StorageError."""
        with storage_problems(), self._writing:
            # IMMEDIATE: a transaction that first reads and then wants to write can fail at once, without any waiting.
            self._writer.execute("BEGIN IMMEDIATE")
            with all_or_nothing(self._writer):
                yield self._writer

    def read(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Every row of a query. Raises StorageError."""
        with storage_problems(), self._reading:
            rows: list[sqlite3.Row]
            try:
                rows = self._reader.execute(query, values).fetchall()  # an open cursor keeps writers out
            except (sqlite3.OperationalError, UnicodeDecodeError) as error:
                if isinstance(error, sqlite3.OperationalError) and "decode to UTF-8" not in str(error):
                    raise
                self._reader.text_factory = _text  # a damaged text; asked of every text, this would cost each reader
                try:
                    rows = self._reader.execute(query, values).fetchall()
                finally:
                    self._reader.text_factory = str
            return rows

    def version(self) -> int:
        """Another number after every transaction, of this program or another one. Raises StorageError."""
        return int(self.read("PRAGMA data_version")[0][0])

    def close(self) -> None:
        with self._writing, self._reading:
            self._writer.close()
            self._reader.close()


def connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    db.row_factory, db.text_factory = sqlite3.Row, _text
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    return db


def _text(content: bytes) -> str:
    """A text of which damage may have left no UTF-8."""
    return content.decode("utf-8", "replace")


@contextlib.contextmanager
def all_or_nothing(db: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
        raise


def copy_database(path: Path, target: Path) -> None:
    """A durable copy of a database as it is at this moment. Raises sqlite3.Error, OSError."""
    try:
        with (
            contextlib.closing(connect(path)) as source,
            contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            copy.execute("PRAGMA synchronous = OFF")  # it is synced once, when it is whole
            source.backup(copy)
        handle = os.open(target, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
