"""The store: what was asked for, what happened and what came out, in one SQLite file and files named by their content.

The store is the truth and the row is the commit: an artefact is made durable first and named by a row afterwards, in the
same transaction as the events it belongs to. Any number of threads and processes may share a store; writers take turns.
Every method raises StorageError when the disk or the database does not do its part, and RunError for an unknown run.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.config import RunConfig
from core.data.paths import runs_root as runs_root  # where a store lies if nobody says otherwise
from core.engine.events import Arrays, Checkpoint, Event
from core.errors import RunError
from core.fields import SplitName
from core.runs import artefacts, kept, prerequisites, queue, quota, writing
from core.runs.checksums import sound_events
from core.runs.lease import is_alive
from core.runs.listing import Listing
from core.runs.manifest import after_resume
from core.runs.opening import open_database
from core.runs.queries import DELETE_NEVER_BEGUN, HISTORY, IN_LIST, NEXT, SELECT
from core.runs.rows import (
    DamagedRun,
    Request,
    Role,
    Run,
    check_name,
    check_notes,
    check_prefix,
    check_tags,
    read_run,
)  # fmt: skip

if TYPE_CHECKING:  # a page that lists runs does not wait for torch
    from core.engine.evaluate import Evaluation

UNDO_TIME = timedelta(days=1)


class Store:
    """An open store. Raises RunError when it was written by a newer version.

    notice: a sentence for people when something is amiss with the store as a whole, else ""
    database: the open file, for ``groups`` and ``reading`` next door
    holds: run_id -> sentence, for runs that this process can not advance at the moment, and why; their worker keeps it
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.holds: dict[str, str] = {}
        self.database, self.notice = open_database(root)
        self._listing = Listing(self.database, self._run)

    def close(self) -> None:
        """Close the file; the store can not be used afterwards."""
        self.database.close()

    # ---- asking for runs

    def create(
        self, config: RunConfig, *, name: str = "", group: str = "", token: str | None = None, request: Request = "run",
        owner: str = "",
    ) -> str:  # fmt: skip
        """Queue a run and return its id; the same token gives the same run again (a double click makes one run).

        request: "pause" creates it without offering it to any worker, for whoever is going to ``drive`` it.
        owner: who asks for it (see ``core.runs.quota``). Raises ConfigError for a name that can not be shown and for a
        beginning that is not here (``core.runs.prerequisites``), RunError where it would be more than is allowed.
        """
        name, group = check_name(name), check_name(group, "group")
        with self.database.write() as db:
            quota.check(db, owner, [token])
            prerequisites.check(db, [config])
            return writing.create(db, config, name, group, token, request, _now().isoformat(), owner)

    def request(self, run_id: str, what: Request) -> None:
        """Ask the run to go on, to pause or to stop. A run that has ended stays as it is.

        "run" and "stop" put an interrupted run back into the queue, to go on (or to be wrapped up) from its last
        checkpoint. A run that never started is stopped at once.
        """
        run_id = self._full_id(run_id)
        if what != "pause":
            self.holds.pop(run_id, None)  # the worker takes that as "try again now"
        with self.database.write() as db:
            queue.request(db, self.root, run_id, what)

    def requested(self, run_id: str) -> Request:
        """What was asked for last ("stop" for a run that is gone); costs microseconds. ``run_id`` in full."""
        rows = self.database.read("SELECT request FROM runs WHERE run_id = ?", run_id)
        return rows[0]["request"] if rows else "stop"

    # ---- reading

    def runs(self, *, group: str | None = None, run_ids: Iterable[str] | None = None) -> list[Run]:
        """Every run, those of a group, or those of these ids (in full) that are there, the newest first; those that are
        damaged are no part of it."""
        return [run for run in self._listed(group, run_ids) if isinstance(run, Run)]

    def damaged_runs(self) -> list[DamagedRun]:
        """The runs whose rows are damaged, the newest first; they can be deleted."""
        return [run for run in self._listed() if isinstance(run, DamagedRun)]

    def run(self, run_id: str) -> Run:
        """One run by its id or the beginning of it (6 digits or more). Raises RunError: unknown, ambiguous, deleted or
        damaged."""
        (row,) = self.database.read(SELECT.format(where="r.run_id = ?"), self._full_id(run_id))
        run = self._run(row)
        if isinstance(run, DamagedRun):
            raise RunError(f"{run.name} is damaged. {run.reason}")
        return run

    def history(self, run_id: str, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """``(seq, event as plain values)`` for every event after a seq, but for ``ValidationHits`` and for those that are
        damaged (see ``core.runs.reading``: ``validation_hits``, ``damaged_events_sentence``).

        A "started" with an epoch above 0 says that the run went on from there: whatever was read before and lies beyond
        that epoch has been taken back, and comes again.
        """
        run_id = self._full_id(run_id)
        return sound_events(run_id, self.database.read(HISTORY, run_id, after))

    def checkpoint(self, run_id: str) -> Checkpoint | None:
        """What ``train(resume=)`` takes; None before the first one. When a file of the last is damaged or missing, it is the
        one before. Raises RunError when that can not be read either."""
        run_id = self._full_id(run_id)
        return kept.checkpoint(self.database, self.root, run_id, lambda: self.run(run_id).config["training"])

    def snapshot(self, run_id: str) -> tuple[dict[str, Any], Arrays]:
        """The best weights so far: ``(metadata, state dict name -> array)``.

        metadata: format, architecture, config, mean, std (of the training split) and best_epoch.
        Raises RunError when there are none yet, or when their file is damaged.
        """
        content = self._contents(run_id, "best")
        if content is None:
            raise RunError("This run has no weights yet: the first ones are kept about a second after the start.")
        return content

    def evaluation(self, run_id: str, split: SplitName) -> Evaluation | None:
        """The best weights' logits on "val" or "test"; None until the run has ended. Raises RunError when damaged."""
        from core.engine.evaluate import Evaluation

        content = self._contents(run_id, writing.EVALUATION_ROLES[split])
        return None if content is None else Evaluation(**content[1])

    # ---- a worker's side

    def claim(self, worker_id: str, run_id: str | None = None) -> str | None:
        """Give a run to a worker, in one step that only one of several can win: the first of the queue, in which owners take
        turns (before it those that are to be wrapped up), or a chosen one that no living worker has. Returns its id, None when
        there is none.
        """
        if run_id is not None:
            run_id = self._full_id(run_id)
        elif not self.database.read(NEXT):  # asked often: the write lock is only taken when there is something to win
            return None
        with self.database.write() as db:
            return queue.claim(db, self.root, worker_id, run_id)

    def release(self, run_id: str, worker_id: str, *, interrupted: bool = False) -> None:
        """Undo ``claim``: the run is nobody's, and whoever takes it goes on from its last checkpoint; one that is interrupted
        waits until somebody asks for it."""
        with self.database.write() as db:
            queue.release(db, run_id, worker_id, interrupted=interrupted)

    def commit(
        self,
        run_id: str,
        events: Sequence[Event],
        *,
        manifest: Mapping[str, Any] | None = None,
        worker_id: str | None = None,
    ) -> None:
        """Write events, and the artefacts of a checkpoint among them, in one transaction: all of it or nothing.

        worker_id: who writes, None for whoever it is. Raises RunError when the run has already ended, or is another worker's.
        """
        with self.database.write() as db:
            row = queue.unended(db, run_id, worker_id)
            replaced = writing.append(db, self.root, run_id, events)
            if manifest is not None:
                merged = json.dumps(after_resume(json.loads(row["manifest"]), manifest))
                writing.describe(db, run_id, {"manifest": merged})
        self._drop(replaced)

    def finish(
        self,
        run_id: str,
        events: Sequence[Event],
        evaluations: Mapping[SplitName, Evaluation],
        *,
        worker_id: str | None = None,
    ) -> None:
        """Write the last events (the very last is a terminal one), the evaluations by split and the summary, in one
        transaction. Raises RunError when the run has already ended (nothing can follow), or is another worker's."""
        last = events[-1]
        with self.database.write() as db:
            queue.unended(db, run_id, worker_id)
            replaced = writing.append(db, self.root, run_id, events)
            epoch = getattr(last, "best_epoch", 0)
            for split, evaluation in evaluations.items():
                replaced += writing.keep_evaluation(db, self.root, run_id, epoch, split, evaluation)
            writing.end(db, run_id, last, writing.figures(evaluations))
            replaced += writing.drop_earlier_checkpoint(db, run_id)
        self._drop(replaced)

    def keep_evaluation(self, run_id: str, split: SplitName, evaluation: Evaluation) -> None:
        """Keep what an ended run answered on "val" or "test" later than at its end."""
        run = self.run(run_id)
        with self.database.write() as db:
            epoch = run.summary["best_epoch"]
            replaced = writing.keep_evaluation(db, self.root, run.run_id, epoch, split, evaluation)
        self._drop(replaced)

    # ---- housekeeping

    def annotate(
        self, run_id: str, *, name: str | None = None, tags: Iterable[str] | None = None, notes: str | None = None
    ) -> None:
        """Give the run another name ("" for its default), other tags, other notes; None leaves what is there.

        Raises ConfigError for what is too long or can not be shown, RunError for a run that is damaged.
        """
        values = {
            "name": None if name is None else check_name(name),
            "tags": None if tags is None else json.dumps(check_tags(tags)),
            "notes": None if notes is None else check_notes(notes),
        }
        run_id = self.run(run_id).run_id
        with self.database.write() as db:
            writing.describe(db, run_id, {column: value for column, value in values.items() if value is not None})

    def delete(self, run_id: str) -> None:
        """Put the run out of sight and stop it; ``restore`` undoes it for a day."""
        run_id = self._full_id(run_id)
        change = "deleted_utc = ?, request = CASE WHEN worker IS NULL THEN request ELSE 'stop' END"
        with self.database.write() as db:
            db.execute(f"UPDATE runs SET {change} WHERE run_id = ?", (_now().isoformat(), run_id))  # noqa: S608 - from here

    def delete_damaged(self, number: int) -> None:
        """The same for a run of ``damaged_runs``, of which even the id may be damaged."""
        with self.database.write() as db:
            db.execute("UPDATE runs SET deleted_utc = ? WHERE number = ?", (_now().isoformat(), number))

    def restore(self, run_id: str) -> None:
        """Undo ``delete``. Raises RunError when the run is gone for good, or its owner has too many by now."""
        run_id = self._full_id(run_id, deleted=True)
        with self.database.write() as db:
            quota.check_restored(db, run_id)
            db.execute("UPDATE runs SET deleted_utc = NULL WHERE run_id = ?", (run_id,))

    def purge(self) -> None:
        """Delete what was stopped before it began, unless somebody wrote about it, and ``free_room``."""
        with self.database.write() as db:
            db.execute(DELETE_NEVER_BEGUN, (_now().isoformat(),))
        self.free_room()

    def free_room(self) -> None:
        """Remove for good what was deleted more than a day ago, and every file that no run names."""
        with self.database.write() as db:
            writing.forget(db, self.root, (_now() - UNDO_TIME).isoformat())
        with self.database.write() as db:  # only now is it certain which files nobody names
            if (names := writing.sound_files(db)) is not None:
                artefacts.collect(self.root, names)

    # ---- inside

    def _listed(self, group: str | None = None, run_ids: Iterable[str] | None = None) -> list[Run | DamagedRun]:
        if group is None and run_ids is None:
            return self._listing.runs()
        conditions = {"r.group_id = ?": group, IN_LIST: None if run_ids is None else json.dumps(list(run_ids))}
        asked = {condition: value for condition, value in conditions.items() if value is not None}
        rows = self.database.read(SELECT.format(where=" AND ".join(("r.deleted_utc IS NULL", *asked))), *asked.values())
        return [self._run(row) for row in rows]

    def _run(self, row: sqlite3.Row) -> Run | DamagedRun:
        return read_run(row, **self._beside(row))

    def _beside(self, row: sqlite3.Row) -> dict[str, Any]:
        """What a run's status depends on beside its row."""
        alive = bool(row["worker"]) and not row["ended"] and is_alive(self.root, row["worker"])
        return {"alive": alive, "hold": "" if row["ended"] else self.holds.get(row["run_id"], "")}

    def _full_id(self, run_id: str, *, deleted: bool = False) -> str:
        prefix = check_prefix(run_id)
        rows = self.database.read(
            "SELECT run_id, deleted_utc FROM runs WHERE run_id >= ? AND run_id < ? LIMIT 2", prefix, prefix + "g"
        )
        if len(rows) != 1:
            raise RunError(f"More than one run starts with {prefix}." if rows else f"There is no run {prefix}.")
        if rows[0]["deleted_utc"] and not deleted:
            raise RunError("This run was deleted.")
        return str(rows[0]["run_id"])

    def _contents(self, run_id: str, role: Role) -> kept.Content | None:
        """``(metadata, arrays)`` of an artefact; None unless the run has it."""
        read = kept.contents(self.database, self.root, self._full_id(run_id), role)
        return None if read is None else read[0]

    def _drop(self, shas: Sequence[str]) -> None:
        """Remove replaced files, unless another run names the same content."""
        if not shas:
            return
        # What was to be written is written; files that are left here go with the next ``purge``.
        with contextlib.suppress(RunError), self.database.write() as db:
            writing.drop(db, self.root, shas)


def _now() -> datetime:
    return datetime.now(UTC)
