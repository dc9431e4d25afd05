"""A checksum in every row of the store, and what is said of a row that no longer fits its own: it was damaged on the disk, or
changed by hand.

What changes all the time and decides nothing for good is not covered: who trains a run, what is asked of it, whether it is
out of sight.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from zlib import crc32

# Of each table what its checksum covers. The kind, epoch and step of an event stand in its payload too.
COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "runs": (
            "number", "run_id", "name", "group_id", "token", "config", "manifest", "created_utc", "tags", "notes", "contestant",
            "architecture_place", "default_name",
        ),
        "groups": ("group_id", "name", "kind", "plan", "created_utc"),
        "events": ("run_id", "seq", "payload"),
        "artefacts": ("run_id", "role", "epoch", "sha256", "bytes"),
        # Not in the order of its columns: a row of groups has as many, and a rescue would take one for the other.
        "snapshots": ("run_id", "sha256", "step", "epoch", "bytes"),
        "summaries": ("run_id", "status", "payload"),
        # For the same reason not in the order of its columns, with summaries.
        "measurements": ("key", "run_id", "content"),
        "class_set": ("content", "label", "image", "writer", "owner", "kept_utc", "number"),
        "guesses": (
            "guess_id", "owner", "lesson", "value", "reason", "class_code", "name", "run_ids", "result", "guessed_utc",
            "revealed_utc", "number",
        ),
        "challenges": (
            "challenge_id", "owner", "title", "class_code", "config", "terms", "base_run_id", "created_utc", "number",
        ),
        # For the same reason not in the order of its columns, with summaries and measurements.
        "challenge_runs": ("name", "challenge_id", "run_id"),
    }
)  # fmt: skip
EVENT_COLUMNS = "seq, payload, checksum, kind, epoch, step"  # what ``sound_events`` reads
JSON_COLUMNS = ("config", "manifest", "tags", "plan", "payload")  # each holds an object, tags an array
# Of each of them that is about a run, what it says.
JSON_WORDS: Mapping[str, str] = MappingProxyType(
    {"config": "its settings", "manifest": "the record of how it was trained", "tags": "its tags"}
)


def checksum(*values: object) -> int:
    """CRC-32 of values as the database gives them back."""
    return crc32("\0".join(map(str, values)).encode())


def is_sound(table: str, row: sqlite3.Row) -> bool:
    """Whether a row is what was written. row: with every column that the checksum of its table covers, and with it"""
    return bool(row["checksum"] == checksum(*(row[name] for name in COLUMNS[table])))


def seal(db: sqlite3.Connection, table: str, where: str, *values: object) -> None:
    """Write the checksums of these rows; belongs after every change of what they cover, in the same transaction."""
    query = f"SELECT rowid, {', '.join(COLUMNS[table])} FROM {table} WHERE {where}"  # noqa: S608 - never a user's text
    for rowid, *covered in db.execute(query, values).fetchall():
        db.execute(f"UPDATE {table} SET checksum = ? WHERE rowid = ?", (checksum(*covered), rowid))  # noqa: S608 - from here


def sound_events(run_id: str, rows: Iterable[Sequence[Any]]) -> list[tuple[int, dict[str, Any]]]:
    """``(seq, event as plain values)`` of those that are what was written.

    rows: of ``EVENT_COLUMNS``, in this order
    """
    begun = checksum(run_id, "")
    whole = [row for row in rows if type(row[1]) is str and row[2] == crc32(f"{row[0]}\0{row[1]}".encode(), begun)]
    # One call for all of them takes a third of the time of one call each, which pays for the checksums.
    events: list[dict[str, Any]] = json.loads(f"[{','.join([row[1] for row in whole])}]")
    return [
        (seq, event)
        for (seq, _, _, kind, epoch, step), event in zip(whole, events, strict=True)
        if event["event"] == kind and event.get("epoch") == epoch and event.get("step") == step
    ]


def run_damage(row: sqlite3.Row) -> str:
    """What of a run is damaged, as the end of a sentence; "" when it is sound. row: of ``queries.SELECT``"""
    if not is_sound("runs", row):
        unreadable = [words for name, words in JSON_WORDS.items() if not is_json(row[name])]
        if unreadable:
            return f"{' and '.join(unreadable)} can no longer be read"
        return "what is stored about it was changed or damaged after it was written"
    ended = (row["run_id"], row["ended"], row["summary"])
    if row["ended"] is not None and row["summary_checksum"] != checksum(*ended):
        return "its results were changed or damaged after they were written"
    return ""


def is_json(text: object) -> bool:
    """Whether a column that holds JSON can be read."""
    try:
        return isinstance(json.loads(text), (dict, list))  # type: ignore[arg-type]  # damage can make a number of a text
    except (ValueError, TypeError, RecursionError):
        return False
