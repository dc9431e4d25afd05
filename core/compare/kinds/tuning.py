"""Fair tuning: as many learning rates tried for each network, from the same range; validation images choose."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.analysis.statistics import expected_best
from core.analysis.verdicts import FEWEST_SEEDS, fewest_seeds
from core.compare.budget import Speed, changed
from core.compare.conditions import Condition
from core.compare.kinds.kind import Kind, Lineup
from core.compare.leaderboard import rank_key
from core.compare.plan import Plan, Question, check, entrants, plan_of, set_by_rules, under_rules
from core.config import TrainingConfig
from core.data.split import part_sizes
from core.errors import ConfigError
from core.fields import settings
from core.runs.groups import PlannedRun
from core.runs.rows import Run

if TYPE_CHECKING:
    import pandas as pd


def plan(question: Question, n_images: int, images_per_s: Speed | None) -> Plan:
    """As many trials of the learning rate for each contestant, drawn from the same range; validation images choose.

    Drawn evenly on a logarithmic scale. All contestants get the same draws, so that luck in drawing favours none of them.
    The only seed is that of the draws, and of every run.
    Raises ConfigError as a race does, for more than one seed, for a range that ``lr`` does not allow, and without
    validation images.
    """
    trials, low, high = question.trials, question.low, question.high
    check(question, trials * len(question.contestants))
    if len(question.seeds) > 1:
        raise ConfigError(f"A tuning has one seed, not {len(question.seeds)}", ("seeds",))
    lr = next(setting for setting in settings(TrainingConfig) if setting.name == "lr")
    if not (lr.low or 0) <= low < high <= (lr.high or math.inf):
        raise ConfigError(
            f"Learning rate (lr) is drawn from {low:g} to {high:g}, allowed is within {lr.allowed}", ("lr",)
        )
    if trials < 2:
        raise ConfigError(f"Trials (trials) is {trials}, allowed are at least 2", ("trials",))
    data = question.contestants[0].data
    if not part_sizes(n_images, data)[1]:
        raise ConfigError(
            f"Tuning needs validation images to choose by, but val_fraction is {data.val_fraction:g}, which is none of the "
            f"{n_images:,} training images",
            ("val_fraction",),
        )
    equal_lr = [changed(config, lr=low) for config in question.contestants]
    configs, size_notes, budget_notes = under_rules(question, equal_lr, n_images, images_per_s)
    (seed,) = question.seeds
    draw = random.Random(seed)  # noqa: S311 - repeatable on purpose: Python keeps the numbers of random() as they are
    lrs = [min(max(float(f"{low * (high / low) ** draw.random():.3g}"), low), high) for _ in range(trials)]
    how = (
        f"{trials} learning rates from {low:g} to {high:g}, drawn evenly on a logarithmic scale, the same for every network. "
        "Validation images choose among them; test images only report."
    )
    runs = [
        PlannedRun(changed(config, lr=value, seed=seed), number)
        for value in lrs
        for number, config in enumerate(configs)
    ]
    return plan_of(
        question, entrants(configs, [seed]), runs, ["lr", *set_by_rules(question, configs)],
        [*size_notes, how, *budget_notes], prefix="Tuning: ", trials=trials, low=low, high=high, lrs=lrs,
    )  # fmt: skip


def lineups(_plan: Mapping[str, Any], members: Sequence[Condition]) -> list[Lineup]:
    """One, of the trials that were chosen on validation images."""
    best = [(member, best_trial(member)) for member in members]
    return [Lineup(None, [replace(member, runs=(run,) if run else ()) for member, run in best])]


def best_trial(member: Condition) -> Run | None:
    """The trial that did best on validation images, by their loss where equal; None before one has finished."""
    ended = [run for run in member.runs if run.status == "finished" and run.summary.get("val_acc")]
    return max(ended, key=lambda run: rank_key(run.summary), default=None)


def table(members: Sequence[Condition]) -> pd.DataFrame:
    """One row per trial that has ended: label · number · trial (from 1) · lr · val_acc (fraction; 0 for one that diverged, so
    that a bad draw costs its network) · test_acc (only of the chosen trial, else NaN) · chosen (the best of its condition on
    validation images, by their loss where equal) · run_id · n_val · n_test."""
    import pandas as pd

    columns = ("label", "number", "trial", "lr", "val_acc", "test_acc", "chosen", "run_id", "n_val", "n_test")
    rows: list[tuple[Any, ...]] = []
    for member in members:
        best = best_trial(member)
        for trial, run in enumerate(member.runs, start=1):
            if run.status not in ("finished", "diverged"):
                continue
            value = run.summary.get("val_acc", 0.0) if run.status == "finished" else 0.0
            test = run.summary.get("test_acc") if run is best else None
            images = (run.summary.get("n_val"), run.summary.get("n_test"))
            lr = run.config["training"]["lr"]
            rows.append((member.label, member.number, trial, lr, value, test, run is best, run.run_id, *images))
    return pd.DataFrame(rows, columns=list(columns))


def best_of_trials(trials: pd.DataFrame) -> pd.DataFrame:
    """The validation accuracy (fraction) to expect of the best of the first k trials, whichever came first: label · number ·
    trials (k, from 1) · accuracy. trials: as ``table`` makes it, with at least one row"""
    import pandas as pd

    lines = [
        pd.DataFrame(
            {"label": rows["label"].iloc[0], "number": number, "trials": range(1, len(rows) + 1),
             "accuracy": expected_best(rows["val_acc"].tolist())}
        )
        for number, rows in trials.groupby("number", sort=False)
    ]  # fmt: skip
    return pd.concat(lines, ignore_index=True)


KIND = Kind(
    id="tuning",
    title="Fair tuning",
    help="Every network gets equally many tries with learning rates from the same range; the validation images choose.",
    options=frozenset({"networks", "settings", "match", "trials"}),
    plan=plan,
    lineups=lineups,
    table=table,
    view="trials",
    varies=("lr",),
    chooses=True,
    curves="Curves of the best trial of each network so far, by validation images.",
    caveat="One seed each: this chooses learning rates and names no winner. To compare the networks, run a race of at least "
    f"{FEWEST_SEEDS} seeds, of more than two networks {fewest_seeds(3)} or more.",
)
