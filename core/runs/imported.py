"""A run that was made elsewhere, taken into a store from its bundle under the id that it has there."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from core.errors import RunError
from core.runs import bundles, quota, writing
from core.runs.bundle_checks import Bundle
from core.runs.checksums import checksum, seal
from core.runs.group_bundles import GroupBundle
from core.runs.manifest import IMPORTED
from core.runs.store import Store


class Imported(NamedTuple):
    """is_new: False where a run of this id is here already, which then stays as it is"""

    run_id: str
    is_new: bool


def import_bundle(store: Store, content: bytes, owner: str) -> Imported:
    """Take in the run of a bundle, all of it or nothing; it belongs to whoever imports it.

    Weights, answers, events and results are byte for byte those of the bundle. Its comparison stays where it is. Checking the
    weights loads torch, so the calling thread has said how many cores it takes. Raises RunError when it is no sound bundle,
    when the run is here but was deleted, and when it would be more than is allowed; StorageError.
    """
    bundle = bundles.read(content)
    with store.database.write() as db:
        is_new = not _is_here(db, bundle.run_id)
        if is_new:
            quota.check_imported(db, owner)
            _write(db, store.root, bundle, owner)
    return Imported(bundle.run_id, is_new)


def import_group(store: Store, bundle: GroupBundle, owner: str) -> int:
    """Take in a comparison and those of its runs that are not here, all of it or nothing; returns how many runs are new.

    A run that is here already stays as it is, and outside of the comparison if it was imported alone. A comparison of this id
    that is here keeps its plan. Raises as ``import_bundle`` does.
    """
    with store.database.write() as db:
        new = [run for run in bundle.runs if not _is_here(db, run.run_id)]
        here = db.execute("SELECT 1 FROM groups WHERE group_id = ?", (bundle.group_id,)).fetchone()
        if here is None and new:
            db.execute(
                "INSERT INTO groups(group_id, name, kind, plan, created_utc) VALUES (?, ?, ?, ?, ?)",
                (
                    bundle.group_id,
                    bundle.name,
                    bundle.kind,
                    json.dumps(bundle.plan, allow_nan=False),
                    bundle.created_utc,
                ),
            )
            seal(db, "groups", "group_id = ?", bundle.group_id)
        for run in new:
            quota.check_imported(db, owner)
            _write(db, store.root, run, owner, bundle.group_id, bundle.contestants[run.run_id])
    return len(new)


def _is_here(db: sqlite3.Connection, run_id: str) -> bool:
    """Raises RunError for a run that was deleted and is not gone yet."""
    row = db.execute("SELECT deleted_utc FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    if row is not None and row["deleted_utc"]:
        raise RunError("This run was here, and was deleted. It can be imported a day later, when it is gone for good.")
    return row is not None


def _write(
    db: sqlite3.Connection, root: Path, bundle: Bundle, owner: str, group: str = "", contestant: int | None = None
) -> None:
    run_id = bundle.run_id
    manifest = {**bundle.environment, IMPORTED: datetime.now(UTC).isoformat()}
    db.execute(
        "INSERT INTO runs(run_id, name, group_id, contestant, config, manifest, request, created_utc, tags, notes, "
        "architecture_place, owner) VALUES (?, ?, ?, ?, ?, ?, 'stop', ?, ?, ?, ?, ?)",
        (run_id, bundle.name, group, contestant, json.dumps(bundle.config), json.dumps(manifest), bundle.created_utc,
         json.dumps(bundle.tags), bundle.notes, writing.next_place(db, bundle.settings.architecture), owner),
    )  # fmt: skip
    writing.name_by_settings(db, run_id, bundle.settings)
    seal(db, "runs", "run_id = ?", run_id)
    begun = checksum(run_id, "")
    for seq, event in enumerate(bundle.events, writing.last_seq(db) + 1):
        writing.write_event(db, run_id, seq, event, begun)
    for role, content in bundle.artefacts.items():
        writing.keep(db, root, run_id, role, bundle.best_epoch, content)
    writing.write_summary(db, run_id, bundle.summary)
