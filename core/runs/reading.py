"""Bulk reads: one SQL query for any number of runs; and what is stored of each validation image."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.engine.events import ValidationHits, unpack
from core.runs.store import Store


def epoch_ends(store: Store, run_ids: Iterable[str]) -> dict[str, list[Mapping[str, Any]]]:
    """Of each run the ends of its epochs in order, as ``core.engine.events.to_json`` writes ``EpochEnd``; [] for none."""
    ends: dict[str, list[Mapping[str, Any]]] = {run_id: [] for run_id in run_ids}
    query = """SELECT run_id, payload FROM events
        WHERE kind = 'epoch' AND run_id IN (SELECT value FROM json_each(?)) ORDER BY seq"""
    for row in store.database.read(query, json.dumps(list(ends))):
        ends[row["run_id"]].append(json.loads(row["payload"]))
    return ends


def weight_bytes(store: Store) -> dict[str, int]:
    """How large the file of each run's best weights is, in bytes; runs without one are not in it."""
    rows = store.database.read("SELECT run_id, bytes FROM artefacts WHERE role = 'best'")
    return {row["run_id"]: row["bytes"] for row in rows}


def validation_hits(store: Store, run_id: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """After which epochs a run's validation images were read, (E,), and which of them correctly, (E, N).

    E = 0 when that is not known: a run that held none out, came with the program, or was made by an earlier version.
    """
    query = "SELECT payload FROM events WHERE run_id = ? AND kind = ? ORDER BY seq"
    rows = [json.loads(row["payload"]) for row in store.database.read(query, run_id, ValidationHits.kind)]
    right = [unpack(row["right"], row["n"]) for row in rows]
    epochs = np.array([row["epoch"] for row in rows], np.float64)
    return epochs, np.array(right, bool) if rows else np.zeros((0, 0), bool)
