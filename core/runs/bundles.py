"""One run in one file, for another Digit Lab: a ZIP of what its store keeps of it, with a manifest of checksums.

    manifest.json        format, the version that wrote it, and of every other file its bytes and its SHA-256
    run.json             run_id, name ("" for that of its settings), tags, notes, created_utc, best_epoch, summary
    config.json          its settings, section -> values
    environment.json     what its outcome depended on: versions, processor, threads, hashes of its images
    events.jsonl         everything that it told, an event a line
    weights.safetensors  its best weights; answers-val.safetensors, answers-test.safetensors: its answers, where they were kept

The weights and answers are byte for byte the files of the store, and nothing is compressed. What comes back is treated as a
stranger's: this module looks at the file, ``core.runs.bundle_checks`` and ``bundle_events`` at what stands in it.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from core.errors import RunError
from core.runs import artefacts
from core.runs.bundle_checks import Bundle, checked
from core.runs.bundle_events import MAX_EVENTS, strict_json
from core.runs.checksums import EVENT_COLUMNS, is_sound, sound_events
from core.runs.manifest import IMPORTED, versions
from core.runs.rows import Role
from core.runs.schema import storage_problems
from core.runs.store import Store

FORMAT = 1
MANIFEST, RUN, CONFIG, ENVIRONMENT, EVENTS = (
    "manifest.json", "run.json", "config.json", "environment.json", "events.jsonl",
)  # fmt: skip
ROLES: Mapping[Role, str] = MappingProxyType(
    {"best": "weights.safetensors", "eval-val": "answers-val.safetensors", "eval-test": "answers-test.safetensors"}
)
REQUIRED = (MANIFEST, RUN, CONFIG, ENVIRONMENT, EVENTS, ROLES["best"])
MAX_BYTES = 500 * 2**20  # of a bundle, which is read as a whole
MAX_JSON_BYTES = 1_000_000
MAX_EVENTS_BYTES = 64 * 2**20
MAX_DIRECTORY_BYTES = 4_096  # of the list of files at the end of the ZIP: eight short names
MAX_REASON = 200  # letters of what an error quotes
# The record that closes a ZIP: PK\\5\\6, numbers of disks and files, bytes of the directory, where it is, bytes of a comment.
_END, _END_BYTES = "<4s4H2LH", 22
_ZIP64_BYTES = 20  # of the record before it that a ZIP of 4 GB or more has


def pack(store: Store, run_id: str) -> bytes:
    """The bundle of a run that has ended; the same run gives the same bytes.

    Raises RunError when it came with the program, has not ended, has no weights, or when something of it is damaged.
    """
    run = store.run(run_id)
    if run.shipped:
        raise RunError(f"{run.label} comes with Digit Lab, so it is there already wherever a bundle could be imported.")
    if not run.has_ended:
        raise RunError(f"{run.name} has not ended yet; it can be taken along when it has.")
    (row,) = store.database.read("SELECT * FROM runs WHERE run_id = ?", run.run_id)
    rows = store.database.read(f"SELECT {EVENT_COLUMNS} FROM events WHERE run_id = ? ORDER BY seq", run.run_id)  # noqa: S608 - from here
    events = [event for _, event in sound_events(run.run_id, rows)]
    if len(events) < len(rows):
        raise RunError(f"Some of what {run.name} told is damaged, so it can not be taken along as a whole.")
    kept = {row["role"]: row for row in store.database.read("SELECT * FROM artefacts WHERE run_id = ?", run.run_id)}
    if "best" not in kept:
        raise RunError(f"{run.name} has no weights, so there is little to take along.")
    if not all(is_sound("artefacts", kept[role]) for role in ROLES if role in kept):
        raise RunError("What the store says about the saved weights of this run was changed or damaged.")
    about = {
        "run_id": run.run_id, "name": row["name"], "tags": list(run.tags), "notes": run.notes, "created_utc": run.created_utc,
        "best_epoch": kept["best"]["epoch"], "summary": dict(run.summary),
    }  # fmt: skip
    environment = {name: value for name, value in run.manifest.items() if name != IMPORTED}
    files = {
        RUN: json_bytes(about), CONFIG: json_bytes(json.loads(row["config"])), ENVIRONMENT: json_bytes(environment),
        EVENTS: b"".join(json.dumps(event, allow_nan=False).encode() + b"\n" for event in events),
    }  # fmt: skip
    if len(files[EVENTS]) > MAX_EVENTS_BYTES or len(events) > MAX_EVENTS:
        raise RunError(f"{run.name} told {len(events):,} events, more than a bundle may hold.")
    with storage_problems():
        files |= {name: artefacts.get(store.root, kept[role]["sha256"]) for role, name in ROLES.items() if role in kept}
    return zipped(files)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The bundle of these files, with its manifest."""
    manifest = {
        "format": FORMAT, "program": {"name": "digit-lab", "version": versions()["digit-lab"]},
        "files": {name: {"bytes": len(content), "sha256": _sha(content)} for name, content in files.items()},
    }  # fmt: skip
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {MANIFEST: json_bytes(manifest), **files}.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


def read(content: bytes) -> Bundle:
    """What a bundle says, every part of it checked. Raises RunError with a sentence when it is none, or damaged."""
    if len(content) > MAX_BYTES:
        raise RunError(
            f"This file has {len(content) / 2**20:,.0f} MB; a bundle has at most {MAX_BYTES / 2**20:,.0f} MB."
        )
    with faults_as_run_errors():
        files = _files(content)
        return checked(
            about=json_object(files[RUN]), config=json_object(files[CONFIG]), environment=json_object(files[ENVIRONMENT]),
            events=files[EVENTS], artefacts={role: files[name] for role, name in ROLES.items() if name in files},
        )  # fmt: skip


@contextmanager
def faults_as_run_errors() -> Iterator[None]:
    """Around whatever reads a stranger's file: what is wrong with it becomes a RunError with a sentence."""
    try:
        yield
    except RunError:
        raise
    # What zipfile, struct and json raise on bytes that are no ZIP and no JSON, and the checks themselves.
    except (
        zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, RecursionError, struct.error, OSError,
    ) as error:  # fmt: skip
        words = " ".join(str(error).split())[:MAX_REASON] or type(error).__name__
        reason = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in words)
        raise RunError(f"This is no bundle of Digit Lab, or it is damaged: {reason.removesuffix('.')}.") from None


def _files(content: bytes) -> dict[str, bytes]:
    """name -> content. Raises ValueError for a name, a kind, a size or a hash that no bundle has."""

    def check(entries: Mapping[str, int]) -> None:
        if strangers := set(entries) - {*REQUIRED, *ROLES.values()}:
            raise ValueError(f"it holds a file {min(strangers)[:80]!a}")
        if not set(entries) >= set(REQUIRED):
            raise ValueError("it lacks a file")
        if entries[EVENTS] > MAX_EVENTS_BYTES:
            raise ValueError(f"{EVENTS} has more than {MAX_EVENTS_BYTES:,} bytes")

    return unzipped(content, MAX_DIRECTORY_BYTES, check)


def names(content: bytes, max_directory_bytes: int) -> list[str]:
    """Of the files in it. Raises ValueError where that list is longer than this, and what zipfile raises."""
    _check_end(content, max_directory_bytes)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.namelist()


def unzipped(content: bytes, max_directory_bytes: int, check: Callable[[Mapping[str, int]], None]) -> dict[str, bytes]:
    """name -> content of every file but the manifest, as that says they are.

    check: raises ValueError for names and sizes (name -> bytes) that can not be; asked before any of it is read
    Raises ValueError for a kind, a size or a hash that no bundle has, RunError for one of a newer version.
    """
    _check_end(content, max_directory_bytes)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        sizes = {entry.filename: entry.file_size for entry in entries}
        if len(sizes) < len(entries):
            raise ValueError("it holds a file twice")
        check(sizes)
        for entry in entries:
            is_plain = entry.compress_type == zipfile.ZIP_STORED and entry.compress_size == entry.file_size
            if not is_plain or entry.flag_bits & 1 or (entry.external_attr >> 16) & 0o170000 not in (0, 0o100000):
                raise ValueError(f"{entry.filename} is compressed, encrypted or a link")
            if entry.filename.endswith(".json") and entry.file_size > MAX_JSON_BYTES:
                raise ValueError(f"{entry.filename} has more than {MAX_JSON_BYTES:,} bytes")
        if sum(sizes.values()) > len(content):
            raise ValueError("its files are larger than it is")
        files = {entry.filename: archive.read(entry) for entry in entries}
    manifest = json_object(files.pop(MANIFEST))
    if manifest.get("format") != FORMAT:
        if type(manifest.get("format")) is int and manifest["format"] > FORMAT:
            raise RunError("This bundle was made by a newer Digit Lab. Update Digit Lab to import it.")
        raise ValueError(f"{MANIFEST} names no format")
    if manifest.get("files") != {name: {"bytes": len(part), "sha256": _sha(part)} for name, part in files.items()}:
        raise ValueError("a file is not what was written")
    return files


def _check_end(content: bytes, max_directory_bytes: int) -> None:
    """A list of a million files would be read before any of them is looked at. Raises ValueError."""
    if len(content) < _END_BYTES:
        raise ValueError("it is no ZIP file")
    signature, *_, directory_bytes, _start, comment_bytes = struct.unpack(_END, content[-_END_BYTES:])
    if signature != b"PK\5\6" or comment_bytes or directory_bytes > max_directory_bytes:
        raise ValueError("it is no ZIP file, or it holds too many files")
    if content[-_END_BYTES - _ZIP64_BYTES :].startswith(b"PK\6\7"):
        raise ValueError("it is a ZIP file of 4 GB or more")


def json_object(content: bytes) -> dict[str, Any]:
    values = strict_json(content)
    if not isinstance(values, dict):
        raise ValueError("a file holds something else than an object")
    return values


def json_bytes(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(values, allow_nan=False, indent=1) + "\n").encode()


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
