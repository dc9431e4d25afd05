"""What the store asks its database more than once, or at length."""

from __future__ import annotations

import sqlite3

from core.runs.checksums import EVENT_COLUMNS

# Of a run, NULL where its settings are damaged; an index is made of it.
ARCHITECTURE = "CASE WHEN json_valid(config) THEN json_extract(config, '$.architecture') END"

# Every column of a ``Run`` in one statement; {where} selects the runs. "judged" events
# (``ValidationHits``) are bulky and drawn on no live chart.
SELECT = """
    SELECT r.*, s.status AS ended, s.payload AS summary, s.checksum AS summary_checksum,
        (SELECT seq FROM events e WHERE e.run_id = r.run_id AND kind != 'judged' ORDER BY seq DESC LIMIT 1) AS version,
        (SELECT checksum || ' ' || payload FROM events e WHERE e.run_id = r.run_id ORDER BY seq LIMIT 1) AS first,
        (SELECT checksum || ' ' || payload FROM events e WHERE e.run_id = r.run_id AND kind IN ('progress', 'epoch')
            ORDER BY seq DESC LIMIT 1) AS latest,
        (SELECT epoch FROM artefacts a WHERE a.run_id = r.run_id AND role = 'last') AS checkpoint_epoch,
        CASE WHEN r.worker IS NULL AND r.request = 'run' THEN
            (SELECT COUNT(*) FROM runs q WHERE q.worker IS NULL AND q.request = 'run' AND q.deleted_utc IS NULL
                AND q.number <= r.number) END AS place
    FROM runs r LEFT JOIN summaries s USING (run_id) WHERE {where} ORDER BY r.number DESC"""

HISTORY = f"""SELECT {EVENT_COLUMNS} FROM events
    WHERE run_id = ? AND seq > ? AND kind != 'judged' ORDER BY seq"""  # noqa: S608 - from here

# Who is next: the oldest of the queue, but first those that are to be wrapped up.
NEXT = """
    SELECT r.run_id FROM runs r LEFT JOIN summaries s USING (run_id) WHERE r.worker IS NULL
    AND r.deleted_utc IS NULL AND r.request != 'pause' AND s.status IS NULL ORDER BY r.request = 'run', r.number LIMIT 1"""

# Every file that a run names, with its size; one that several rows name is in the folder once.
FILE_TABLES = ("artefacts", "snapshots")
FILES = "SELECT run_id, sha256, bytes FROM artefacts UNION ALL SELECT run_id, sha256, bytes FROM snapshots"

# Out of sight: stopped while they waited, and nobody wrote anything about them.
DELETE_NEVER_BEGUN = """
    UPDATE runs SET deleted_utc = ? WHERE deleted_utc IS NULL AND tags = '[]' AND notes = ''
    AND run_id IN (SELECT run_id FROM summaries WHERE status = 'stopped')
    AND NOT EXISTS (SELECT 1 FROM events e WHERE e.run_id = runs.run_id)"""


def named_files(db: sqlite3.Connection) -> set[str]:
    """The SHA-256 of every file that a store of any version names; a damaged row may give what is none."""
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()}
    return {
        sha
        for table in FILE_TABLES
        if table in tables
        for (sha,) in db.execute(f"SELECT DISTINCT sha256 FROM {table}").fetchall()  # noqa: S608 - from here
    }
