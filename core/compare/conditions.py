"""The conditions of a comparison, one for each contestant, and what can be said about every two of them.

A verdict rests on the test images, which no run has chosen anything by; who is compared with whom was decided before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

from core.analysis.statistics import Seeds, holm, mean_sd, over_seeds
from core.analysis.verdicts import Verdict, verdict_over_seeds
from core.compare.differences import confounders
from core.compare.leaderboard import multiply_adds
from core.errors import ConfigError
from core.fields import SPLIT_WORDS, SplitName
from core.runs.groups import Group
from core.runs.rows import Run

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Condition:
    """One contestant of a group.

    number: its place, from 0 · runs: those that are not deleted, in the order of launch · seeds: those planned, in order
    """

    label: str
    number: int
    runs: tuple[Run, ...]
    seeds: tuple[int, ...]

    def values(self, split: SplitName) -> dict[int, float]:
        """seed -> accuracy (fraction) of the runs that finished; of several with one seed, the last."""
        ended = [run for run in self.runs if run.status == "finished" and f"{split}_acc" in run.summary]
        return {run.config["training"]["seed"]: run.summary[f"{split}_acc"] for run in ended}


@dataclass(frozen=True, slots=True)
class ConditionComparison:
    """Two conditions of a group, a and b by label.

    figures: over the seeds that both finished with, None before there is one · p: ``figures.p`` after Holm, over all pairs
    confounders: what else differs between them; when there is any, nobody wins
    """

    a: str
    b: str
    figures: Seeds | None
    p: float | None
    confounders: tuple[str, ...]
    verdict: Verdict


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


def compare_conditions(members: Sequence[Condition], exempt: Collection[str] = ()) -> list[ConditionComparison]:
    """Every pair of conditions, judged over the seeds that both finished with; Holm over all pairs that were planned, so that
    nobody wins because others have not finished yet, failed or were deleted.

    A network and its own copy have no planned seed in common; their runs are paired by the place of their seeds in the plan.
    members: of a race, or of one round of another group; each with one run per seed
    exempt: settings that the rules of the group set (``plan["exempt"]``), which confound nothing
    """
    split = judged_split(members)
    pairs = list(combinations(members, 2))
    figures = [_over_seeds(a, b, split) for a, b in pairs]
    raised = holm([1.0 if seeds is None else seeds.p for seeds in figures])
    comparisons = []
    for (a, b), seeds, value in zip(pairs, figures, raised, strict=True):
        p = None if seeds is None else value
        besides = tuple(_confounders(a, b, exempt))
        verdict = _verdict(a, b, seeds, p, besides, split)
        comparisons.append(ConditionComparison(a.label, b.label, seeds, p, besides, verdict))
    return comparisons


def _over_seeds(a: Condition, b: Condition, split: SplitName) -> Seeds | None:
    left, right = a.values(split), b.values(split)
    if not set(a.seeds) & set(b.seeds):
        left = {a.seeds.index(seed): value for seed, value in left.items()}
        right = {b.seeds.index(seed): value for seed, value in right.items()}
    return over_seeds(left, right) if left.keys() & right.keys() else None


def _confounders(a: Condition, b: Condition, exempt: Collection[str]) -> list[str]:
    if not (a.runs and b.runs):
        return []
    try:
        return confounders((a.runs[0].run_config(), b.runs[0].run_config()), exempt)
    except ConfigError:
        return ["settings that no longer exist"]


def _verdict(
    a: Condition, b: Condition, seeds: Seeds | None, p: float | None, besides: Sequence[str], split: SplitName
) -> Verdict:
    if besides:
        both = f"{a.label} and {b.label} differ in more than one thing"
        return Verdict("none", f"Confounded: {both}, so nobody can say what made a difference: {'; '.join(besides)}.")
    if seeds is None:
        return Verdict("none", f"{a.label} against {b.label}: no seed has finished with both yet.{_left_out(a, b)}")
    to_come = sum(not run.has_ended for member in (a, b) for run in member.runs)
    verdict = verdict_over_seeds(a.label, b.label, seeds, p, measured=accuracy_words(split), to_come=to_come)
    return replace(verdict, finding=verdict.finding + _left_out(a, b))


def _left_out(a: Condition, b: Condition) -> str:
    """Report failed and deleted runs, so that dropping bad seeds cannot raise a mean unseen."""
    failed = [sum(run.has_ended and run.status != "finished" for run in member.runs) for member in (a, b)]
    deleted = [
        len(member.seeds) - len({run.config["training"]["seed"] for run in member.runs}) if member.runs else 0
        for member in (a, b)
    ]
    sentences = ""
    for counts, why in ((failed, "did not finish"), (deleted, "was deleted")):
        parts = [
            f"{n} run{'s' if n > 1 else ''} of {member.label}" for n, member in zip(counts, (a, b), strict=True) if n
        ]
        sentences += f" Left out, because it {why}: {' and '.join(parts)}." if parts else ""
    return sentences


def _mean(values: Iterable[float]) -> float | None:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else None
