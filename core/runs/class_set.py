"""The class set of a store: one for all who use it, beside the runs and so in their backup. ``core.data.class_set`` says what
it is, this keeps it.

Every change is one transaction: a kill, a second tab or thirty pupils at once cost no digit. A digit that was deleted can be
brought back for a day, as a run can, and is gone for good afterwards.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from core.data.class_set import MAX_DIGITS, Digits
from core.data.dataset import N_CLASSES, SIDE, Images
from core.errors import RunError
from core.runs.checksums import is_sound, seal
from core.runs.rows import check_line
from core.runs.store import Store

WRITER_LENGTH = 24  # characters of a nickname
MAX_ROWS = 2 * MAX_DIGITS  # with those that were deleted today: what a day of keeping and deleting may take


@dataclass(frozen=True, eq=False)
class ClassSet:
    """The digits that are kept, in the order in which they came.

    numbers: by which each is deleted, ascending, never given twice · writers: nicknames, "" for none · owners: who kept them
    (see ``core.runs.quota``) · kept_utc: ISO 8601 · n_damaged: digits that are no part of it because they are no longer what
    was written
    """

    digits: Digits
    numbers: tuple[int, ...]
    writers: tuple[str, ...]
    owners: tuple[str, ...]
    kept_utc: tuple[str, ...]
    n_damaged: int

    def __len__(self) -> int:
        return len(self.numbers)


class Added(NamedTuple):
    """numbers: of those that the set did not hold before · n_known: those that were in it already, with the same label"""

    numbers: tuple[int, ...]
    n_known: int


def add(store: Store, digits: Digits, *, writer: str = "", owner: str = "") -> Added:
    """Keep digits, all of them or none; one that is there already, with this label, stays as it is, and one that was deleted
    comes back. images as the networks see them, labels 0..9.

    Raises ConfigError for a nickname that is too long or can not be shown, RunError for more than ``MAX_DIGITS``, StorageError.
    """
    if digits.images.shape[1:] != (SIDE, SIDE) or digits.images.dtype != np.uint8:
        raise ValueError(f"digits are {digits.images.dtype} {digits.images.shape}, must be uint8 (N, {SIDE}, {SIDE})")
    if not all(0 <= label < N_CLASSES for label in digits.labels):
        raise ValueError(f"labels must be 0 to {N_CLASSES - 1}")
    writer, now = check_line(writer, "nickname", WRITER_LENGTH), datetime.now(UTC).isoformat()
    numbers, n_known = [], 0
    with store.database.write() as db:
        for image, label in zip(digits.images, digits.labels, strict=True):
            content = _content(image, int(label))
            row = db.execute("SELECT number, deleted_utc FROM class_set WHERE content = ?", (content,)).fetchone()
            if row is not None and row["deleted_utc"] is None:
                n_known += 1
                continue
            if row is not None:
                number = int(row["number"])
                db.execute("UPDATE class_set SET deleted_utc = NULL WHERE number = ?", (number,))
            else:
                values = (int(label), image.tobytes(), content, writer, owner, now)
                columns = "label, image, content, writer, owner, kept_utc"
                new = db.execute(f"INSERT INTO class_set({columns}) VALUES (?, ?, ?, ?, ?, ?)", values)  # noqa: S608 - from here
                number = int(new.lastrowid or 0)
                seal(db, "class_set", "number = ?", number)
            numbers.append(number)
        _check_room(db)
    return Added(tuple(numbers), n_known)


def class_set(store: Store) -> ClassSet:
    """All that is kept. Raises StorageError."""
    rows = store.database.read("SELECT * FROM class_set WHERE deleted_utc IS NULL ORDER BY number")
    sound = [row for row in rows if is_sound("class_set", row) and len(row["image"]) == SIDE * SIDE]
    pixels = b"".join(row["image"] for row in sound)
    images: Images = np.frombuffer(pixels, np.uint8).reshape(-1, SIDE, SIDE)
    return ClassSet(
        Digits(images, np.array([row["label"] for row in sound], np.int64)),
        tuple(row["number"] for row in sound),
        tuple(row["writer"] for row in sound),
        tuple(row["owner"] for row in sound),
        tuple(row["kept_utc"] for row in sound),
        len(rows) - len(sound),
    )


def kept_numbers(store: Store) -> tuple[int, ...]:
    """The numbers of all that is kept, ascending: equal as long as nothing came or went. Raises StorageError."""
    rows = store.database.read("SELECT number FROM class_set WHERE deleted_utc IS NULL ORDER BY number")
    return tuple(row["number"] for row in rows)


def delete(store: Store, numbers: Iterable[int]) -> None:
    """Take digits out of the set; ``restore`` undoes it for a day. Those that are not there are passed over."""
    _set_deleted(store, numbers, datetime.now(UTC).isoformat())


def restore(store: Store, numbers: Iterable[int]) -> None:
    """Undo ``delete``. Raises RunError where the set has become full meanwhile."""
    _set_deleted(store, numbers, None)


def _set_deleted(store: Store, numbers: Iterable[int], when: str | None) -> None:
    with store.database.write() as db:
        query = "UPDATE class_set SET deleted_utc = ? WHERE number IN (SELECT value FROM json_each(?))"
        db.execute(query, (when, json.dumps(list(numbers))))
        _check_room(db)


def _check_room(db: sqlite3.Connection) -> None:
    """Raises RunError when there are too many, which takes the transaction back."""
    n_kept, n_rows = db.execute("SELECT COUNT(*) - COUNT(deleted_utc), COUNT(*) FROM class_set").fetchone()
    if n_kept > MAX_DIGITS:
        raise RunError(
            f"A class set holds at most {MAX_DIGITS:,} digits, and these would make it {n_kept:,}: delete some first."
        )
    if n_rows > MAX_ROWS:
        raise RunError("Too many digits were deleted today to keep more: those are gone for good after a day.")


def _content(image: Images, label: int) -> str:
    return hashlib.sha256(bytes([label]) + image.tobytes()).hexdigest()
