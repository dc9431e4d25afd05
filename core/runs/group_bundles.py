"""A comparison in one file, for another Digit Lab: a ZIP of its plan and of the bundles of its runs.

    manifest.json   as in the bundle of a run (``core.runs.bundles``)
    group.json      group_id, name, kind, plan, created_utc, contestants: of every run its contestant's place in the plan
    <run_id>.zip    a bundle for each run

What comes back is treated as a stranger's, as a run is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from core.errors import RunError
from core.runs import bundles
from core.runs.bundle_checks import Bundle, read_time
from core.runs.bundle_events import need
from core.runs.bundles import MAX_BYTES, json_bytes, json_object
from core.runs.groups import Group
from core.runs.rows import check_name
from core.runs.store import Store

GROUP = "group.json"
MAX_DIRECTORY_BYTES = 32_768  # of the list of files at the end of the ZIP: a run takes 82
MAX_RUNS = 300
_GROUP_ID = re.compile(r"[0-9a-f]{32}")
_RUN_FILE = re.compile(r"[0-9a-f]{32}\.zip")


class PackedGroup(NamedTuple):
    """left_out: the names of runs without weights, such as one that was stopped before it began"""

    content: bytes
    n_runs: int
    left_out: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class GroupBundle:
    """A comparison as a bundle says it. contestants: run id -> its contestant's place, None for none"""

    group_id: str
    name: str
    kind: str
    plan: Mapping[str, Any]
    created_utc: str
    contestants: Mapping[str, int | None]
    runs: tuple[Bundle, ...]


def pack_group(store: Store, group: Group) -> PackedGroup:
    """The bundle of a comparison; the same one gives the same bytes.

    Raises RunError when one of its runs has not ended or is damaged, and when none has weights.
    """
    runs = sorted(store.runs(group=group.group_id), key=lambda run: run.number)
    with_weights = [run for run in runs if run.checkpoint_epoch is not None or run.status == "finished"]
    if not with_weights:
        raise RunError(f"No run of {group.name} has weights, so there is little to take along.")
    (row,) = store.database.read("SELECT kind, plan FROM groups WHERE group_id = ?", group.group_id)
    about = {
        "group_id": group.group_id, "name": group.name, "kind": row["kind"], "plan": json.loads(row["plan"]),
        "created_utc": group.created_utc, "contestants": {run.run_id: run.contestant for run in with_weights},
    }  # fmt: skip
    files = {GROUP: json_bytes(about)}
    for run in with_weights:
        files[f"{run.run_id}.zip"] = bundles.pack(store, run.run_id)
        if sum(map(len, files.values())) > MAX_BYTES:
            raise RunError(f"The runs of {group.name} have more than {MAX_BYTES // 2**20:,} MB together.")
    left_out = tuple(run.name for run in runs if run not in with_weights)
    return PackedGroup(bundles.zipped(files), len(with_weights), left_out)


def is_group(content: bytes) -> bool:
    """Whether a file is a ZIP that holds what only the bundle of a comparison holds; nothing of it is checked yet."""
    try:
        with bundles.faults_as_run_errors():
            return GROUP in bundles.names(content, MAX_DIRECTORY_BYTES)
    except RunError:
        return False


def read_group(content: bytes) -> GroupBundle:
    """What it says, every part of it checked but for what only the kinds of comparison know of a plan. Raises RunError with a
    sentence when it is none, or damaged."""
    if len(content) > MAX_BYTES:
        raise RunError(f"This file has more than the {MAX_BYTES // 2**20:,} MB that a bundle may have.")
    with bundles.faults_as_run_errors():
        files = bundles.unzipped(content, MAX_DIRECTORY_BYTES, _check_names)
        about = json_object(files.pop(GROUP))
        need(set(about) == {"group_id", "name", "kind", "plan", "created_utc", "contestants"}, GROUP)
        for name in ("group_id", "name", "kind"):
            need(isinstance(about[name], str), f"{GROUP}, {name}")
        need(bool(_GROUP_ID.fullmatch(about["group_id"])), "the comparison's id")
        need(isinstance(about["plan"], dict) and isinstance(about["contestants"], dict), GROUP)
        need(
            {f"{run_id}.zip" for run_id in about["contestants"]} == set(files),
            f"{GROUP}, contestants",
        )
        for place in about["contestants"].values():
            need(place is None or (type(place) is int and place >= 0), f"{GROUP}, contestants")
        name, created = check_name(about["name"], "group"), read_time(about["created_utc"])
    runs = tuple(bundles.read(files[f"{run_id}.zip"]) for run_id in about["contestants"])
    with bundles.faults_as_run_errors():
        need([run.run_id for run in runs] == list(about["contestants"]), "the ids of its runs")
    return GroupBundle(about["group_id"], name, about["kind"], about["plan"], created, about["contestants"], runs)


def _check_names(sizes: Mapping[str, int]) -> None:
    runs = set(sizes) - {bundles.MANIFEST, GROUP}
    need(len(runs) < len(sizes) - 1, "a file is missing")
    need(0 < len(runs) <= MAX_RUNS and all(_RUN_FILE.fullmatch(name) for name in runs), "its files")
