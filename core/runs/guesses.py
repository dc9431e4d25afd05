"""What visitors guessed in lessons, kept beside the runs: of each one guess a lesson before the reveal, more tries after.

A guess is checked against its lesson here again, whatever a browser sent. Every change is one transaction.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from core.errors import ConfigError, RunError
from core.runs import quota
from core.runs.checksums import is_sound, seal
from core.runs.rows import Run, check_line, new_id
from core.runs.store import Store

REASON_LENGTH, NAME_LENGTH = 300, 30  # characters
MAX_GUESSES = 1_000  # of a visitor
MAX_RUNS = 200  # of a guess
MAX_RESULT_BYTES = 100_000
_CLASS_CODE = re.compile(r"[a-z0-9-]{1,24}")
_RUN_ID = re.compile(r"[0-9a-f]{32}")

Value = str | float | tuple[str, ...] | tuple[float, ...]


class Asks(Protocol):
    """A lesson, as far as a guess needs it."""

    @property
    def id(self) -> str:
        """Which one."""

    def check_guess(self, value: object) -> Value:
        """The value as it is kept. Raises ConfigError for one that it does not ask for."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What somebody guessed. guessed_utc, revealed_utc: ISO 8601, the second None before the reveal

    value: as ``Lesson.check_guess`` returns it · run_ids: in the order of ``Lesson.configs`` · result: what was revealed, as
    plain values (``core.experiments.results.from_values``); None before
    """

    guess_id: str
    number: int
    lesson: str
    value: Value
    reason: str
    class_code: str
    name: str
    run_ids: tuple[str, ...]
    result: Mapping[str, Any] | None
    guessed_utc: str
    revealed_utc: str | None


def trained_before(guess: Guess, runs: Sequence[Run]) -> list[Run]:
    """Those of the runs that somebody had asked for before this guess, and that have ended: it only had to read them."""
    guessed = datetime.fromisoformat(guess.guessed_utc)
    return [run for run in runs if run.has_ended and datetime.fromisoformat(run.created_utc) < guessed]


@dataclass(frozen=True, slots=True)
class ClassGuess:
    """One guess on the board of a class, without who it is of. visitor: 1, 2, … in the order in which they came, the same for
    every try of one visitor · name: as far as one was given"""

    visitor: int
    name: str
    value: Value
    reason: str
    result: Mapping[str, Any] | None
    guessed_utc: str
    is_revealed: bool


def save(
    store: Store, owner: str, lesson: Asks, value: object, reason: str = "", *, class_code: str = "", name: str = "",
    run_ids: Sequence[str] = (),
) -> str:  # fmt: skip
    """Keep a guess and return its id; before its reveal it takes the place of the same visitor's guess in this lesson.

    run_ids: of the runs that answer it, where they are known by now; without any, those noted before stay
    Raises ConfigError for a value that the lesson does not ask for and for a text that is too long or can not be shown,
    RunError for more guesses than a visitor may have and as ``attach_runs``, StorageError.
    """
    _check_run_ids(run_ids)
    content = json.dumps(lesson.check_guess(value), allow_nan=False)
    reason, name = check_line(reason, "reason", REASON_LENGTH), check_line(name, "name", NAME_LENGTH)
    class_code, now = checked_class_code(class_code), datetime.now(UTC).isoformat()
    with store.database.write() as db:
        open_guess = db.execute(
            "SELECT guess_id FROM guesses WHERE owner = ? AND lesson = ? AND revealed_utc IS NULL", (owner, lesson.id)
        ).fetchone()
        guess_id = str(open_guess["guess_id"]) if open_guess else new_id()
        if open_guess:
            query = (
                "UPDATE guesses SET value = ?, reason = ?, class_code = ?, name = ?, guessed_utc = ? WHERE guess_id = ?"
            )
            db.execute(query, (content, reason, class_code, name, now, guess_id))
        else:
            _check_room(db, owner)
            columns = "guess_id, owner, lesson, value, reason, class_code, name, guessed_utc"
            row = (guess_id, owner, lesson.id, content, reason, class_code, name, now)
            db.execute(f"INSERT INTO guesses({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608 - from here
        if run_ids:
            db.execute("UPDATE guesses SET run_ids = ? WHERE guess_id = ?", (json.dumps(list(run_ids)), guess_id))
        seal(db, "guesses", "guess_id = ?", guess_id)
    return guess_id


def attach_runs(store: Store, owner: str, guess_id: str, run_ids: Sequence[str]) -> None:
    """Note which runs answer a guess, in place of those noted before. Raises RunError for a guess of somebody else, for what is
    no run id and for too many, StorageError."""
    _check_run_ids(run_ids)
    _change(store, owner, guess_id, "run_ids = ?", json.dumps(list(run_ids)))


def mark_revealed(store: Store, owner: str, guess_id: str, result: Mapping[str, Any] | None = None) -> None:
    """Note that somebody has seen what came out, and what that was; the guess stays as it is from now on.

    The time of the first reveal stays. Raises RunError for somebody else's guess or a result that is too large, StorageError.
    """
    content = "" if result is None else json.dumps(result, allow_nan=False)
    if len(content) > MAX_RESULT_BYTES:
        raise RunError(f"This result has {len(content):,} characters, allowed are {MAX_RESULT_BYTES:,}")
    now = datetime.now(UTC).isoformat()
    change = "revealed_utc = COALESCE(revealed_utc, ?), result = CASE ? WHEN '' THEN result ELSE ? END"
    _change(store, owner, guess_id, change, now, content, content)


def of_visitor(store: Store, owner: str) -> tuple[Guess, ...]:
    """All guesses of a visitor, in the order in which they were first made. Raises StorageError."""
    rows = store.database.read("SELECT * FROM guesses WHERE owner = ? ORDER BY number", owner)
    return tuple(
        Guess(
            row["guess_id"], row["number"], row["lesson"], _value(row), row["reason"], row["class_code"], row["name"],
            tuple(json.loads(row["run_ids"])), _result(row), row["guessed_utc"], row["revealed_utc"],
        )
        for row in rows
        if is_sound("guesses", row)
    )  # fmt: skip


def of_class(store: Store, class_code: str, lesson: str) -> tuple[ClassGuess, ...]:
    """What a class guessed in a lesson, in the order it came in. Raises ConfigError for what is no class, StorageError."""
    if not checked_class_code(class_code):
        return ()
    query = "SELECT * FROM guesses WHERE class_code = ? AND lesson = ? ORDER BY number"
    rows = [row for row in store.database.read(query, class_code, lesson) if is_sound("guesses", row)]
    visitors = {owner: place for place, owner in enumerate(dict.fromkeys(row["owner"] for row in rows), 1)}
    return tuple(
        ClassGuess(
            visitors[row["owner"]], row["name"], _value(row), row["reason"], _result(row), row["guessed_utc"],
            row["revealed_utc"] is not None,
        )
        for row in rows
    )  # fmt: skip


def checked_class_code(class_code: str) -> str:
    """What a teacher calls a class, "" for none. Raises ConfigError."""
    if class_code and not _CLASS_CODE.fullmatch(class_code):
        raise ConfigError("A class is called by at most 24 of a to z, 0 to 9 and -", ("class_code",))
    return class_code


def _check_run_ids(run_ids: Sequence[str]) -> None:
    if len(run_ids) > MAX_RUNS or not all(_RUN_ID.fullmatch(run_id) for run_id in run_ids):
        raise RunError(f"A guess is answered by at most {MAX_RUNS} runs, each named by its whole id")


def _change(store: Store, owner: str, guess_id: str, change: str, *values: str) -> None:
    with store.database.write() as db:
        query = f"UPDATE guesses SET {change} WHERE guess_id = ? AND owner = ?"  # noqa: S608 - from here
        if not db.execute(query, (*values, guess_id, owner)).rowcount:
            raise RunError("This guess is not there any more")
        seal(db, "guesses", "guess_id = ?", guess_id)


def _check_room(db: sqlite3.Connection, owner: str) -> None:
    """Raises RunError where a further guess would be one too many, which takes the transaction back."""
    quota.check_disk(db)
    n_guesses = db.execute("SELECT COUNT(*) FROM guesses WHERE owner = ?", (owner,)).fetchone()[0]
    if n_guesses >= MAX_GUESSES:
        raise RunError(f"You have made {n_guesses:,} guesses, and each visitor may keep {MAX_GUESSES:,}")


def _value(row: sqlite3.Row) -> Value:
    value = json.loads(row["value"])
    return tuple(value) if isinstance(value, list) else value


def _result(row: sqlite3.Row) -> Mapping[str, Any] | None:
    result: Mapping[str, Any] | None = json.loads(row["result"]) if row["result"] else None
    return result
