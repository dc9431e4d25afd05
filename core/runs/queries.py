"""What the store asks its database more than once, or at length."""

from __future__ import annotations

import sqlite3

from core.runs.checksums import EVENT_COLUMNS

# Of a run, NULL where its settings are damaged; an index is made of it.
ARCHITECTURE = "CASE WHEN json_valid(config) THEN json_extract(config, '$.architecture') END"

# Word for word the condition of the index "runs_waiting".
_IN_QUEUE = "worker IS NULL AND request = 'run' AND deleted_utc IS NULL"

# The queue, run_id and place (1 is next): owners take turns, and the one whose last turn is the longest ago comes first; an
# owner's own runs come in the order of their creation. ``first`` decides between owners who never had a turn. A run that is
# back in the queue does not count as a turn of its owner: it keeps the place that it had.
_QUEUE = f"""
    SELECT run_id, ROW_NUMBER() OVER (ORDER BY round, last_turn, first) AS place FROM (
        SELECT run_id, ROW_NUMBER() OVER own AS round, MIN(number) OVER own AS first,
            (SELECT IFNULL(MAX(turn), 0) FROM runs WHERE owner = r.owner AND NOT ({_IN_QUEUE})) AS last_turn
        FROM runs r WHERE {_IN_QUEUE} AND NOT EXISTS (SELECT 1 FROM summaries s WHERE s.run_id = r.run_id)
        WINDOW own AS (PARTITION BY owner ORDER BY number))"""  # noqa: S608 - from here

# Every column of a ``Run`` in one statement; {where} selects the runs. "judged" events
# (``ValidationHits``) are bulky and drawn on no live chart.
SELECT = (
    f"WITH queue AS MATERIALIZED ({_QUEUE})"  # noqa: S608 - from here
    """
    SELECT r.*, s.status AS ended, s.payload AS summary, s.checksum AS summary_checksum,
        (SELECT seq FROM events e WHERE e.run_id = r.run_id AND kind != 'judged' ORDER BY seq DESC LIMIT 1) AS version,
        (SELECT checksum || ' ' || seq || ' ' || payload FROM events e WHERE e.run_id = r.run_id ORDER BY seq LIMIT 1) AS first,
        (SELECT checksum || ' ' || seq || ' ' || payload FROM events e WHERE e.run_id = r.run_id
            AND kind IN ('progress', 'epoch') ORDER BY seq DESC LIMIT 1) AS latest,
        (SELECT epoch FROM artefacts a WHERE a.run_id = r.run_id AND role = 'last') AS checkpoint_epoch,
        CASE WHEN r.worker IS NULL AND r.request = 'run' THEN
            (SELECT place FROM queue q WHERE q.run_id = r.run_id) END AS place,
        CASE WHEN r.worker IS NULL AND r.request = 'run' THEN (SELECT COUNT(*) FROM queue) END AS queue_length
    FROM runs r LEFT JOIN summaries s USING (run_id) WHERE {where} ORDER BY r.number DESC"""
)

# Of every run what can still change when it has ended.
BRIEF = """
    SELECT r.*, s.status, s.payload, s.checksum FROM runs r LEFT JOIN summaries s USING (run_id)
    WHERE r.deleted_utc IS NULL ORDER BY r.number DESC"""

IN_LIST = "r.run_id IN (SELECT value FROM json_each(?))"  # a condition on runs; ? is a JSON list of ids

# Which runs have not ended, and whether a worker has them.
UNENDED = """
    SELECT r.run_id, r.worker IS NOT NULL AS claimed FROM runs r LEFT JOIN summaries s USING (run_id)
    WHERE r.deleted_utc IS NULL AND s.status IS NULL ORDER BY r.number DESC"""

HISTORY = f"""SELECT {EVENT_COLUMNS} FROM events
    WHERE run_id = ? AND seq > ? AND kind != 'judged' ORDER BY seq"""  # noqa: S608 - from here

# Who waits for a worker: the queue, but before it those that are to be wrapped up, the oldest first.
_WAITING = f"""
    SELECT run_id, 0 AS place, number FROM runs r LEFT JOIN summaries s USING (run_id)
        WHERE worker IS NULL AND request = 'stop' AND deleted_utc IS NULL AND s.status IS NULL
    UNION ALL SELECT run_id, place, 0 FROM ({_QUEUE})"""  # noqa: S608 - from here
NEXT = f"SELECT run_id FROM ({_WAITING}) ORDER BY place, number LIMIT 1"  # noqa: S608 - from here
N_WAITING = f"SELECT COUNT(*) AS n FROM ({_WAITING})"  # noqa: S608 - from here

# Gives a run to a worker: its id, then the run's.
GIVE = "UPDATE runs SET worker = ?, turn = (SELECT IFNULL(MAX(turn), 0) + 1 FROM runs) WHERE run_id = ?"

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
