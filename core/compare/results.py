"""What came of a comparison, in figures and in sentences: the page and the command line share every number.

A group has conditions; ``rounds`` says which of their runs stand beside each other, and who is better in each round. A
verdict rests on the test images, which no run has chosen anything by; who is compared with whom was decided before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from core.analysis.statistics import Paired, Seeds, holm, mean_sd, over_seeds, paired
from core.analysis.verdicts import Verdict, verdict_for_pair, verdict_over_seeds
from core.compare.differences import LENGTH, confounders
from core.compare.leaderboard import multiply_adds, rank_key
from core.errors import ConfigError, RunError
from core.runs.groups import Group
from core.runs.rows import Run

if TYPE_CHECKING:
    from core.engine.evaluate import Evaluation

On = Literal["test", "val"]
WORDS: Mapping[On, str] = {"test": "test accuracy", "val": "validation accuracy"}
# What a kind of group itself varies from run to run, so that it tells no contestants apart.
VARIED: Mapping[str, Collection[str]] = {"hunger": ("n_train", *LENGTH), "tuning": ("lr",)}


@dataclass(frozen=True, slots=True)
class Condition:
    """One contestant of a group.

    number: its place, from 0 · runs: those that are not deleted, in the order of launch · seeds: those planned, in order
    """

    label: str
    number: int
    runs: tuple[Run, ...]
    seeds: tuple[int, ...]

    def values(self, on: On) -> dict[int, float]:
        """seed -> accuracy (fraction) of the runs that finished; of several with one seed, the last."""
        ended = [run for run in self.runs if run.status == "finished" and f"{on}_acc" in run.summary]
        return {run.config["training"]["seed"]: run.summary[f"{on}_acc"] for run in ended}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two conditions of a group, a and b by label.

    found: over the seeds that both finished with, None before there is one · p: ``found.p`` after Holm, over all pairs
    confounders: what else differs between them; when there is any, nobody wins
    """

    a: str
    b: str
    found: Seeds | None
    p: float | None
    confounders: tuple[str, ...]
    verdict: Verdict


def conditions(group: Group, runs: Sequence[Run]) -> list[Condition]:
    """The contestants of a group and the runs of each. runs: of this group, in any order; a stranger among them is left out."""
    ordered = sorted(runs, key=lambda run: run.number)
    passed_over = VARIED.get(group.kind, ())
    found = []
    for number, one in enumerate(group.plan["contestants"]):
        own = [run for run in ordered if _belongs(run, one, passed_over)]
        found.append(Condition(one["label"], number, tuple(own), tuple(one["seeds"])))
    return found


def _belongs(run: Run, contestant: Mapping[str, Any], passed_over: Collection[str]) -> bool:
    settings = _flat(run)
    if run.architecture != contestant["architecture"] or settings["seed"] not in contestant["seeds"]:
        return False
    return all(settings.get(name) == value for name, value in contestant["settings"].items() if name not in passed_over)


def judged_on(members: Sequence[Condition]) -> On:
    """The test images, unless a run that finished had none with labels."""
    ended = [run for one in members for run in one.runs if run.status == "finished"]
    return "test" if all("test_acc" in run.summary for run in ended) else "val"


def table(members: Sequence[Condition]) -> pd.DataFrame:
    """One row per condition, in their order.

    Columns label · number · runs · finished · for val and test: …_mean, …_sd, …_low, …_high (95 % t-interval over seeds) ·
    n_val, n_test (images) · n_params · multiply_adds (forward, per image) · seconds (mean of a run) · images_per_s (mean)
    Accuracies are fractions; what is not known is NaN.
    """
    rows = []
    for one in members:
        ended = [run for run in one.runs if run.status == "finished"]
        row: dict[str, Any] = {"label": one.label, "number": one.number, "runs": len(one.runs), "finished": len(ended)}
        for on in ("val", "test"):
            values = list(one.values(on).values())
            found = mean_sd(values) if values else None
            row |= {f"{on}_{name}": getattr(found, name, None) for name in ("mean", "sd")}
            # Few seeds make a wide interval, but no accuracy lies outside 0 to 1.
            row[f"{on}_low"] = max(0.0, found.low) if found and found.low is not None else None
            row[f"{on}_high"] = min(1.0, found.high) if found and found.high is not None else None
            row[f"n_{on}"] = ended[0].summary.get(f"n_{on}") if ended else None
        first = one.runs[0] if one.runs else None
        row |= {
            "n_params": first.n_params if first else None, "multiply_adds": multiply_adds(first) if first else None,
            "seconds": _mean(run.summary["seconds"] for run in ended),
            "images_per_s": _mean(run.summary["images_per_s"] for run in ended if run.summary["images_per_s"]),
        }  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)


def data_efficiency_table(members: Sequence[Condition]) -> pd.DataFrame:
    """One row per finished run of a data hunger: label · number · n_train (images really learned from) · seed · accuracy
    (fraction, of ``judged_on``) · run_id; by condition, then images, then seed."""
    on = judged_on(members)
    rows = [
        (one.label, one.number, run.started["n_train"], run.config["training"]["seed"], run.summary[f"{on}_acc"], run.run_id)
        for one in members for run in one.runs if run.status == "finished" and f"{on}_acc" in run.summary
    ]  # fmt: skip
    columns = ["label", "number", "n_train", "seed", "accuracy", "run_id"]
    return pd.DataFrame(rows, columns=columns).sort_values(["number", "n_train", "seed"], ignore_index=True)


def tuning_table(members: Sequence[Condition]) -> pd.DataFrame:
    """One row per trial that has ended: label · number · trial (from 1) · lr · val_acc (fraction; 0 for one that diverged, so
    that a bad draw costs its network) · test_acc (only of the chosen trial, else NaN) · chosen (the best of its condition on
    validation images, by their loss where equal) · run_id · n_val · n_test."""
    columns = ("label", "number", "trial", "lr", "val_acc", "test_acc", "chosen", "run_id", "n_val", "n_test")
    rows: list[tuple[Any, ...]] = []
    for one in members:
        best = _chosen(one)
        for trial, run in enumerate(one.runs, start=1):
            if run.status not in ("finished", "diverged"):
                continue
            value = run.summary.get("val_acc", 0.0) if run.status == "finished" else 0.0
            test = run.summary.get("test_acc") if run is best else None
            images = (run.summary.get("n_val"), run.summary.get("n_test"))
            lr = run.config["training"]["lr"]
            rows.append((one.label, one.number, trial, lr, value, test, run is best, run.run_id, *images))
    return pd.DataFrame(rows, columns=list(columns))


def _chosen(one: Condition) -> Run | None:
    """The trial that did best on validation images, by their loss where equal; None before one has finished."""
    ended = [run for run in one.runs if run.status == "finished" and run.summary.get("val_acc")]
    return max(ended, key=lambda run: rank_key(run.summary), default=None)


@dataclass(frozen=True, slots=True)
class Round:
    """Conditions that stand beside each other, and every pair of them judged.

    n_train: images really learned from, of one round of a data hunger; None where a group has only one round
    """

    n_train: int | None
    members: tuple[Condition, ...]
    comparisons: tuple[Comparison, ...]


def rounds(group: Group, runs: Sequence[Run]) -> list[Round]:
    """A race is one round. A data hunger has one per number of images, ascending. A tuning is one round, of the trials that
    were chosen on validation images."""
    members = conditions(group, runs)
    if group.kind == "tuning":
        chosen = [(one, _chosen(one)) for one in members]
        members = [replace(one, runs=(best,) if best else ()) for one, best in chosen]
    if group.kind != "hunger":
        return [Round(None, tuple(members), tuple(comparisons(members, group.plan["exempt"])))]
    found = []
    for size in group.plan["sizes"]:
        own = [replace(one, runs=tuple(run for run in one.runs if _n_train(run) == size)) for one in members]
        images = (run.started["n_train"] for one in own for run in one.runs if run.started)
        told = comparisons(own, group.plan["exempt"])
        found.append(Round(next(images, size), tuple(own), tuple(told)))
    return found


def _n_train(run: Run) -> int:
    asked: int = run.config["data"]["n_train"]
    return asked


def comparisons(members: Sequence[Condition], exempt: Collection[str] = ()) -> list[Comparison]:
    """Every pair of conditions, judged over the seeds that both finished with; Holm over all pairs that were planned, so that
    nobody wins because others have not finished yet, failed or were deleted.

    A network and its own copy have no planned seed in common; their runs are paired by the place of their seeds in the plan.
    members: of a race, or of one round of another group; each with one run per seed
    exempt: settings that the rules of the group set (``plan["exempt"]``), which confound nothing
    """
    on = judged_on(members)
    pairs = list(combinations(members, 2))
    found = [_over_seeds(a, b, on) for a, b in pairs]
    raised = holm([1.0 if one is None else one.p for one in found])
    told = []
    for (a, b), seeds, value in zip(pairs, found, raised, strict=True):
        p = None if seeds is None else value
        besides = tuple(_confounders(a, b, exempt))
        told.append(Comparison(a.label, b.label, seeds, p, besides, _verdict(a, b, seeds, p, besides, on)))
    return told


def _over_seeds(a: Condition, b: Condition, on: On) -> Seeds | None:
    left, right = a.values(on), b.values(on)
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
    a: Condition, b: Condition, found: Seeds | None, p: float | None, besides: Sequence[str], on: On
) -> Verdict:
    if besides:
        both = f"{a.label} and {b.label} differ in more than one thing"
        return Verdict("none", f"Confounded: {both}, so nobody can say what made a difference: {'; '.join(besides)}.")
    if found is None:
        return Verdict("none", f"{a.label} against {b.label}: no seed has finished with both yet.{_left_out(a, b)}")
    to_come = sum(not run.has_ended for one in (a, b) for run in one.runs)
    judged = verdict_over_seeds(a.label, b.label, found, p, measured=WORDS[on], to_come=to_come)
    return replace(judged, finding=judged.finding + _left_out(a, b))


def _left_out(a: Condition, b: Condition) -> str:
    """Sentences about the planned runs that do not count: whoever breaks off at every second seed, or whose bad seeds were
    deleted, must not shine by the others unnoticed."""
    lost = [sum(run.has_ended and run.status != "finished" for run in one.runs) for one in (a, b)]
    gone = [
        len(one.seeds) - len({run.config["training"]["seed"] for run in one.runs}) if one.runs else 0 for one in (a, b)
    ]
    told = ""
    for counts, why in ((lost, "did not finish"), (gone, "was deleted")):
        parts = [f"{n} run{'s' if n > 1 else ''} of {one.label}" for n, one in zip(counts, (a, b), strict=True) if n]
        told += f" Left out, because it {why}: {' and '.join(parts)}." if parts else ""
    return told


@dataclass(frozen=True, slots=True)
class Pair:
    """Two trained networks on the same images."""

    found: Paired
    verdict: Verdict


def pair(name_a: str, name_b: str, a: Evaluation, b: Evaluation, on: On = "test", p: float | None = None) -> Pair:
    """Compare two runs by their answers. p: mid-p after Holm where several pairs are shown together.

    Raises RunError when they did not answer the same images, or when answers are not numbers.
    """
    if not np.array_equal(a.labels, b.labels):
        raise RunError(f"{name_a} and {name_b} did not read the same images, so they can not be compared one by one")
    for name, one in ((name_a, a), (name_b, b)):
        if not np.isfinite(one.logits).all():
            raise RunError(f"The answers of {name} are not numbers: its training diverged")
    found = paired(*(one.logits.argmax(axis=1) == one.labels for one in (a, b)))
    images = "test images" if on == "test" else "validation images"
    return Pair(found, verdict_for_pair(name_a, name_b, found, p, images=images))


def as_values(group: Group, runs: Sequence[Run]) -> dict[str, Any]:
    """The tables and the verdicts of a group as plain values for JSON; what is not known is None.

    judged_on: "test" or "val" · conditions: the rows of ``table`` of each round · comparisons: one per pair and round, with
    what ``Seeds`` says. In a data hunger both carry n_train; in a tuning the conditions are the chosen trials, with
    their lr and of how many trials they are the best.
    """
    whole = conditions(group, runs)
    found: dict[str, Any] = {"judged_on": judged_on(whole), "conditions": [], "comparisons": []}
    for one in rounds(group, runs):
        at: dict[str, Any] = {} if one.n_train is None else {"n_train": one.n_train}
        rows = table(one.members).astype(object)
        for member, row in zip(one.members, rows.where(rows.notna(), None).to_dict("records"), strict=True):
            own = dict(at)
            if group.kind == "tuning":
                own["lr"] = member.runs[0].config["training"]["lr"] if member.runs else None
                own["trials"] = len(whole[member.number].runs)
            found["conditions"].append(own | {str(name): value for name, value in row.items()})
        for pair in one.comparisons:
            figures: dict[str, Any] = asdict(pair.found) if pair.found else {}
            told = {"p_holm": pair.p, "confounders": list(pair.confounders)}
            verdict = {"winner": pair.verdict.winner, "verdict": pair.verdict.sentence}
            found["comparisons"].append({**at, "a": pair.a, "b": pair.b, **figures, **told, **verdict})
    return found


def _flat(run: Run) -> dict[str, Any]:
    return {**run.config["model"], **run.config["data"], **run.config["training"]}


def _mean(values: Any) -> float | None:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else None
