"""The runs that somebody watches, read once a moment for everybody: the ones asked for, and never all that are stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import streamlit as st

from core.runs import reading
from core.runs.rows import Run
from pages.shared.services import store
from pages.shared.shelf import Age, NotAtHandError

HOLD_SECONDS = 0.5  # for which what was read is new enough for everybody
HOLD_SOON_SECONDS = 0.1  # where somebody waits for what was just asked for
HOLD_ENDED_SECONDS = 2.0  # of a run that can only be renamed or deleted
FORGET_SECONDS = 10.0  # after which a run that nobody asked for is not read any more


@dataclass(frozen=True, eq=False, slots=True)
class Seen:
    """A run as it was read.

    since: of the monotonic clock, when it was first read like this; a run that moves is another one each time
    """

    run: Run
    since: float
    read_at: float

    @property
    def is_new(self) -> bool:
        hold = HOLD_SOON_SECONDS if is_about_to_move(self.run) else HOLD_SECONDS
        return time.monotonic() - self.read_at < (HOLD_ENDED_SECONDS if self.run.has_ended else hold)


@dataclass(frozen=True, slots=True)
class _Overview:
    """unended: ids of runs that have not ended, and whether a worker has each · n_runs: of all"""

    unended: dict[str, bool]
    n_runs: int
    read_at: float


class SeenRuns:
    """What was read last, for all visitors. Whoever reads anew does so for all who watch, and the others wait for it.

    Everything raises NotAtHandError where it has to be "at hand" and would have to be read.
    """

    def __init__(self) -> None:
        self._reading = threading.Lock()
        self._seen: dict[str, Seen] = {}
        self._asked_at: dict[str, float] = {}
        self._overview = _Overview({}, 0, float("-inf"))

    def of(self, run_ids: Sequence[str], age: Age = "lately") -> list[Seen]:
        """These runs, in this order. Raises RunError for one that is not there."""
        seen, at = self._at_hand(run_ids, age), time.monotonic()
        return [seen.get(run_id) or Seen(store().run(run_id), at, at) for run_id in run_ids]

    def present(self, run_ids: Sequence[str], age: Age = "lately") -> list[Seen]:
        """Those of them that are there."""
        return list(self._at_hand(run_ids, age).values())

    def of_group(self, group: str, age: Age = "lately") -> list[Seen]:
        """The runs of a comparison, the newest first."""
        if age == "at hand":
            raise NotAtHandError
        return self.present(reading.ids_of_group(store(), group), age)

    def unended(self, age: Age = "lately") -> list[Seen]:
        """All that have not ended, the newest first."""
        return self.present(list(self._look(age).unended), age)

    def n_runs(self) -> int:
        """How many runs there are, ended ones too."""
        return self._look("lately").n_runs

    def n_running(self, age: Age = "lately") -> int:
        """How many are trained at the moment."""
        claimed = [run_id for run_id, is_claimed in self._look(age).unended.items() if is_claimed]
        return sum(seen.run.status == "running" for seen in self.present(claimed, age))

    def _at_hand(self, run_ids: Collection[str], age: Age) -> dict[str, Seen]:
        """Those that are there, in this order."""
        at = time.monotonic()
        self._asked_at.update(dict.fromkeys(run_ids, at))
        is_old = bool(self._old(run_ids))
        if is_old and age == "at hand":
            raise NotAtHandError
        if is_old or age == "now":
            with self._reading:
                if age == "now":
                    self._read(run_ids)
                elif self._old(run_ids):  # nobody else has read them meanwhile
                    asked_at = self._asked_at.copy()
                    self._asked_at = {
                        run_id: asked for run_id, asked in asked_at.items() if at - asked < FORGET_SECONDS
                    }
                    self._read(self._old(self._asked_at))
        seen = self._seen
        return {run_id: seen[run_id] for run_id in run_ids if run_id in seen}

    def _look(self, age: Age) -> _Overview:
        if age == "at hand" and self._is_overview_old():
            raise NotAtHandError
        if age == "now" or self._is_overview_old():
            with self._reading:
                if age == "now" or self._is_overview_old():  # nobody else has read it meanwhile
                    at = time.monotonic()
                    self._overview = _Overview(reading.unended(store()), reading.count_runs(store()), at)
        return self._overview

    def _is_overview_old(self) -> bool:
        return time.monotonic() - self._overview.read_at >= HOLD_SECONDS

    def _old(self, run_ids: Collection[str]) -> list[str]:
        return [run_id for run_id in run_ids if not ((seen := self._seen.get(run_id)) and seen.is_new)]

    def _read(self, run_ids: Collection[str]) -> None:
        """Read these anew; one that is gone is forgotten."""
        at = time.monotonic()
        fresh = {run.run_id: run for run in store().runs(run_ids=run_ids)}
        seen = {
            run_id: other for run_id, other in self._seen.items() if run_id in self._asked_at and run_id not in run_ids
        }
        for run_id, run in fresh.items():
            before = self._seen.get(run_id)
            is_same = before is not None and before.run == run and run.status != "running"
            seen[run_id] = Seen(run, before.since if is_same and before else at, at)
        self._seen = seen


@st.cache_resource(show_spinner=False)
def seen_runs() -> SeenRuns:
    """One for all visitors."""
    return SeenRuns()


def is_about_to_move(run: Run) -> bool:
    """Whether it has its first point or its end before it in a moment."""
    return (run.status == "running" and not run.latest) or (run.status == "stopping" and not run.is_validating)
