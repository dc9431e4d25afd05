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
from zlib import crc32

from core.config import RunConfig
from core.engine.events import Arrays, Checkpoint, Diverged, Event, Failed, Finished, Snapshot, Started, to_json
from core.fields import SplitName
from core.runs import artefacts
from core.runs.checksums import EVENT_COLUMNS, checksum, is_sound, seal, sound_events
from core.runs.lease import is_alive
from core.runs.names import default_name
from core.runs.queries import ARCHITECTURE, FILE_TABLES, FILES
from core.runs.rows import Request, Role, Shipped, new_id

if TYPE_CHECKING:  # a page that lists runs does not wait for torch
    from core.engine.evaluate import Evaluation

FORMAT = 1  # of the artefacts' metadata
WEIGHTS, OPTIMIZER, OLD_OPTIMIZER = "weights/", "optimizer/", "optimiser/"  # the last in files of earlier versions
EVALUATION_ROLES: Mapping[SplitName, Role] = {"val": "eval-val", "test": "eval-test"}


def create(
    db: sqlite3.Connection,
    config: RunConfig,
    name: str,
    group: str,
    token: str | None,
    request: Request,
    now: str,
    owner: str,
    contestant: int | None = None,
) -> str:
    """Write a run, or find the one that the same token made before; returns its id."""
    existing = db.execute("SELECT run_id FROM runs WHERE token = ?", (token,)).fetchone()
    if existing is not None:
        return str(existing["run_id"])
    run_id = new_id()
    db.execute(
        "INSERT INTO runs(run_id, name, group_id, token, config, request, created_utc, contestant, architecture_place, owner) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (run_id, name, group, token, json.dumps(config.model_dump(mode="json")), request, now, contestant,
         next_place(db, config.architecture), owner),
    )  # fmt: skip
    name_by_settings(db, run_id, config)
    seal(db, "runs", "run_id = ?", run_id)
    return run_id


def name_by_settings(db: sqlite3.Connection, run_id: str, config: RunConfig) -> None:
    """Write what a new run is called unless somebody names it; where another is called so, with its number."""
    name = default_name(config)
    taken = db.execute("SELECT 1 FROM runs WHERE default_name = ? AND run_id != ?", (name, run_id)).fetchone()
    # Numbers are never given twice, so no other run is called that.
    query = "UPDATE runs SET default_name = ? || CASE WHEN ? THEN ', run ' || number ELSE '' END WHERE run_id = ?"
    db.execute(query, (name, taken is not None, run_id))


def append(db: sqlite3.Connection, root: Path, run_id: str, events: Sequence[Event]) -> list[str]:
    """Write events in order: a checkpoint as two artefacts, a snapshot as a file with a row of its own table, any other as a
    row. Returns the SHA-256 of what it replaced."""
    replaced, begun, seq = [], checksum(run_id, ""), last_seq(db)
    for event in events:
        if isinstance(event, Checkpoint):
            replaced += _keep_checkpoint(db, root, run_id, event)
            continue
        if isinstance(event, Snapshot):
            replaced += keep_snapshot(db, root, run_id, event)
            continue
        if isinstance(event, Started):
            replaced += _take_back(db, run_id, event.epoch)
        seq += 1
        write_event(db, run_id, seq, to_json(event), begun)
    return replaced


def write_event(db: sqlite3.Connection, run_id: str, seq: int, values: Mapping[str, Any], begun: int) -> None:
    """One event as plain values. seq: above all that were ever given · begun: the checksum of the run's id"""
    payload = json.dumps(values, allow_nan=False)
    check = crc32(f"{seq}\0{payload}".encode(), begun)
    row = (seq, run_id, values["event"], values.get("epoch"), values.get("step"), payload, check)
    query = "INSERT INTO events(seq, run_id, kind, epoch, step, payload, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)"
    db.execute(query, row)


def last_seq(db: sqlite3.Connection) -> int:
    """The highest number that an event was ever given; nobody else writes meanwhile."""
    last = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return int(last["seq"]) if last else 0


def keep(db: sqlite3.Connection, root: Path, run_id: str, role: Role, epoch: float, content: bytes) -> list[str]:
    """Make content durable, then name it as the run's artefact of this role. Returns the SHA-256 of what it replaced."""
    sha = artefacts.put(root, content)
    key = (run_id, role)
    old = db.execute("SELECT sha256 FROM artefacts WHERE run_id = ? AND role = ?", key).fetchone()
    query = "INSERT OR REPLACE INTO artefacts(run_id, role, epoch, sha256, bytes) VALUES (?, ?, ?, ?, ?)"
    db.execute(query, (*key, epoch, sha, len(content)))
    seal(db, "artefacts", "run_id = ? AND role = ?", *key)
    return [old["sha256"]] if old and old["sha256"] != sha else []


def keep_snapshot(db: sqlite3.Connection, root: Path, run_id: str, event: Snapshot) -> list[str]:
    """Keep the weights of a step. Returns the SHA-256 of what it replaced."""
    about = {**_about(db, run_id), "epoch": event.epoch, "step": event.step}
    content = artefacts.pack(about, event.weights)
    sha = artefacts.put(root, content)
    key = (run_id, event.step)
    old = db.execute("DELETE FROM snapshots WHERE run_id = ? AND step = ? RETURNING sha256", key).fetchone()
    query = "INSERT INTO snapshots(run_id, step, epoch, sha256, bytes) VALUES (?, ?, ?, ?, ?)"
    db.execute(query, (*key, event.epoch, sha, len(content)))
    seal(db, "snapshots", "run_id = ? AND step = ?", *key)
    return [old["sha256"]] if old and old["sha256"] != sha else []


def keep_evaluation(
    db: sqlite3.Connection, root: Path, run_id: str, epoch: float, split: SplitName, evaluation: Evaluation
) -> list[str]:
    """Keep what the weights of ``epoch`` answered on "val" or "test". Returns the SHA-256 of what it replaced."""
    metadata = {"format": FORMAT, "on": split}  # the key's name in the files of every version
    content = artefacts.pack(metadata, {"logits": evaluation.logits, "labels": evaluation.labels})
    return keep(db, root, run_id, EVALUATION_ROLES[split], epoch, content)


def figures(evaluations: Mapping[SplitName, Evaluation]) -> dict[str, Any]:
    """What a summary says about each split: accuracy (fraction), loss (nats per image, None when not a number), n."""
    values: dict[str, Any] = {}
    for split, evaluation in evaluations.items():
        score = evaluation.score
        loss = score.loss if math.isfinite(score.loss) else None
        values |= {f"{split}_acc": score.accuracy, f"{split}_loss": loss, f"n_{split}": score.n}
    return values


def adopt(db: sqlite3.Connection, root: Path, shipped: Shipped) -> None:
    """Write a run that came with the program, unless it is here or was deleted here.

    Its number lies below 0 and below all others, so that it counts as older than every run that was made here.
    """
    lowest = db.execute("SELECT MIN(number) AS number FROM runs").fetchone()["number"]
    row = (
        min(lowest or 0, 0) - 1, shipped.run_id, shipped.name, json.dumps(shipped.config), json.dumps(shipped.manifest),
        shipped.created_utc, next_place(db, shipped.config["architecture"]),
    )  # fmt: skip
    new = db.execute(
        "INSERT INTO runs(number, run_id, name, group_id, config, manifest, request, created_utc, architecture_place) "
        "VALUES (?, ?, ?, '', ?, ?, 'stop', ?, ?) ON CONFLICT(run_id) DO NOTHING",
        row,
    )
    if new.rowcount:
        seal(db, "runs", "run_id = ?", shipped.run_id)
        append(db, root, shipped.run_id, [*shipped.events, *shipped.snapshots])
        best_epoch = shipped.figures["best_epoch"]
        content = artefacts.pack(_about_best(db, shipped.run_id, best_epoch), shipped.weights)
        keep(db, root, shipped.run_id, "best", best_epoch, content)
        end(db, shipped.run_id, shipped.events[-1], shipped.figures)


def end(db: sqlite3.Connection, run_id: str, event: Event, figures: Mapping[str, Any]) -> None:
    """Write the summary, with ``figures`` of what was judged; with it the run has ended."""
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
    write_summary(db, run_id, {**summary, **figures})


def write_summary(db: sqlite3.Connection, run_id: str, summary: Mapping[str, Any]) -> None:
    """Write a summary as it is; with it the run has ended."""
    query = "INSERT INTO summaries(run_id, status, payload) VALUES (?, ?, ?)"
    db.execute(query, (run_id, summary["status"], json.dumps(summary, allow_nan=False)))
    seal(db, "summaries", "run_id = ?", run_id)


def describe(db: sqlite3.Connection, run_id: str, values: Mapping[str, str]) -> None:
    """Write what is said about a run, by its column: name, tags, notes, manifest."""
    for column, value in values.items():
        db.execute(f"UPDATE runs SET {column} = ? WHERE run_id = ?", (value, run_id))  # noqa: S608 - never a user's text
    seal(db, "runs", "run_id = ?", run_id)


def forget(db: sqlite3.Connection, root: Path, before: str) -> None:
    """Remove the runs deleted before a time (ISO 8601), but for those that a living worker has, groups without any run, digits
    of the class set, and challenges.

    A deleted run that came with the program stays deleted and remembered: forgotten, it would be taken in anew.
    """
    query = "SELECT run_id, worker FROM runs WHERE deleted_utc < ? AND number > 0"
    for row in db.execute(query, (before,)).fetchall():
        if not (row["worker"] and is_alive(root, row["worker"], tries=3)):
            db.execute("DELETE FROM runs WHERE run_id = ?", (row["run_id"],))
    db.execute("DELETE FROM groups WHERE group_id NOT IN (SELECT group_id FROM runs)")
    db.execute("DELETE FROM class_set WHERE deleted_utc < ?", (before,))
    db.execute("DELETE FROM challenges WHERE deleted_utc < ?", (before,))
    db.execute("DELETE FROM challenge_runs WHERE challenge_id NOT IN (SELECT challenge_id FROM challenges)")


def drop(db: sqlite3.Connection, root: Path, shas: Sequence[str]) -> None:
    """Remove replaced files, unless another run names the same content."""
    for sha in shas:
        if not db.execute(f"SELECT 1 FROM ({FILES}) WHERE sha256 = ?", (sha,)).fetchone():  # noqa: S608 - from here
            artefacts.remove(root, sha)


def sound_files(db: sqlite3.Connection) -> set[str] | None:
    """The SHA-256 of every file that a run names; None where a row is damaged, for then the name of a file may be lost, and
    not the file."""
    rows = [(table, row) for table in FILE_TABLES for row in db.execute(f"SELECT * FROM {table}")]  # noqa: S608 - from here
    return {row["sha256"] for _, row in rows} if all(is_sound(table, row) for table, row in rows) else None


def under(arrays: Arrays, *prefixes: str) -> Arrays:
    """The arrays whose name starts with one of these prefixes, without it."""
    return {
        name.removeprefix(prefix): array
        for prefix in prefixes
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def next_place(db: sqlite3.Connection, architecture: str) -> int:
    """Of a new run among those of its architecture."""
    query = f"SELECT MAX(architecture_place) + 1 AS place FROM runs WHERE {ARCHITECTURE} = ?"  # noqa: S608 - from here
    return db.execute(query, (architecture,)).fetchone()["place"] or 0


def _keep_checkpoint(db: sqlite3.Connection, root: Path, run_id: str, event: Checkpoint) -> list[str]:
    about_best = _about_best(db, run_id, event.best_epoch)
    scalars = {name: value for name, value in to_json(event).items() if name != "event"}
    arrays = {WEIGHTS + name: array for name, array in event.weights.items()}
    arrays |= {OPTIMIZER + name: array for name, array in event.optimizer.items()}
    replaced = drop_earlier_checkpoint(db, run_id)
    for role in ("best", "last"):
        db.execute(f"UPDATE artefacts SET role = '{role}-before' WHERE run_id = ? AND role = '{role}'", (run_id,))  # noqa: S608 - from here
        seal(db, "artefacts", "run_id = ? AND role = ?", run_id, f"{role}-before")
    keep(db, root, run_id, "best", event.best_epoch, artefacts.pack(about_best, event.best_weights))
    keep(db, root, run_id, "last", event.epoch, artefacts.pack(scalars, arrays))
    return replaced


def drop_earlier_checkpoint(db: sqlite3.Connection, run_id: str) -> list[str]:
    """Name the checkpoint before the last no more. Returns the SHA-256 of its files."""
    rows = db.execute(
        "DELETE FROM artefacts WHERE run_id = ? AND role IN ('best-before', 'last-before') RETURNING sha256", (run_id,)
    )
    return [row["sha256"] for row in rows.fetchall()]


def _about_best(db: sqlite3.Connection, run_id: str, best_epoch: float) -> dict[str, Any]:
    return {**_about(db, run_id), "best_epoch": best_epoch}


def _about(db: sqlite3.Connection, run_id: str) -> dict[str, Any]:
    """What a file of weights says besides them, so that it can be read on its own."""
    config = json.loads(db.execute("SELECT config FROM runs WHERE run_id = ?", (run_id,)).fetchone()["config"])
    started = _newest(db, run_id, "'started'")
    return {
        "format": FORMAT, "architecture": config["architecture"], "config": config,
        "mean": started.get("mean"), "std": started.get("std"),
    }  # fmt: skip


def _take_back(db: sqlite3.Connection, run_id: str, epoch: float) -> list[str]:
    """A run starts (again) at the end of ``epoch``: what was told beyond it is going to be told once more. Returns the SHA-256
    of the weights that were kept beyond it."""
    resumes = db.execute("SELECT 1 FROM artefacts WHERE run_id = ? AND role = 'last'", (run_id,)).fetchone()
    beyond = (run_id, epoch if resumes else -1)
    db.execute("DELETE FROM events WHERE run_id = ? AND epoch > ?", beyond)
    rows = db.execute("DELETE FROM snapshots WHERE run_id = ? AND epoch > ? RETURNING sha256", beyond)
    return [row["sha256"] for row in rows.fetchall()]


def _newest(db: sqlite3.Connection, run_id: str, kinds: str) -> dict[str, Any]:
    """The newest event of these kinds that is not damaged."""
    query = f"SELECT {EVENT_COLUMNS} FROM events WHERE run_id = ? AND kind IN ({kinds}) ORDER BY seq DESC"  # noqa: S608 - from here
    for row in db.execute(query, (run_id,)):
        for _, event in sound_events(run_id, [row]):
            return event
    return {}


def _speed(db: sqlite3.Connection, run_id: str, newest: Mapping[str, Any]) -> float | None:
    """Training images per second: the median over whole epochs, else the newest figure."""
    query = f"SELECT {EVENT_COLUMNS} FROM events WHERE run_id = ? AND kind = 'epoch' AND epoch >= 1"  # noqa: S608 - from here
    speeds = [event["images_per_s"] for _, event in sound_events(run_id, db.execute(query, (run_id,)))]
    measured = [speed for speed in speeds if speed is not None]
    return statistics.median(measured) if measured else newest.get("images_per_s")


def _reason(event: Event) -> str:
    if isinstance(event, Finished):
        return "" if event.reason == "completed" else event.reason
    if isinstance(event, Diverged):
        where = f"step {event.step:,} (epoch {event.epoch:.2f}, learning rate {event.lr:g})"
        return f"The loss stopped being a number at {where}. A lower learning rate usually helps."
    return event.message if isinstance(event, Failed) else ""
