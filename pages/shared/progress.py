"""How far runs are and how long they will still take: one clock for a single run and for a whole comparison."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import NamedTuple

import streamlit as st

from core.compare.cost import relative_work
from core.config import without_seed
from core.runs.rows import Run
from pages.shared.services import side_by_side
from pages.shared.status import duration

PACE_WINDOW_SECONDS = 30.0  # of the recent past, from which a run's pace is worked out
MIN_PACE_SECONDS, MIN_PACE_EPOCHS = 5.0, 0.5  # a pace over less than this says little
MIN_SHARE = 0.02  # of a run that has to be done before its computing time says how long the whole run takes


@dataclass(eq=False, slots=True)
class _Pace:
    """When a run was seen at which epoch: (seconds of the monotonic clock, epoch), the oldest first."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    seen: tuple[tuple[float, float], ...] = ()


@st.cache_resource(show_spinner=False, max_entries=128)
def _pace(run_id: str) -> _Pace:
    """One for all visitors: whoever looks adds to it."""
    return _Pace()


def share(run: Run) -> float:
    """How much of the way a run has gone, in [0, 1]."""
    return 1.0 if run.has_ended else min(1.0, (run.epoch or 0.0) / run.epochs)


def mean_share(runs: Sequence[Run]) -> float:
    """The same for all of them together."""
    return sum(map(share, runs)) / len(runs)


def ends(run: Run) -> int:
    """Changes when an epoch ends, and once more with the run: a table of epochs has nothing new in between."""
    return 2 * int(run.latest.get("epoch", 0)) + run.has_ended


def progress_sentence(runs: Sequence[Run], n_running: int) -> str:
    """How many have finished, ended early or wait, and about how long the others will take. n_running: on this computer"""
    ended = [run for run in runs if run.has_ended]
    finished = sum(run.status == "finished" for run in ended)
    sentence = f"{finished:,} of {len(runs):,} runs finished"
    if lost := len(ended) - finished:
        sentence += f", {lost:,} ended early"
    if waiting := sum(run.status in ("paused", "interrupted") for run in runs):
        sentence += f", {waiting:,} paused"
    return sentence + time_left(runs, n_running)


def time_left(runs: Sequence[Run], n_running: int) -> str:
    """The end of a sentence, such as ", about 2 min 5 s left"; "" when nothing is known or nothing goes on."""
    left = seconds_left(runs, n_running)
    return f", about {duration(max(1.0, round(left)))} left" if left else ""


def seconds_left(runs: Sequence[Run], n_running: int) -> float:
    """About how long by the clock on the wall until these runs have ended; 0 when nothing is known or nothing goes on.

    n_running: how many runs this computer trains now, those among ``runs`` included: they share it evenly
    A run that was watched for a while is taken at its pace, which knows what validation takes. Any other one is taken as long
    as runs of the same settings; without one, as runs of the same kind of network or as any of these, by how much it computes
    beside them.
    """
    alike = _whole_runs(runs)
    unended = sum(run.status in ("queued", "running") for run in runs)
    here = side_by_side()
    at_once = max(1, min(here.processes if here else 1, max(n_running, unended)))
    computing = 0.0
    for run in runs:
        if run.status not in ("queued", "running"):
            continue
        seconds = _computing_left(run, n_running / at_once, alike)
        if seconds is None:
            return 0.0
        computing += seconds
    own = sum(run.status == "running" for run in runs)
    return computing / at_once * max(1.0, n_running / own if own else 1.0)


def _computing_left(run: Run, n_sharing: float, alike: Mapping[str, Sequence[_Whole]]) -> float | None:
    """Seconds that the run would still take if it had its process for itself; None when nothing is known. n_sharing: runs for
    each process"""
    missing = max(0.0, run.epochs - (run.epoch or 0.0))
    if run.status == "running" and (pace := _seconds_per_epoch(run)):
        return missing * pace / max(1, n_sharing)
    for key in (run.run_id, without_seed(run.config)):
        if key in alike:
            return (1 - share(run)) * fmean(whole.seconds for whole in alike[key])
    for key in (run.architecture, ""):
        if key in alike:
            return (1 - share(run)) * fmean(whole.seconds * _ratio(run, whole.run) for whole in alike[key])
    if run.status == "running" and run.latest.get("images_per_s"):
        return missing * float(run.started["n_train"]) / float(run.latest["images_per_s"])
    return None


def _seconds_per_epoch(run: Run) -> float | None:
    """By the clock on the wall, over the last half minute; None as long as the run was watched for a moment only."""
    pace, now, epoch = _pace(run.run_id), time.monotonic(), run.epoch or 0.0
    with pace.lock:
        # What lies further on was before the run went back to a checkpoint.
        recent = [point for point in pace.seen if now - point[0] <= PACE_WINDOW_SECONDS and point[1] <= epoch]
        pace.seen = (*recent, (now, epoch))
        (began, at_first), (_, at_last) = pace.seen[0], pace.seen[-1]
    if now - began >= MIN_PACE_SECONDS and at_last - at_first >= MIN_PACE_EPOCHS:
        return (now - began) / (at_last - at_first)
    return None


class _Whole(NamedTuple):
    """A run that says how long others take. seconds: that the whole of it computes"""

    run: Run
    seconds: float


def _whole_runs(runs: Sequence[Run]) -> Mapping[str, Sequence[_Whole]]:
    """By run id, by settings but for the seed, by architecture, and by "" for any of them."""
    wholes: dict[str, list[_Whole]] = {}
    for run in runs:
        if (done := share(run)) > MIN_SHARE and run.status in ("finished", "running"):
            whole = _Whole(run, run.summary.get("seconds", run.latest.get("seconds", 0.0) / done))
            for key in (run.run_id, without_seed(run.config), run.architecture, ""):
                wholes.setdefault(key, []).append(whole)
    return wholes


def _ratio(run: Run, other: Run) -> float:
    """How much a run computes beside another one that has begun; 1 where that can not be known."""
    n_other = other.started.get("n_train")
    if not n_other:
        return 1.0
    # A run that has not begun is taken to learn from as many images as the other one, unless its settings say how many.
    n_train = run.started.get("n_train") or run.config["data"].get("n_train") or n_other
    works = relative_work(run, n_train), relative_work(other, n_other)
    return works[0] / works[1] if works[0] and works[1] else 1.0
