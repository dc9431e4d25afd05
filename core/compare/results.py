"""What came of a comparison, in figures and in sentences: the page and the command line share every number.

A group has conditions; ``rounds`` says which of their runs stand beside each other, and who is better in each round. Two
runs of any kind are compared by what each answered to the same images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from core.analysis.statistics import Paired, holm, paired
from core.analysis.verdicts import Verdict, verdict_for_pair
from core.compare import kinds
from core.compare.conditions import (
    Answers,
    Condition,
    ConditionComparison,
    compare_conditions,
    condition_table,
    conditions,
    judged_split,
)
from core.compare.grid_blocks import Block, GridVerdict, judge_grid
from core.errors import RunError
from core.fields import SPLIT_WORDS, SplitName
from core.runs.groups import Group
from core.runs.rows import Run

if TYPE_CHECKING:
    from core.engine.evaluate import Evaluation

__all__ = ["Round", "RunComparison", "as_values", "compare_leaders", "compare_runs", "conditions", "rounds"]


@dataclass(frozen=True, slots=True)
class Round:
    """Conditions that stand beside each other, and every pair of them judged; of a grid, its blocks instead.

    n_train: images really learned from, where a group has a round for each number of them; else None
    """

    n_train: int | None
    members: tuple[Condition, ...]
    comparisons: tuple[ConditionComparison, ...]
    grid: GridVerdict | None = None


def rounds(group: Group, runs: Sequence[Run], answers: Answers | None = None) -> list[Round]:
    """The lineups of a group's kind, judged: one for a race, one per number of images for data efficiency, one of the trials
    that were chosen on validation images for a tuning, one of all cells for a grid.

    answers: ``Store.evaluation``, for what other test images would do; no winner depends on it
    Raises ConfigError for a kind that this version does not know.
    """
    judged = []
    for lineup in kinds.get(group.kind).lineups(group.plan, conditions(group, runs)):
        n_train = lineup.n_train
        if n_train is not None:
            started = (run.started["n_train"] for member in lineup.members for run in member.runs if run.started)
            n_train = next(started, n_train)
        members = tuple(lineup.members)
        if factors := group.plan.get("factors"):
            judged.append(Round(n_train, members, (), judge_grid(members, factors, answers)))
            continue
        comparisons = compare_conditions(members, group.plan["exempt"], answers)
        judged.append(Round(n_train, members, tuple(comparisons)))
    return judged


def as_values(group: Group, runs: Sequence[Run], answers: Answers | None = None) -> dict[str, Any]:
    """The tables and the verdicts of a group as plain values for JSON; what is not known is None.

    judged_on: "test" or "val" · conditions: the rows of ``condition_table`` of each round · comparisons: one per pair and
    round, with what ``Seeds`` says (of runs that diverged only where there are any) and, with answers, wide_low and wide_high:
    the 95 % interval of the mean gap with other seeds and other images. Where there is a round for each number of images, both
    carry n_train; where validation images choose, the conditions are the chosen trials, with their lr and of how many trials
    they are the best. Of a grid, conditions carry the values of both settings by name; it has no pairs, but outcome, verdict
    and blocks, with what ``Contrast`` says.
    """
    whole, kind = conditions(group, runs), kinds.get(group.kind)
    values: dict[str, Any] = {"judged_on": judged_split(whole), "conditions": [], "comparisons": []}
    for judged in rounds(group, runs, answers):
        at: dict[str, Any] = {} if judged.n_train is None else {"n_train": judged.n_train}
        rows = condition_table(judged.members).astype(object)
        for member, row in zip(judged.members, rows.where(rows.notna(), None).to_dict("records"), strict=True):
            own = dict(at)
            own |= _cell(group.plan.get("factors", ()), member.number)
            if kind.chooses:
                own["lr"] = member.runs[0].config["training"]["lr"] if member.runs else None
                own["trials"] = len(whole[member.number].runs)
            values["conditions"].append(own | {str(name): value for name, value in row.items()})
        for pair in judged.comparisons:
            figures: dict[str, Any] = asdict(pair.figures) if pair.figures else {}
            figures = {name: value for name, value in figures.items() if value or not name.startswith("diverged")}
            if answers:
                figures["wide_low"], figures["wide_high"] = pair.wide or (None, None)
            beside = {"p_holm": pair.p, "confounders": list(pair.confounders)}
            verdict = {"winner": pair.verdict.winner, "verdict": pair.verdict.sentence}
            values["comparisons"].append({**at, "a": pair.a, "b": pair.b, **figures, **beside, **verdict})
        if judged.grid:
            blocks = [_block_values(block, with_images=bool(answers)) for block in judged.grid.blocks]
            values |= {"outcome": judged.grid.outcome, "verdict": judged.grid.sentence, "blocks": blocks}
    return values


def _cell(factors: Sequence[Mapping[str, Any]], number: int) -> dict[str, str]:
    """The values of both settings in a cell of a grid, by name, as texts; empty without factors."""
    if not factors:
        return {}
    first, second = factors
    row, column = divmod(number, len(second["values"]))
    return {first["name"]: first["values"][row], second["name"]: second["values"][column]}


def _block_values(block: Block, *, with_images: bool) -> dict[str, Any]:
    """One block of a grid as plain values: what is changed from what to what, and the figures."""
    names = block.names
    values: dict[str, Any] = {
        "first_setting": names.first, "first_from": names.first_values[0], "first_to": names.first_values[1],
        "second_setting": names.second, "second_from": names.second_values[0], "second_to": names.second_values[1],
    }  # fmt: skip
    figures: dict[str, Any] = asdict(block.figures) if block.figures else {}
    if with_images:
        figures["wide_low"], figures["wide_high"] = block.wide or (None, None)
    return {**values, **figures, "p_holm": block.p, "outcome": block.outcome, "verdict": block.sentence}


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two trained networks on the same images."""

    figures: Paired
    verdict: Verdict


def compare_runs(
    name_a: str, name_b: str, a: Evaluation, b: Evaluation, split: SplitName = "test", p: float | None = None
) -> RunComparison:
    """Compare two runs by their answers. p: mid-p after Holm where several pairs are shown together.

    Raises RunError when they did not answer the same images, or when answers are not numbers.
    """
    if not np.array_equal(a.labels, b.labels):
        raise RunError(f"{name_a} and {name_b} did not read the same images, so they can not be compared one by one")
    for name, evaluation in ((name_a, a), (name_b, b)):
        if not np.isfinite(evaluation.logits).all():
            raise RunError(f"The answers of {name} are not numbers: its training diverged")
    figures = paired(*(evaluation.logits.argmax(axis=1) == evaluation.labels for evaluation in (a, b)))
    images = f"{SPLIT_WORDS[split]} images"
    return RunComparison(figures, verdict_for_pair(name_a, name_b, figures, p, images=images))


def compare_leaders(answers: Mapping[str, Evaluation], split: SplitName = "test") -> RunComparison:
    """The run that read most images beside the one that came next, judged with every pair of them in mind (Holm).

    answers: of two runs or more, by a name for each. Raises RunError as ``compare_runs`` does.
    """
    names = sorted(answers, key=lambda name: -_right(answers[name]))
    pairs = list(combinations(names, 2))
    figures = [compare_runs(a, b, answers[a], answers[b], split).figures for a, b in pairs]
    first, second = pairs[0]
    return compare_runs(
        first, second, answers[first], answers[second], split, holm([pair.mid_p for pair in figures])[0]
    )


def _right(evaluation: Evaluation) -> int:
    return int((evaluation.logits.argmax(axis=1) == evaluation.labels).sum())
