"""How a store is opened safely: created, brought up to date, or, when it is damaged, moved aside and begun anew."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from filelock import FileLock

from core.errors import RunError
from core.runs import schema
from core.runs.checksums import COLUMNS
from core.runs.rescue import LOST_FILE, Rescued, move_files, rescue
from core.runs.schema import DATABASE, Database, StorageError, copy_database, storage_problems

MOST_NAMED = 5  # runs of which the notice says what they lost


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
        with FileLock(root / "open.lock", thread_local=False).acquire(timeout=schema.BUSY_SECONDS):
            if (fault := _fault(path)) is None:
                _migrate(path)
                return Database(path), ""
            aside = _quarantine(root)
            rescued = _rescue(aside, root)
            _migrate(path)
    return Database(path), _rescue_notice(fault, aside, rescued)


def _fault(path: Path) -> str | None:
    """What is wrong with the content of the file, None when it is sound or absent. Indexes are built anew where they no longer
    fit the rows: otherwise a row with a damaged value could not even be removed."""
    if not path.exists():
        return None
    try:
        with contextlib.closing(schema.connect(path)) as db:
            findings: str = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if findings != "ok" and db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok":
                db.execute("REINDEX")
                findings = "ok"
            if findings == "ok" and not _has_its_tables(db):
                findings = "its tables are not those that were made"
            return None if findings == "ok" else findings
    except UnicodeDecodeError:  # SQLite quotes a name that is no text any more
        return "the names of its tables can not be read"
    except sqlite3.IntegrityError as error:  # two rows have become one
        return str(error)
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise
        return str(error)


def _has_its_tables(db: sqlite3.Connection) -> bool:
    """Whether the tables have the columns that they were made with: their declarations are text, which no check of SQLite
    covers."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if not 0 < version <= len(schema.MIGRATIONS):  # empty, or of a newer version
        return True
    with contextlib.closing(sqlite3.connect(":memory:")) as fresh:
        fresh.row_factory = sqlite3.Row
        _build(fresh, 0, version)
        return all(_columns(db, table) >= _columns(fresh, table) for table in COLUMNS)


def _columns(db: sqlite3.Connection, table: str) -> set[str]:
    return {column["name"] for column in db.execute(f"PRAGMA table_info({table})")}


def _rescue_notice(fault: str, aside: Path, rescued: Rescued) -> str:
    """What happened to a damaged store; which runs lost what, the first of them by name."""
    if not rescued.n_runs:
        return f"The stored runs could not be read ({fault}). They were moved to {aside.name}; this is an empty store."
    lost = " ".join(rescued.lost[:MOST_NAMED]) or "Nothing of theirs is known to be lost."
    if len(rescued.lost) > MOST_NAMED:
        lost += f" {len(rescued.lost) - MOST_NAMED:,} more stand in {LOST_FILE} there."
    return (
        f"The stored runs were damaged ({fault}). {rescued.n_runs:,} of them could be rescued; the damaged file was moved to "
        f"{aside.name}. {lost}"
    )


def _quarantine(root: Path) -> Path:
    """Move the damaged store and the files it names to a folder of their own, for whoever can rescue them."""
    aside = root / f"damaged-{time.time_ns()}"
    aside.mkdir()
    # A journal left beside a new database would be played back into it, and unnamed artefacts would be collected.
    for name in (f"{DATABASE}-journal", f"{DATABASE}-wal", f"{DATABASE}-shm", "artefacts", DATABASE):
        if (root / name).exists():
            (root / name).replace(aside / name)
    return aside


def _rescue(aside: Path, root: Path) -> Rescued:
    """Fill a new store with what can still be read of the damaged one, and write down beside that what is lost."""
    if not (aside / DATABASE).exists():
        return Rescued(0, [])
    # Immutable: nothing is written beside what may be needed again, and no journal is played back into it.
    address = f"{(aside / DATABASE).absolute().as_uri()}?immutable=1"
    with (
        contextlib.closing(sqlite3.connect(address, uri=True)) as damaged,
        contextlib.closing(schema.connect(root / DATABASE)) as fresh,
    ):
        damaged.row_factory = sqlite3.Row
        try:
            version = damaged.execute("PRAGMA user_version").fetchone()[0]
        except (sqlite3.DatabaseError, UnicodeDecodeError):  # its first page is gone; rows are known by their checksums
            version = len(schema.MIGRATIONS)
        if not 0 < version <= len(schema.MIGRATIONS):
            return Rescued(0, [])
        fresh.execute("BEGIN IMMEDIATE")
        with schema.all_or_nothing(fresh):
            _build(fresh, 0, version)
            rescued = rescue(aside / DATABASE, damaged, fresh)
            move_files(fresh, aside, root)
        if rescued.lost:
            (aside / LOST_FILE).write_text("\n".join(rescued.lost) + "\n", encoding="utf-8")
        return rescued


def _version(db: sqlite3.Connection) -> int:
    """The version of a store, 0 for an empty file. Raises RunError for a newer one."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(schema.MIGRATIONS):
        raise RunError(
            f"These runs were written by a newer Digit Lab (format {version}, this one knows {len(schema.MIGRATIONS)}). "
            "Update Digit Lab to open them; nothing was changed."
        )
    return version


def _check_readable(path: Path) -> None:
    """Raises RunError for a store that would have to be brought up to date first."""
    with contextlib.closing(schema.connect(path)) as db:
        version = _version(db)
    if version < len(schema.MIGRATIONS):
        raise RunError(
            f"These runs were written by an older Digit Lab (format {version}, this one reads {len(schema.MIGRATIONS)}), and "
            "their folder can only be read. Make it writable, or open a copy of it, so that they can be brought up to date."
        )


def _migrate(path: Path) -> None:
    with contextlib.closing(schema.connect(path)) as db:
        # SQLite 3.7.0 to 3.51.2 can corrupt a write-ahead log that is reset while it is read; 3.52.0 was withdrawn.
        wal = sqlite3.sqlite_version_info >= (3, 51, 3) and sqlite3.sqlite_version_info != (3, 52, 0)
        version = _version(db)
        if db.execute("PRAGMA journal_mode").fetchone()[0] != ("wal" if wal else "delete"):
            db.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
        if version == len(schema.MIGRATIONS):
            return
        db.execute("BEGIN IMMEDIATE")
        with schema.all_or_nothing(db):
            if version and db.execute("SELECT 1 FROM runs WHERE number > 0").fetchone():
                _keep_copy(path, version)
            _build(db, version, len(schema.MIGRATIONS))


def _keep_copy(path: Path, version: int) -> None:
    """Copy the database to ``before-format-N.sqlite3`` before it is brought to format N, in place of an earlier such copy.
    Raises StorageError when there is no room for it; then nothing is changed."""
    target = len(schema.MIGRATIONS)
    kept = path.with_name(f"before-format-{target}.sqlite3")
    temporary = kept.with_suffix(".tmp")
    try:
        with storage_problems(path):
            copy_database(path, temporary)
            temporary.replace(kept)
    except StorageError as error:
        raise StorageError(
            f"These runs are of format {version} and can not be brought to format {target}, because no copy of them can be "
            f"kept first: {error}"
        ) from None
    for earlier in path.parent.glob("before-format-*.sqlite3"):
        if earlier != kept:
            earlier.unlink(missing_ok=True)


def _build(db: sqlite3.Connection, version: int, target: int) -> None:
    """Bring a store from one version to another, inside a transaction."""
    for steps in schema.MIGRATIONS[version:target]:
        for step in steps:
            if isinstance(step, str):
                db.execute(step)
            else:
                step(db)
    db.execute(f"PRAGMA user_version = {target}")
