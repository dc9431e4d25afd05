"""The conditions of a comparison, one for each contestant, and what can be said about every two of them.

A verdict rests on the test images, which no run has chosen anything by; who is compared with whom was decided before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from core.analysis.statistics import (
    Numbers,
    Seeds,
    holm,
    mean_sd,
    over_seeds,
    resampled_accuracies,
    wide_interval,
)
from core.analysis.verdicts import Verdict, verdict_over_seeds
from core.compare.differences import confounders
from core.compare.leaderboard import multiply_adds
from core.errors import ConfigError, RunError
from core.fields import SPLIT_WORDS, SplitName
from core.runs.groups import Group
from core.runs.rows import Run

if TYPE_CHECKING:
    import pandas as pd

    from core.engine.evaluate import Evaluation

T = TypeVar("T")

# What a run answered to the images of a split, by its id; None where nothing is kept (``Store.evaluation``).
Answers = Callable[[str, SplitName], "Evaluation | None"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One contestant of a group.

    number: its place, from 0 · runs: those that are not deleted, in the order of launch · seeds: those planned, in order
    """

    label: str
    number: int
    runs: tuple[Run, ...]
    seeds: tuple[int, ...]

    def finished(self, split: SplitName) -> dict[int, Run]:
        """seed -> run, of those that finished and have an accuracy; of several with one seed, the last."""
        return {_seed(run): run for run in self.runs if run.status == "finished" and f"{split}_acc" in run.summary}

    def values(self, split: SplitName) -> dict[int, float]:
        """seed -> accuracy (fraction) of the runs that finished."""
        return {seed: run.summary[f"{split}_acc"] for seed, run in self.finished(split).items()}

    def results(self, split: SplitName) -> dict[int, float | None]:
        """The same with None for a seed with which it diverged."""
        diverged: dict[int, float | None] = {_seed(run): None for run in self.runs if run.status == "diverged"}
        return diverged | self.values(split)

    def missing(self, split: SplitName) -> tuple[int, ...]:
        """Planned seeds of which nobody knows any more what they would have shown: their run was stopped, failed or deleted.

        None of them where no run is left, as in a tuning of which no trial is chosen yet.
        """
        alive = {_seed(run) for run in self.runs if not run.has_ended}
        return tuple(seed for seed in self.seeds if seed not in alive | self.results(split).keys()) if self.runs else ()


@dataclass(frozen=True, slots=True)
class ConditionComparison:
    """Two conditions of a group, a and b by label.

    figures: over the seeds that both ended with, None before one of them finished with such a seed · p: ``figures.p`` after
    Holm, over all pairs · confounders: what else differs between them; when there is any, nobody wins
    wide: 95 % interval of the mean gap, a minus b, with other seeds and other images; None where answers are not at hand
    """

    a: str
    b: str
    figures: Seeds | None
    p: float | None
    confounders: tuple[str, ...]
    verdict: Verdict
    wide: tuple[float, float] | None = None


def conditions(group: Group, runs: Sequence[Run]) -> list[Condition]:
    """The contestants of a group and the runs of each. runs: of this group, in any order; one without a contestant is left
    out."""
    ordered = sorted(runs, key=lambda run: run.number)
    return [
        Condition(
            contestant["label"],
            number,
            tuple(run for run in ordered if run.contestant == number),
            tuple(contestant["seeds"]),
        )
        for number, contestant in enumerate(group.plan["contestants"])
    ]


def judged_split(members: Sequence[Condition]) -> Literal["val", "test"]:
    """The test images, unless a run that finished had none with labels."""
    ended = [run for member in members for run in member.runs if run.status == "finished"]
    return "test" if all("test_acc" in run.summary for run in ended) else "val"


def accuracy_words(split: SplitName) -> str:
    """ "test accuracy", "validation accuracy"."""
    return f"{SPLIT_WORDS[split]} accuracy"


def condition_table(members: Sequence[Condition]) -> pd.DataFrame:
    """One row per condition, in their order.

    Columns label · number · runs · finished · for val and test: …_mean, …_sd, …_low, …_high (95 % t-interval over seeds) ·
    n_val, n_test (images) · n_params · multiply_adds (forward, per image) · seconds (mean of a run) · images_per_s (mean)
    Accuracies are fractions; what is not known is NaN.
    """
    import pandas as pd

    splits: tuple[SplitName, ...] = ("val", "test")
    rows = []
    for member in members:
        ended = [run for run in member.runs if run.status == "finished"]
        row: dict[str, Any] = {"label": member.label, "number": member.number}
        row |= {"runs": len(member.runs), "finished": len(ended)}
        for split in splits:
            values = list(member.values(split).values())
            over = mean_sd(values) if values else None
            row |= {f"{split}_{name}": getattr(over, name, None) for name in ("mean", "sd")}
            # Few seeds make a wide interval, but no accuracy lies outside 0 to 1.
            row[f"{split}_low"] = max(0.0, over.low) if over and over.low is not None else None
            row[f"{split}_high"] = min(1.0, over.high) if over and over.high is not None else None
            row[f"n_{split}"] = ended[0].summary.get(f"n_{split}") if ended else None
        first = member.runs[0] if member.runs else None
        row |= {
            "n_params": first.n_params if first else None, "multiply_adds": multiply_adds(first) if first else None,
            "seconds": _mean(run.summary["seconds"] for run in ended),
            "images_per_s": _mean(run.summary["images_per_s"] for run in ended if run.summary["images_per_s"]),
        }  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)


def compare_conditions(
    members: Sequence[Condition], exempt: Collection[str] = (), answers: Answers | None = None
) -> list[ConditionComparison]:
    """Every pair of conditions, judged over the seeds that both ended with; Holm over all pairs that were planned, so that
    nobody wins because others have not finished yet, failed or were deleted.

    A run that diverged loses against every one that finished, and what is missing counts against whoever is ahead: nobody
    wins by those that are left over. A network and its own copy have no planned seed in common; their runs are paired by the
    place of their seeds in the plan.
    members: of a race, or of one round of another group; each with one run per seed
    exempt: settings that the rules of the group set (``plan["exempt"]``), which confound nothing
    answers: of the runs, for what other test images would do
    """
    split = judged_split(members)
    pairs = list(combinations(members, 2))
    figures = [_over_seeds(a, b, split) for a, b in pairs]
    raised = holm([1.0 if seeds is None else seeds.p for seeds in figures])
    redrawn = on_redrawn_images(members, split, answers) if answers and any(figures) else {}
    comparisons = []
    for (a, b), seeds, value in zip(pairs, figures, raised, strict=True):
        p = None if seeds is None else value
        wide = _wide(a, b, split, redrawn)
        besides = tuple(_confounders(a, b, exempt))
        verdict = _verdict(a, b, seeds, p, besides, split, wide)
        comparisons.append(ConditionComparison(a.label, b.label, seeds, p, besides, verdict, wide))
    return comparisons


def _seed(run: Run) -> int:
    seed: int = run.config["training"]["seed"]
    return seed


def _by_place(a: Condition, b: Condition, *sides: Mapping[int, T]) -> list[Mapping[int, T]]:
    """Values by seed of a and of b, by the place of the seed in the plan where they have no planned seed in common."""
    if set(a.seeds) & set(b.seeds):
        return list(sides)
    return [{member.seeds.index(seed): side[seed] for seed in side} for member, side in zip((a, b), sides, strict=True)]


def _over_seeds(a: Condition, b: Condition, split: SplitName) -> Seeds | None:
    left, right = _by_place(a, b, a.results(split), b.results(split))
    if all(left[seed] is right[seed] is None for seed in left.keys() & right.keys()):
        return None
    lost_a, lost_b = _by_place(a, b, dict.fromkeys(a.missing(split)), dict.fromkeys(b.missing(split)))
    return over_seeds(left, right, missing=len(lost_a.keys() | lost_b.keys()))


def on_redrawn_images(members: Sequence[Condition], split: SplitName, answers: Answers) -> dict[str, Numbers]:
    """Run id -> its accuracies on redrawn images (``resampled_accuracies``); empty where the runs did not all keep their
    answers to the same images."""
    run_ids = [run.run_id for member in members for run in member.finished(split).values()]
    try:
        kept = [answers(run_id, split) for run_id in run_ids]
    except (
        RunError
    ):  # a damaged file costs the wider range alone; the pages that show its answers say what is wrong with it
        return {}
    evaluations = [evaluation for evaluation in kept if evaluation is not None]
    if len(evaluations) < len(kept):
        return {}
    labels = evaluations[0].labels
    if not all(np.array_equal(evaluation.labels, labels) for evaluation in evaluations):
        return {}
    right = np.array([evaluation.logits.argmax(axis=1) == labels for evaluation in evaluations])
    return dict(zip(run_ids, resampled_accuracies(right).T, strict=True))


def _wide(a: Condition, b: Condition, split: SplitName, redrawn: Mapping[str, Numbers]) -> tuple[float, float] | None:
    left, right = _by_place(a, b, a.finished(split), b.finished(split))
    pairs = [(left[seed], right[seed]) for seed in sorted(left.keys() & right.keys())]
    if not redrawn or len(pairs) < 2:
        return None
    means = np.mean([redrawn[one.run_id] - redrawn[other.run_id] for one, other in pairs], axis=0)
    name = f"{split}_acc"
    return wide_interval(means, [one.summary[name] - other.summary[name] for one, other in pairs])


def _confounders(a: Condition, b: Condition, exempt: Collection[str]) -> list[str]:
    if not (a.runs and b.runs):
        return []
    try:
        return confounders((a.runs[0].run_config(), b.runs[0].run_config()), exempt)
    except ConfigError:
        return ["settings that no longer exist"]


def _verdict(
    a: Condition,
    b: Condition,
    seeds: Seeds | None,
    p: float | None,
    besides: Sequence[str],
    split: SplitName,
    wide: tuple[float, float] | None,
) -> Verdict:
    if besides:
        both = f"{a.label} and {b.label} differ in more than one thing"
        return Verdict("none", f"Confounded: {both}, so nobody can say what made a difference: {'; '.join(besides)}.")
    losses = _losses(a, b, split)
    to_come = sum(not run.has_ended for member in (a, b) for run in member.runs)
    if seeds is None:
        return Verdict(
            "none", f"{a.label} against {b.label}: no seed has finished with both{' yet' * bool(to_come)}.{losses}"
        )
    n = next(iter((a.finished(split) | b.finished(split)).values())).summary[f"n_{split}"]
    verdict = verdict_over_seeds(
        a.label, b.label, seeds, p, measured=accuracy_words(split), images=f"these {n:,} {SPLIT_WORDS[split]} images",
        to_come=to_come, missing=(len(a.missing(split)), len(b.missing(split))), wide=wide,
    )  # fmt: skip
    return replace(verdict, finding=verdict.finding + losses)


def _losses(a: Condition, b: Condition, split: SplitName) -> str:
    """Runs that diverged and runs that are missing, and how they count: no bad seed is dropped unseen."""
    diverged = [list(member.results(split).values()).count(None) for member in (a, b)]
    missing = [len(member.missing(split)) for member in (a, b)]
    sentences = ""
    for counts, what, how in (
        (diverged, "Diverged", "such a run loses against every one that finished"),
        (missing, "Missing, because stopped, failed or deleted", "what is missing counts against whoever is ahead"),
    ):
        parts = [
            f"{n} run{'s' if n > 1 else ''} of {member.label}" for n, member in zip(counts, (a, b), strict=True) if n
        ]
        sentences += f" {what}: {' and '.join(parts)}; {how}." if parts else ""
    return sentences


def _mean(values: Iterable[float]) -> float | None:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else None
