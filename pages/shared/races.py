"""Comparisons in lists and menus: one row stands for all runs of a race until somebody unfolds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from core.compare.kinds import KINDS
from core.compare.leaderboard import rank_key
from core.config import without_seed
from core.runs.groups import Group, groups
from core.runs.rows import Run
from pages.shared.services import store


class Race(NamedTuple):
    """A comparison and those of its runs that a list is about, the newest first."""

    group: Group
    runs: tuple[Run, ...]

    @property
    def label(self) -> str:
        """Such as "MLP against LeNet-5 (race, 12 runs)"."""
        title = KINDS[self.group.kind].title if self.group.kind in KINDS else "comparison"
        kind = title if title[1:2].isupper() or title[1:2] == "/" else title.lower()
        return f"{self.group.name} ({kind}, {len(self.runs)} runs)"


def races(runs: Iterable[Run]) -> dict[str, Race]:
    """By the id of their group, the comparisons that two or more of these runs belong to."""
    members: dict[str, list[Run]] = {}
    for run in runs:
        if run.group:
            members.setdefault(run.group, []).append(run)
    if not members:
        return {}
    return {
        group.group_id: Race(group, tuple(members[group.group_id]))
        for group in groups(store())
        if len(members.get(group.group_id, ())) > 1
    }


def rows(runs: Sequence[Run], unfolded: Iterable[str] = ()) -> list[Run | Race]:
    """The runs in their order, each race as one row where its first run stands; those of ``unfolded`` races one by one."""
    folded = {group_id: race for group_id, race in races(runs).items() if group_id not in set(unfolded)}
    listed: list[Run | Race] = []
    seen: set[str] = set()
    for run in runs:
        race = folded.get(run.group)
        if race is None:
            listed.append(run)
        elif run.group not in seen:
            seen.add(run.group)
            listed.append(race)
    return listed


def best(runs: Iterable[Run]) -> Run:
    """The one that did best on validation images, by their loss where equal; one that finished before any that was stopped."""
    return max(runs, key=lambda run: (run.status == "finished", rank_key(run.summary)))


def one_of_each(runs: Sequence[Run]) -> list[Run]:
    """Of each contestant, or of those that differ in the seed alone, the run that did best on validation images. runs: the
    newest first"""
    members: dict[int | str, list[Run]] = {}
    for run in reversed(runs):
        kind = run.contestant if run.contestant is not None else without_seed(run.config)
        members.setdefault(kind, []).append(run)
    return [best(own) for own in members.values()]
