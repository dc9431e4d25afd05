"""Bulk reads: one SQL query for any number of runs; what is stored of each validation image; and the newest weights."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.engine.events import Arrays, ValidationHits, unpack
from core.runs import kept, writing
from core.runs.checksums import EVENT_COLUMNS, is_sound, sound_events
from core.runs.queries import UNENDED
from core.runs.store import Store


def unended(store: Store) -> dict[str, bool]:
    """The ids of the runs that have not ended, the newest first, and whether a worker has each of them."""
    return {row["run_id"]: bool(row["claimed"]) for row in store.database.read(UNENDED)}


def ids_of_group(store: Store, group: str) -> list[str]:
    """The ids of the runs of a comparison, the newest first."""
    query = "SELECT run_id FROM runs WHERE group_id = ? AND deleted_utc IS NULL ORDER BY number DESC"
    return [row["run_id"] for row in store.database.read(query, group)]


def count_runs(store: Store) -> int:
    """How many runs there are."""
    return int(store.database.read("SELECT COUNT(*) AS n FROM runs WHERE deleted_utc IS NULL")[0]["n"])


def epoch_ends(store: Store, run_ids: Iterable[str]) -> dict[str, list[Mapping[str, Any]]]:
    """Of each run the ends of its epochs in order, as ``core.engine.events.to_json`` writes ``EpochEnd``; [] for none."""
    asked = list(dict.fromkeys(run_ids))
    query = f"""SELECT {EVENT_COLUMNS}, run_id FROM events
        WHERE kind = 'epoch' AND run_id IN (SELECT value FROM json_each(?)) ORDER BY seq"""  # noqa: S608 - from here
    rows: dict[str, list[tuple[Any, ...]]] = {run_id: [] for run_id in asked}
    for *event, run_id in store.database.read(query, json.dumps(asked)):
        rows[run_id].append(tuple(event))
    return {run_id: [event for _, event in sound_events(run_id, rows[run_id])] for run_id in asked}


def weight_bytes(store: Store) -> dict[str, int]:
    """How large the file of each run's best weights is, in bytes; runs without one are not in it."""
    rows = store.database.read("SELECT * FROM artefacts WHERE role = 'best'")
    return {row["run_id"]: row["bytes"] for row in rows if is_sound("artefacts", row)}


def damaged_events_sentence(store: Store, run_id: str) -> str:
    """How many of a run's events are damaged and left out of everything that is read of it; "" where none is."""
    query = f"SELECT {EVENT_COLUMNS} FROM events WHERE run_id = ?"  # noqa: S608 - from here
    rows = store.database.read(query, run_id)
    n_damaged = len(rows) - len(sound_events(run_id, rows))
    if not n_damaged:
        return ""
    verb = "is" if n_damaged == 1 else "are"
    return f"{n_damaged:,} of the {len(rows):,} events of this run {verb} damaged and left out."


def validation_hits(store: Store, run_id: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """After which epochs a run's validation images were read, (E,), and which of them correctly, (E, N).

    E = 0 when that is not known: a run that held none out, came with the program, or was made by an earlier version.
    """
    query = f"SELECT {EVENT_COLUMNS} FROM events WHERE run_id = ? AND kind = ? ORDER BY seq"  # noqa: S608 - from here
    rows = [event for _, event in sound_events(run_id, store.database.read(query, run_id, ValidationHits.kind))]
    right = [unpack(row["right"], row["n"]) for row in rows]
    epochs = np.array([row["epoch"] for row in rows], np.float64)
    return epochs, np.array(right, bool) if rows else np.zeros((0, 0), bool)


@dataclass(frozen=True, eq=False, slots=True)
class Moment:
    """The weights of a run at one moment. epoch, step: passes over the training images and updates until then; step is None
    where it is not known"""

    epoch: float
    step: int | None
    weights: Arrays


def newest_weights(store: Store, run_id: str) -> tuple[Moment, Moment | None] | None:
    """The weights of a run's newest checkpoint and of the one before it; None before the first one.

    The one before is None after the first, and as soon as the run has ended, for it is not kept then. Of a run that came with
    the program there are only the best weights. Raises RunError when a file is missing or damaged, StorageError.
    """
    run_id = store.run(run_id).run_id
    both = kept.contents(store.database, store.root, run_id, "last", "last-before")
    read = both or kept.contents(store.database, store.root, run_id, "last")
    if read is not None:
        newest, *before = [
            Moment(scalars["epoch"], scalars["step"], writing.under(arrays, writing.WEIGHTS))
            for scalars, arrays in read
        ]
        return newest, before[0] if before else None
    best = kept.contents(store.database, store.root, run_id, "best")
    return (Moment(best[0][0]["best_epoch"], None, best[0][1]), None) if best else None
