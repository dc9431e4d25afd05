"""All runs in one file, and back: a ZIP of the database and of the files that it names, stored as they are.

The database is copied and its files are held under the write lock, so a training that goes on meanwhile waits for a moment
and can take none of them away; packing happens afterwards. What comes back is treated as a stranger's: of a ZIP only the
names that a backup has are read, nothing in it is compressed, and every file has to be what its name says.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import sqlite3
import struct
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from filelock import FileLock, Timeout

from core.errors import RunError
from core.runs import artefacts, schema
from core.runs.queries import named_files
from core.runs.schema import DATABASE, copy_database, storage_problems
from core.runs.store import Store

FORMAT = 1
RECORD = "backup.json"  # format, and of the database its bytes and its SHA-256
MAX_RECORD_BYTES = 1_000_000
CHUNK_BYTES = 1 << 20
_ARTEFACT = re.compile(r"artefacts/([0-9a-f]{2})/(\1[0-9a-f]{62})\.safetensors")


class Backup(NamedTuple):
    """What is in a backup: runs (also deleted ones that can be brought back), files beside the database, their bytes with it,
    how many files the runs name that were missing or damaged already, and what is amiss with the store as a whole."""

    n_runs: int
    n_files: int
    n_bytes: int
    n_missing: int
    notice: str = ""


def back_up(root: Path, target: Path, *, force: bool = False) -> Backup:
    """Write all runs of a store, which may be in use, into one new file.

    force: replace a file that is there already. Raises RunError when there is one, or no store; StorageError.
    """
    if target.exists() and not force:
        raise RunError(f"{target} is there already; --force replaces it")
    if not (root / DATABASE).exists():
        raise RunError(f"there are no runs in {root}")
    with storage_problems(), contextlib.ExitStack() as stack:
        try:
            stack.enter_context(FileLock(root / "backup.lock", thread_local=False).acquire(timeout=0))
        except Timeout:
            raise RunError("another backup of these runs is being made") from None
        for left in root.glob("backup-*/"):  # of a backup that was killed
            shutil.rmtree(left, ignore_errors=True)
        store = stack.enter_context(contextlib.closing(Store(root)))
        held = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="backup-", dir=root)))
        n_runs, shas = _hold(store, held)
        temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
        stack.callback(temporary.unlink, missing_ok=True)
        with temporary.open("xb") as file:
            written = _pack(file, held, shas)
            file.flush()
            os.fsync(file.fileno())
        n_bytes = temporary.stat().st_size
        temporary.replace(target)
    return Backup(n_runs, written, n_bytes, len(shas) - written, store.notice)


def restore(source: Path, root: Path) -> Backup:
    """Put the runs of a backup into a folder that is empty or not there. Raises RunError when it is not empty or the file is
    no sound backup, and leaves nothing behind then; StorageError."""
    with storage_problems(root / DATABASE):
        if not source.is_file():
            raise RunError(f"there is no file {source}")
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise RunError(f"{root} is not empty; runs are restored into an empty folder, which --runs names")
        root.mkdir(parents=True, exist_ok=True)
        try:
            with zipfile.ZipFile(source) as archive:
                return _unpack(archive, source.stat().st_size, root)
        except RunError:
            _clear(root)
            raise
        except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, RecursionError, struct.error) as error:
            _clear(root)
            raise RunError(f"{source.name} is no backup of Digit Lab, or it is damaged ({error})") from None
        except OSError as error:
            _clear(root)
            if error.errno == errno.EINVAL:  # an entry that begins before the file does
                raise RunError(f"{source.name} is no backup of Digit Lab, or it is damaged") from None
            raise
        except BaseException:
            _clear(root)
            raise


def _hold(store: Store, held: Path) -> tuple[int, list[str]]:
    """Copy the database, and link the files that it names, while nobody can write. Returns the runs and the names."""
    with store.database.write():
        copy_database(store.root / DATABASE, held / DATABASE)
        with contextlib.closing(sqlite3.connect(held / DATABASE)) as db:
            shas = sorted(named_files(db))
            n_runs: int = db.execute("SELECT COUNT(*) FROM runs").fetchone()[0]
        for sha in shas:
            with contextlib.suppress(
                RunError, FileNotFoundError
            ):  # a damaged row, or a file lost: counted when it is packed
                at = artefacts.place(held, sha)
                at.parent.mkdir(parents=True, exist_ok=True)
                _link(artefacts.place(store.root, sha), at)
    return n_runs, shas


def _link(file: Path, at: Path) -> None:
    try:
        at.hardlink_to(file)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without links
        shutil.copyfile(file, at)


def _pack(file: IO[bytes], held: Path, shas: list[str]) -> int:
    """Returns how many of the files were whole and are in it."""
    digest = hashlib.sha256()
    with (held / DATABASE).open("rb") as database:
        for chunk in iter(lambda: database.read(CHUNK_BYTES), b""):
            digest.update(chunk)
    written = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.write(held / DATABASE, DATABASE)
        for sha in shas:
            with contextlib.suppress(RunError):
                archive.writestr(artefacts.place(Path(), sha).as_posix(), artefacts.get(held, sha))
                written += 1
        record = {
            "format": FORMAT, "schema": len(schema.MIGRATIONS), "database": digest.hexdigest(), "files": written,
            "missing": len(shas) - written,
        }  # fmt: skip
        archive.writestr(RECORD, json.dumps(record))
    return written


def _unpack(archive: zipfile.ZipFile, archive_bytes: int, root: Path) -> Backup:
    entries = _checked_entries(archive, archive_bytes)
    record = json.loads(archive.read(RECORD)) if RECORD in entries else None
    if not isinstance(record, dict) or record.get("format") != FORMAT or DATABASE not in entries:
        raise ValueError("what every backup has is not in it")
    files = {match.group(2) for name in entries if (match := _ARTEFACT.fullmatch(name))}
    for sha in files:
        _extract(archive, entries[artefacts.place(Path(), sha).as_posix()], artefacts.place(root, sha), sha)
    temporary = root / f"{DATABASE}.tmp"
    _extract(archive, entries[DATABASE], temporary, record.get("database"))
    n_runs, n_missing = _checked_database(temporary, files, record.get("missing"))
    temporary.replace(root / DATABASE)  # last: without it the folder is no store
    n_bytes = sum(entry.file_size for entry in entries.values())
    return Backup(n_runs, len(files), n_bytes, n_missing)


def _checked_entries(archive: zipfile.ZipFile, archive_bytes: int) -> Mapping[str, zipfile.ZipInfo]:
    """name -> entry. Raises ValueError for a name, a kind or a size that no backup has."""
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        name = entry.filename
        if name not in (RECORD, DATABASE) and not _ARTEFACT.fullmatch(name):
            raise ValueError(f"it holds a file {name[:80]!r}")
        if name in entries:
            raise ValueError(f"it holds {name} twice")
        is_plain = entry.compress_type == zipfile.ZIP_STORED and entry.compress_size == entry.file_size
        if not is_plain or entry.flag_bits & 1 or (entry.external_attr >> 16) & 0o170000 not in (0, 0o100000):
            raise ValueError(f"{name} is compressed, encrypted or a link")
        entries[name] = entry
    too_long = RECORD in entries and entries[RECORD].file_size > MAX_RECORD_BYTES
    if too_long or sum(entry.file_size for entry in entries.values()) > archive_bytes:
        raise ValueError("its files are larger than it is")
    return entries


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, at: Path, sha: object) -> None:
    """Write an entry durably. Raises ValueError when its content is not that of the hash."""
    at.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with archive.open(entry) as source, at.open("xb") as file:
        for chunk in iter(lambda: source.read(CHUNK_BYTES), b""):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != sha:
        raise ValueError(f"{entry.filename} is not what was written")


def _checked_database(path: Path, files: set[str], n_missing: Any) -> tuple[int, int]:
    """How many runs it has, and how many files that it names are not there. Raises RunError for a newer one, ValueError for
    one that no backup has: damaged, with code of its own in it, or with fewer files than were packed."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as db:
            version: int = db.execute("PRAGMA user_version").fetchone()[0]
            if version > len(schema.MIGRATIONS):
                raise RunError(
                    f"The backup was made by a newer Digit Lab (format {version}). Update Digit Lab to restore it."
                )
            kinds = {kind for (kind,) in db.execute("SELECT type FROM sqlite_master")}
            if (
                version < 1
                or not kinds <= {"table", "index"}
                or db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok"
            ):
                raise ValueError(f"its {DATABASE} is no store")
            shas = named_files(db)
            n_runs: int = db.execute("SELECT COUNT(*) FROM runs").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise ValueError(f"its {DATABASE} is no store: {error}") from None
    if len(shas - files) != n_missing:
        raise ValueError("files that its runs name are not in it")
    return n_runs, len(shas - files)


def _clear(root: Path) -> None:
    """Take back what was begun in a folder that was empty."""
    for path in list(root.iterdir()):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
