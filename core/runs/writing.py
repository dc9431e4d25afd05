"""What one transaction of the store writes about a run. Every function is called with the write lock held, and raises
sqlite3.Error or OSError when the database or the disk does not do its part."""

from __future__ import annotations

import json
import math
import sqlite3
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.engine.events import Arrays, Checkpoint, Diverged, Event, Failed, Finished, Started, to_json
from core.runs import artefacts
from core.runs.rows import Role

if TYPE_CHECKING:  # a page that lists runs does not wait for torch
    from core.engine.evaluate import Evaluation

FORMAT = 1  # of the artefacts' metadata
WEIGHTS, OPTIMISER = "weights/", "optimiser/"


def append(db: sqlite3.Connection, root: Path, run_id: str, events: Sequence[Event]) -> list[str]:
    """Write events in order: a checkpoint as two artefacts, any other as a row. Returns the SHA-256 of what it replaced."""
    replaced = []
    for event in events:
        if isinstance(event, Checkpoint):
            replaced += _keep_checkpoint(db, root, run_id, event)
            continue
        if isinstance(event, Started):
            _take_back(db, run_id, event.epoch)
        values = to_json(event)
        db.execute(
            "INSERT INTO events(run_id, kind, epoch, step, payload) VALUES (?, ?, ?, ?, ?)",
            (run_id, event.kind, values.get("epoch"), values.get("step"), json.dumps(values, allow_nan=False)),
        )
    return replaced


def keep(db: sqlite3.Connection, root: Path, run_id: str, role: Role, epoch: float, content: bytes) -> list[str]:
    """Make content durable, then name it as the run's artefact of this role. Returns the SHA-256 of what it replaced."""
    sha = artefacts.put(root, content)
    key = (run_id, role)
    old = db.execute("SELECT sha256 FROM artefacts WHERE run_id = ? AND role = ?", key).fetchone()
    db.execute("INSERT OR REPLACE INTO artefacts VALUES (?, ?, ?, ?, ?)", (*key, epoch, sha, len(content)))
    return [old["sha256"]] if old and old["sha256"] != sha else []


def end(db: sqlite3.Connection, run_id: str, event: Event, evaluations: Mapping[str, Evaluation]) -> None:
    """Write the summary; with it the run has ended."""
    values = to_json(event)
    newest = _newest(db, run_id, "'progress', 'epoch'")
    summary: dict[str, Any] = {
        "status": event.kind,
        "epoch": values.get("epoch", newest.get("epoch", 0)),
        "step": values.get("step", newest.get("step", 0)),
        "seconds": values["seconds"],
        "best_epoch": values.get("best_epoch"),
        "n_params": _newest(db, run_id, "'started'").get("n_params"),
        "images_per_s": _speed(db, run_id, newest),
        "reason": _reason(event),
    }
    if isinstance(event, Failed):
        summary["detail"] = event.detail
    for on, evaluation in evaluations.items():
        score = evaluation.score
        loss = score.loss if math.isfinite(score.loss) else None
        summary |= {f"{on}_acc": score.accuracy, f"{on}_loss": loss, f"n_{on}": score.n}
    db.execute("INSERT INTO summaries VALUES (?, ?, ?)", (run_id, event.kind, json.dumps(summary, allow_nan=False)))


def under(prefix: str, arrays: Arrays) -> Arrays:
    """The arrays whose name starts with a prefix, without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _keep_checkpoint(db: sqlite3.Connection, root: Path, run_id: str, event: Checkpoint) -> list[str]:
    config = json.loads(db.execute("SELECT config FROM runs WHERE run_id = ?", (run_id,)).fetchone()["config"])
    started = _newest(db, run_id, "'started'")
    about_best = {
        "format": FORMAT, "architecture": config["architecture"], "config": config,
        "mean": started.get("mean"), "std": started.get("std"), "best_epoch": event.best_epoch,
    }  # fmt: skip
    scalars = {name: value for name, value in to_json(event).items() if name != "event"}
    arrays = {WEIGHTS + name: array for name, array in event.weights.items()}
    arrays |= {OPTIMISER + name: array for name, array in event.optimiser.items()}
    best = keep(db, root, run_id, "best", event.best_epoch, artefacts.pack(about_best, event.best_weights))
    return best + keep(db, root, run_id, "last", event.epoch, artefacts.pack(scalars, arrays))


def _take_back(db: sqlite3.Connection, run_id: str, epoch: float) -> None:
    """A run starts (again) at the end of ``epoch``: what was told beyond it is going to be told once more."""
    resumes = db.execute("SELECT 1 FROM artefacts WHERE run_id = ? AND role = 'last'", (run_id,)).fetchone()
    db.execute("DELETE FROM events WHERE run_id = ? AND epoch > ?", (run_id, epoch if resumes else -1))


def _newest(db: sqlite3.Connection, run_id: str, kinds: str) -> dict[str, Any]:
    query = f"SELECT payload FROM events WHERE run_id = ? AND kind IN ({kinds}) ORDER BY seq DESC LIMIT 1"  # noqa: S608 - from here
    row = db.execute(query, (run_id,)).fetchone()
    return {} if row is None else dict(json.loads(row["payload"]))


def _speed(db: sqlite3.Connection, run_id: str, newest: Mapping[str, Any]) -> float | None:
    """Training images per second: the median over whole epochs, else the newest figure."""
    query = "SELECT payload FROM events WHERE run_id = ? AND kind = 'epoch' AND epoch >= 1"
    speeds = [json.loads(row["payload"])["images_per_s"] for row in db.execute(query, (run_id,))]
    known = [speed for speed in speeds if speed is not None]
    return statistics.median(known) if known else newest.get("images_per_s")


def _reason(event: Event) -> str:
    if isinstance(event, Finished):
        return "" if event.reason == "completed" else event.reason
    if isinstance(event, Diverged):
        where = f"step {event.step:,} (epoch {event.epoch:.2f}, learning rate {event.lr:g})"
        return f"The loss stopped being a number at {where}. A lower learning rate usually helps."
    return event.message if isinstance(event, Failed) else ""
