"""What is read back from a run's artefacts: a checkpoint to go on from, weights to answer with, answers that were kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.engine.events import Checkpoint
from core.errors import RunError
from core.runs import artefacts, writing
from core.runs.checksums import is_sound
from core.runs.rows import Role, next_of_old_checkpoint
from core.runs.schema import Database, StorageError, storage_problems

Content = tuple[dict[str, Any], dict[str, Any]]  # metadata, arrays


def contents(database: Database, root: Path, run_id: str, *roles: Role) -> list[Content] | None:
    """The content per role, all of one moment; None unless the run has each of them.

    Raises RunError for a file that is missing or damaged, StorageError.
    """
    before = None
    while True:
        rows = database.read("SELECT * FROM artefacts WHERE run_id = ?", run_id)
        names = {row["role"]: row["sha256"] for row in rows}
        if not names.keys() >= set(roles):
            return None
        if not all(is_sound("artefacts", row) for row in rows if row["role"] in roles):
            raise RunError("What the store says about the saved weights of this run was changed or damaged.")
        try:
            with storage_problems():
                return [artefacts.unpack(artefacts.get(root, names[role])) for role in roles]
        except RunError:
            if names == before:  # else the run has moved on since its row was read, and has newer files
                raise
            before = names


def checkpoint(
    database: Database, root: Path, run_id: str, training: Callable[[], Mapping[str, Any]]
) -> Checkpoint | None:
    """See ``Store.checkpoint``. training: reads the run's settings of that section, which only an old checkpoint needs."""
    try:
        read = contents(database, root, run_id, "last", "best")
    except StorageError:
        raise
    except RunError:
        read = contents(database, root, run_id, "last-before", "best-before")
        if read is None:
            raise
    if read is None:
        return None
    (scalars, arrays), (_, best_weights) = read
    if "next" not in scalars:
        scalars["next"] = next_of_old_checkpoint(scalars, training())
    weights = writing.under(arrays, writing.WEIGHTS)
    optimizer = writing.under(arrays, writing.OPTIMIZER, writing.OLD_OPTIMIZER)
    return Checkpoint(**scalars, weights=weights, best_weights=best_weights, optimizer=optimizer)


def best_epoch(database: Database, run_id: str) -> float:
    """Of the best weights so far; 0 before the first ones."""
    rows = database.read("SELECT epoch FROM artefacts WHERE run_id = ? AND role = 'best'", run_id)
    return float(rows[0]["epoch"]) if rows else 0.0
