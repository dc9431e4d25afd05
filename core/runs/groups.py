"""Groups: runs that were launched together for one comparison, and what was decided when they were."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from core.config import RunConfig, with_present_values
from core.errors import RunError
from core.runs import prerequisites, quota, writing
from core.runs.checksums import is_sound, seal
from core.runs.rows import Request, check_name, new_id, printable
from core.runs.store import Store

# What kinds of comparison were called when older stores were written.
OLD_KINDS: Mapping[str, str] = MappingProxyType({"hunger": "data_efficiency"})


class PlannedRun(NamedTuple):
    """A run to launch, and its contestant's place in the plan, from 0."""

    config: RunConfig
    contestant: int


@dataclass(frozen=True, slots=True)
class Group:
    """One comparison.

    number: 1, 2, … in order of creation · kind: an id of ``core.compare.kinds``, by its present name
    plan: what was asked for and what the tool chose, as plain values · n_runs: those of it that are not deleted
    """

    group_id: str
    number: int
    name: str
    kind: str
    plan: Mapping[str, Any]
    created_utc: str
    n_runs: int


_SELECT = """
    SELECT g.*, (SELECT COUNT(*) FROM runs r WHERE r.group_id = g.group_id AND r.deleted_utc IS NULL) AS n_runs
    FROM groups g WHERE {where} ORDER BY g.number DESC"""


def create_group(
    store: Store,
    planned: Sequence[PlannedRun],
    *,
    name: str,
    kind: str,
    plan: Mapping[str, Any],
    token: str | None = None,
    request: Request = "run",
    owner: str = "",
) -> tuple[str, list[str]]:
    """Queue the runs of a comparison, all of them or none; returns the group's id and theirs, in order.

    The same token gives the same group again. owner: who asks for it (see ``core.runs.quota``). Raises ConfigError for a name
    that can not be shown, RunError where it would be more than is allowed, StorageError.
    """
    name, now = check_name(name, "group"), datetime.now(UTC).isoformat()
    tokens = [_token_of(token, place) for place in range(len(planned))]
    with store.database.write() as db:
        quota.check(db, owner, tokens)
        prerequisites.check(db, [config for config, _ in planned])
        before = db.execute("SELECT group_id FROM runs WHERE token = ?", (tokens[0],)).fetchone()
        group_id = new_id() if before is None else str(before["group_id"])
        if before is None:
            db.execute(
                "INSERT INTO groups(group_id, name, kind, plan, created_utc) VALUES (?, ?, ?, ?, ?)",
                (group_id, name, kind, json.dumps(plan, allow_nan=False), now),
            )
            seal(db, "groups", "group_id = ?", group_id)
        run_ids = [
            writing.create(db, config, "", group_id, run_token, request, now, owner, contestant)
            for run_token, (config, contestant) in zip(tokens, planned, strict=True)
        ]
    return group_id, run_ids


def create_runs(
    store: Store,
    configs: Sequence[RunConfig],
    *,
    name: str = "",
    group: str = "",
    token: str | None = None,
    request: Request = "run",
    owner: str = "",
) -> list[str]:
    """Queue runs that belong to no plan, all of them or none; returns their ids in order.

    name, group, owner: of each of them · The same token gives the same runs again. Raises ConfigError for a name that can not
    be shown, RunError where it would be more than is allowed (see ``core.runs.quota``), StorageError.
    """
    name, group, now = check_name(name), check_name(group, "group"), datetime.now(UTC).isoformat()
    tokens = [_token_of(token, place) for place in range(len(configs))]
    with store.database.write() as db:
        quota.check(db, owner, tokens)
        prerequisites.check(db, configs)
        return [
            writing.create(db, config, name, group, run_token, request, now, owner)
            for run_token, config in zip(tokens, configs, strict=True)
        ]


def _token_of(token: str | None, place: int) -> str | None:
    """Of one run among those that are launched together."""
    return token and f"{token}-{place}"


def groups(store: Store) -> list[Group]:
    """Every group that still has a run, the newest first, but for those that are damaged."""
    rows = store.database.read(_SELECT.format(where="1"))
    return [_group(row) for row in rows if row["n_runs"] and is_sound("groups", row)]


def damaged_groups(store: Store) -> list[str]:
    """The names of those that can not be shown, the newest first."""
    rows = store.database.read(_SELECT.format(where="1"))
    return [printable(row["name"]) for row in rows if row["n_runs"] and not is_sound("groups", row)]


def group(store: Store, group_id: str) -> Group:
    """One group by its id. Raises RunError when there is none."""
    rows = store.database.read(_SELECT.format(where="g.group_id = ?"), group_id)
    if not rows:
        raise RunError("There is no such race.")
    if not is_sound("groups", rows[0]):
        raise RunError("This race is damaged: its plan was changed or damaged after it was written.")
    return _group(rows[0])


def rename_group(store: Store, group_id: str, name: str) -> None:
    """Give a group another name. Raises ConfigError: empty, over 80 characters, or not printable; RunError: damaged."""
    name = check_name(name, "group")
    group(store, group_id)
    with store.database.write() as db:
        db.execute("UPDATE groups SET name = ? WHERE group_id = ?", (name, group_id))
        seal(db, "groups", "group_id = ?", group_id)


def _group(row: Any) -> Group:
    plan = _plan(row["plan"])
    kind = present_kind(row["kind"], plan)
    return Group(row["group_id"], row["number"], row["name"], kind, plan, row["created_utc"], row["n_runs"])


def present_kind(kind: str, plan: Mapping[str, Any]) -> str:
    """What a stored kind is called now; a race of a network against its own copy became a kind of its own."""
    return "aa_test" if kind == "race" and plan.get("rematch") else OLD_KINDS.get(kind, kind)


def _plan(text: str) -> dict[str, Any]:
    """A stored plan, with the names and types that its settings have now."""
    plan: dict[str, Any] = json.loads(text)
    if "contestants" in plan:
        plan["contestants"] = [with_present_values(contestant) for contestant in plan["contestants"]]
    return plan
