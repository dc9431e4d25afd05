"""How much of a store one visitor may take, and all of them together: what the environment allows, and the check in the
transaction that creates runs, so that two who create at once can not go over it.

An owner is 32 hex digits for a visitor of the dashboard, else ``COMMAND_LINE`` or "" (the library, and runs from before
owners were noted). Only visitors have limits of their own; the disk is everybody's.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from pydantic import ConfigDict, ValidationError

from core.errors import RunError
from core.fields import Config, config_error, setting, settings
from core.runs.queries import FILES

COMMAND_LINE = "command line"
GB_BYTES = 10**9
_VISITOR = re.compile(r"[0-9a-f]{32}")


class Limits(Config):
    """What is allowed at most. The defaults are more than one person on a computer of his own ever asks for."""

    model_config = ConfigDict(alias_generator=lambda name: f"DIGIT_LAB_{name.upper()}")

    max_queued: int = setting(
        1_000, "Waiting runs of a visitor", "How many runs each visitor may have waiting or paused.",
        low=0, high=1_000_000, unit="runs", zero="no limit",
    )  # fmt: skip
    max_stored: int = setting(
        20_000, "Stored runs of a visitor", "How many runs each visitor may have in the lists, whatever their state.",
        low=0, high=1_000_000, unit="runs", zero="no limit",
    )  # fmt: skip
    max_visitor_gb: float = setting(
        0.0, "Disk of a visitor", "How much the weights and answers of each visitor's runs may take.",
        low=0.0, high=1_000_000.0, unit="GB", zero="no limit",
    )  # fmt: skip
    max_disk_gb: float = setting(
        200.0, "Disk of all runs", "How much all stored runs may take together; it holds for the command line, too.",
        low=0.0, high=1_000_000.0, unit="GB", zero="no limit",
    )  # fmt: skip
    max_upload_mb: int = setting(
        200, "Uploads of a visit", "How much one visit may upload in all; the server keeps it in memory until the visit ends.",
        low=1, high=1_000_000, unit="MB",
    )  # fmt: skip


def limits() -> Limits:
    """What the environment allows. Raises ConfigError with the variable, its value and its range."""
    by_variable = {str(Limits.model_fields[each.name].alias): each for each in settings(Limits)}
    values = {
        variable: each.typed(text)
        for variable, each in by_variable.items()
        if (text := os.environ.get(variable, "").strip())
    }
    try:
        return Limits.model_validate(values)
    except ValidationError as error:
        raise config_error(error, [replace(each, name=variable) for variable, each in by_variable.items()]) from None


def check(db: sqlite3.Connection, owner: str, tokens: Sequence[str | None]) -> None:
    """Called with the write lock held, before a run is created for each of the tokens: those that exist already are not new.
    Raises RunError where the new ones would be more than allowed, ConfigError where the environment says nonsense."""
    n_new = sum(not db.execute("SELECT 1 FROM runs WHERE token = ?", (token,)).fetchone() for token in tokens)
    if n_new:
        allowed = limits()
        _check_disk(db, allowed)
        if _VISITOR.fullmatch(owner):
            _check_disk_of(db, allowed, owner)
            _check_runs(db, allowed, owner, waiting=n_new, stored=n_new)


def check_imported(db: sqlite3.Connection, owner: str) -> None:
    """The same before a run that has ended comes in from elsewhere."""
    allowed = limits()
    _check_disk(db, allowed)
    if _VISITOR.fullmatch(owner):
        _check_disk_of(db, allowed, owner)
        _check_runs(db, allowed, owner, waiting=0, stored=1)


def check_disk(db: sqlite3.Connection) -> None:
    """The same before something that is no run is written."""
    _check_disk(db, limits())


def check_restored(db: sqlite3.Connection, run_id: str) -> None:
    """The same before a deleted run comes back, so that deleting and bringing back makes no more of them."""
    row = db.execute(
        "SELECT owner, status AS ended FROM runs LEFT JOIN summaries USING (run_id) WHERE run_id = ? AND deleted_utc NOT NULL",
        (run_id,),
    ).fetchone()
    if row and _VISITOR.fullmatch(row["owner"]):
        _check_runs(db, limits(), row["owner"], waiting=0 if row["ended"] else 1, stored=1)


def _check_disk(db: sqlite3.Connection, allowed: Limits) -> None:
    if not allowed.max_disk_gb:
        return
    files = f"SELECT SUM(bytes) AS bytes FROM (SELECT MAX(bytes) AS bytes FROM ({FILES}) GROUP BY sha256)"  # noqa: S608 - from here
    pages = db.execute("PRAGMA page_count").fetchone()[0] * db.execute("PRAGMA page_size").fetchone()[0]
    taken = pages + (db.execute(files).fetchone()["bytes"] or 0)
    if taken >= allowed.max_disk_gb * GB_BYTES:
        raise RunError(
            f"The stored runs take {taken / GB_BYTES:,.3g} GB, and no new one begins where they take "
            f"{allowed.max_disk_gb:g} GB or more (DIGIT_LAB_MAX_DISK_GB). Delete runs that nobody needs; their room is free "
            "a day later."
        )


def _check_runs(db: sqlite3.Connection, allowed: Limits, owner: str, *, waiting: int, stored: int) -> None:
    """waiting, stored: how many would be added"""
    own = "SELECT COUNT(*) FROM runs r WHERE owner = ? AND deleted_utc IS NULL"
    n_stored = db.execute(own, (owner,)).fetchone()[0]
    if waiting and allowed.max_queued:
        unended = " AND worker IS NULL AND NOT EXISTS (SELECT 1 FROM summaries s WHERE s.run_id = r.run_id)"
        n_waiting = db.execute(own + unended, (owner,)).fetchone()[0]
        if n_waiting + waiting > allowed.max_queued:
            raise RunError(
                f"You have {_runs(n_waiting)} waiting or paused, and with {waiting:,} more it would be more than the "
                f"{allowed.max_queued:,} that each visitor may have. Let some begin or take some out of the queue first."
            )
    if allowed.max_stored and n_stored + stored > allowed.max_stored:
        raise RunError(
            f"You have {_runs(n_stored)} stored, and with {stored:,} more it would be more than the {allowed.max_stored:,} "
            "that each visitor may have. Delete some that you no longer need first."
        )


def _runs(n: int) -> str:
    return f"{n:,} run{'' if n == 1 else 's'}"


def _check_disk_of(db: sqlite3.Connection, allowed: Limits, owner: str) -> None:
    if not allowed.max_visitor_gb:
        return
    query = f"SELECT SUM(bytes) AS bytes FROM ({FILES}) JOIN runs USING (run_id) WHERE owner = ?"  # noqa: S608 - from here
    taken = db.execute(query, (owner,)).fetchone()["bytes"] or 0
    if taken >= allowed.max_visitor_gb * GB_BYTES:
        raise RunError(
            f"Your runs take {taken / GB_BYTES:,.3g} GB, and each visitor may begin no new one where they take "
            f"{allowed.max_visitor_gb:g} GB or more. Delete some of them; their room is free a day later."
        )
