"""How far the runs of a comparison are together, in words and in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from core.config import without_seed
from core.runs.rows import Run
from pages.shared.status import duration


def said_together(runs: Sequence[Run]) -> str:
    """How many have finished, ended early or wait, and about how long the others will take."""
    ended = [run for run in runs if run.has_ended]
    finished = sum(run.status == "finished" for run in ended)
    words = f"{finished:,} of {len(runs):,} runs finished"
    if lost := len(ended) - finished:
        words += f", {lost:,} ended early"
    waiting = sum(run.status in ("paused", "interrupted") for run in runs)
    if waiting:
        words += f", {waiting:,} paused"
    left = seconds_left(runs)
    if left and waiting < len(runs) - len(ended):
        words += f", about {duration(max(1.0, round(left)))} left"
    return words


def share_together(runs: Sequence[Run]) -> float:
    """How much of the way all of them have gone, in [0, 1]."""
    return sum(_share(run) for run in runs) / len(runs)


def ends(run: Run) -> int:
    """Changes when an epoch ends, and once more with the run: a band has no points in between."""
    return 2 * int(run.latest.get("epoch", 0)) + run.has_ended


def seconds_left(runs: Sequence[Run]) -> float:
    """Of computing, for all that have not ended, worked out from those of the same network that have got further; 0 when
    nothing is known yet."""
    alike: dict[str, list[float]] = {}
    for run in runs:
        if (share := _share(run)) > 0.02 and run.status in ("finished", "running"):
            whole = run.summary.get("seconds", run.latest.get("seconds", 0.0) / share)
            for key in (without_seed(run.config), run.architecture, ""):
                alike.setdefault(key, []).append(whole)
    if not alike:
        return 0.0
    left = 0.0
    for run in runs:
        if not run.has_ended and run.status not in ("paused", "interrupted"):
            known = next(alike[key] for key in (without_seed(run.config), run.architecture, "") if key in alike)
            left += (1 - _share(run)) * fmean(known)
    return left


def _share(run: Run) -> float:
    return 1.0 if run.has_ended else min(1.0, (run.epoch or 0.0) / run.epochs)
