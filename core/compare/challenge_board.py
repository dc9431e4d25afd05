"""The board of a challenge: how far each pupil came on images that nobody has seen, and what of it can be told from luck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.analysis.metrics import wilson
from core.analysis.statistics import holm, paired
from core.analysis.verdicts import ALPHA
from core.errors import InputError
from core.runs.challenges import Challenge, Entry
from core.runs.manifest import IMPORTED
from core.runs.rows import Run
from core.runs.set_aside import Right


@dataclass(frozen=True, slots=True)
class Row:
    """One pupil's best run, as the validation images say, for nothing is chosen by those that are set aside.

    pupil: name, or "pupil 3" · n_runs: of this pupil that count · accuracy, low, high: of ``n`` images set aside, with the 95 %
    interval after Wilson · gain, gain_low, gain_high: over the base run on the same images, with its 95 % interval; fractions
    is_reached: the gain is at least the goal · is_beyond_luck: the gain's interval lies above 0
    is_like_leader: the gap to the first of the board could be luck
    """

    pupil: str
    run_id: str
    n_runs: int
    n: int
    accuracy: float
    low: float
    high: float
    n_params: int
    gain: float
    gain_low: float
    gain_high: float
    is_reached: bool
    is_beyond_luck: bool
    is_like_leader: bool


def counts(challenge: Challenge, run: Run) -> bool:
    """Whether a run is judged: it has ended with weights, here, with what is the same for all, within the budget."""
    if not run.has_ended or "test_acc" not in run.summary or IMPORTED in run.manifest:
        return False
    if challenge.terms.max_steps and run.summary["step"] > challenge.terms.max_steps:
        return False
    try:
        challenge.check(run.run_config())
    except InputError:
        return False
    return True


def best_of_each(
    challenge: Challenge, entries: Sequence[Entry], runs: Mapping[str, Run]
) -> list[tuple[Entry, Run, int]]:
    """Of each pupil the run that stands on the board, and how many of this pupil count: the one with the best validation
    accuracy, the first of equal ones; without validation images the last one. runs: by id, those that are there"""
    by_pupil: dict[int, list[tuple[Entry, Run]]] = {}
    for entry in entries:
        run = runs.get(entry.run_id)
        if run is not None and counts(challenge, run):
            by_pupil.setdefault(entry.pupil, []).append((entry, run))
    best = []
    for own in by_pupil.values():
        entry, run = (
            max(own, key=lambda pair: pair[1].summary["val_acc"]) if challenge.config.data.val_fraction else own[-1]
        )
        best.append((entry, run, len(own)))
    return best


def board(
    challenge: Challenge, best: Sequence[tuple[Entry, Run, int]], right: Mapping[str, Right], base: Right
) -> list[Row]:
    """The pupils whose run has read the images that were set aside, the best first; of equal ones, who came first.

    best: as ``best_of_each`` gives it · right: run id -> (n,) whether each of these images was read right
    base: the same of the base run
    """
    judged = [(entry, run, n_runs, right[run.run_id]) for entry, run, n_runs in best if run.run_id in right]
    judged.sort(key=lambda row: (-int(row[3].sum()), row[0].pupil))
    behind = [paired(judged[0][3], of_run).mid_p for *_, of_run in judged[1:]]
    like_leader = [False, *(p >= ALPHA for p in holm(behind))]
    rows = []
    for (entry, run, n_runs, of_run), is_like_leader in zip(judged, like_leader, strict=False):
        n_right, n, gain = int(of_run.sum()), len(of_run), paired(of_run, base)
        pupil, parameters = entry.name or f"pupil {entry.pupil}", run.n_params or 0
        rows.append(
            Row(
                pupil, run.run_id, n_runs, n, n_right / n, *wilson(n_right, n), parameters,
                gain.difference, gain.low, gain.high, is_reached=_points(gain.difference) >= challenge.terms.goal,
                is_beyond_luck=gain.low > 0, is_like_leader=is_like_leader,
            )
        )  # fmt: skip
    return rows


def _points(fraction: float) -> float:
    """In percentage points, without what binary fractions add to 2 points."""
    return round(100 * fraction, 6)
