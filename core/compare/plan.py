"""Comparisons as plans: which runs to launch together so that only one thing differs between their conditions.

A plan is made before anything trains, and everything in it can be repeated to the bit: a budget of any kind becomes a number
of steps, sizes are chosen by formula, learning rates are drawn from a seed. Its notes say what was chosen and converted.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core import models
from core.compare import size_match as fair
from core.compare.budget import BUDGETS, Budget, Speed, changed, spend, steps_per_epoch
from core.compare.differences import LENGTH, condition_labels, differing, title_text
from core.compare.size_match import Match
from core.config import RunConfig, TrainingConfig
from core.data.split import part_sizes
from core.errors import ConfigError
from core.fields import settings
from core.runs.rows import NAME_LENGTH

__all__ = ["BUDGETS", "SIZES", "Budget", "Kind", "Match", "Plan", "hunger", "race", "tuning"]

Kind = Literal["race", "hunger", "tuning"]
Entrant = tuple[str, RunConfig, Sequence[int]]  # label, config, seeds

SIZES = (100, 300, 1_000, 3_000, 10_000, 0)  # training images; 0 means all
TRIALS, LOWEST_LR, HIGHEST_LR = 8, 0.0001, 0.1  # of a tuning, where nobody chooses
MOST_RUNS = 200
COPY = 100  # how far the seeds of a network's copy lie from its own, at least
HUNGER_EPOCHS = 200  # passes over a small training set that are enough where nobody sets a budget
SPLIT = ("dataset", "val_fraction", "split_seed")  # what decides, together with n_train, which images a run sees


@dataclass(frozen=True, slots=True)
class Plan:
    """Runs to launch as one group.

    configs: seed by seed, in it the contestants side by side, so that all conditions grow together
    details: plain values for JSON: "contestants" (label, seeds, architecture, settings, sizes, parameters,
    multiply_adds; the settings without the seed, by name, those of the first runs where the kind varies one), "budget"
    (kind and amount, or None), "match", "seeds", "exempt" (settings that the rules set, so they confound nothing), and those
    of its kind: "rematch" (race), "sizes" (hunger), "trials", "low", "high" and "lrs" (tuning)
    notes: sentences about what was chosen and converted
    """

    name: str
    kind: Kind
    configs: tuple[RunConfig, ...]
    details: Mapping[str, Any]
    notes: tuple[str, ...]

    @property
    def kept(self) -> dict[str, Any]:
        """What a group remembers of its plan: the details, and the notes beside them."""
        return {**self.details, "notes": list(self.notes)}


def race(
    contestants: Sequence[RunConfig],
    seeds: Sequence[int],
    budget: Budget | None = None,
    match: Match = "none",
    *,
    n_images: int,
    images_per_s: Speed | None = None,
    rematch: bool = False,
    name: str = "",
) -> Plan:
    """Every contestant with every seed: the same images, in the same order per seed, under the same budget.

    budget: None leaves each contestant its own epochs · match: what their sizes are made equal in
    n_images: training images of the dataset, before any are held out
    images_per_s: how fast a network trains here; needed for seconds, and asked often when sizes are matched in them
    rematch: the only contestant runs against its own copy with other seeds, to see what luck alone can do
    Raises ConfigError: too few or equal contestants, other images for one than for another, sizes that can not be matched,
    a budget that can not be spent, more than 200 runs.
    """
    _check(contestants, seeds, len(seeds) * (2 if rematch else len(contestants)), (*SPLIT, "n_train"))
    if rematch and len(contestants) > 1:
        raise ConfigError(
            f"A rematch is one network against its copy, not {len(contestants)} networks", ("contestants",)
        )
    if len(contestants) == len(seeds) == 1 and not rematch:
        raise ConfigError("One network with one seed is no race: add a network or a seed", ("contestants", "seeds"))
    chosen, notes = _matched(contestants, match, n_images, images_per_s)
    chosen, more = spend(chosen, budget, n_images, images_per_s)
    _check_distinct(chosen)
    labels = condition_labels(chosen)
    entrants: list[Entrant] = [(label, config, seeds) for label, config in zip(labels, chosen, strict=True)]
    if rematch:
        away = COPY * (1 + (max(seeds) - min(seeds)) // COPY)
        entrants.append((f"{labels[0]} (copy)", chosen[0], [seed + away for seed in seeds]))
    configs = [changed(config, seed=own[place]) for place in range(len(seeds)) for _, config, own in entrants]
    exempt = [*(LENGTH if budget else ()), *_sizes(chosen, match)]
    details = _details(entrants, budget, match, seeds, exempt) | {"rematch": rematch}
    return Plan(name or _name(entrants), "race", tuple(configs), details, (*notes, *more))


def hunger(
    contestants: Sequence[RunConfig],
    seeds: Sequence[int],
    sizes: Sequence[int] = SIZES,
    budget: Budget | None = None,
    match: Match = "none",
    *,
    n_images: int,
    images_per_s: Speed | None = None,
    name: str = "",
) -> Plan:
    """The same race at growing numbers of training images, small ones first within each seed.

    sizes: training images, 0 for all; those that are not there are left out, and a note says so
    budget: of each run; None means equal steps at every number of images, as many as the first contestant's epochs take
    with all of them, but no more than 200 passes over a small set
    Raises ConfigError as ``race`` does, and when fewer than two sizes are left.
    """
    contestants = [changed(config, n_train=0) for config in contestants]
    _check(contestants, seeds, len(seeds) * len(contestants), SPLIT)
    there, _ = part_sizes(n_images, contestants[0].data)
    wanted = sorted(set(sizes), key=lambda size: size or math.inf)
    kept = [size for size in wanted if size < there or (size == there and 0 not in wanted)]
    if len(kept) < 2:
        raise ConfigError(
            f"Numbers of images (sizes): {len(kept)} of these can be used, allowed are at least 2 up to {there:,}",
            ("sizes",),
        )
    _check_number(len(seeds) * len(contestants) * len(kept))
    matched, notes = _matched(contestants, match, n_images, images_per_s)
    if missing := [f"{size:,}" for size in wanted if size > there]:
        notes.append(f"Left out {' and '.join(missing)} images: there are only {there:,} to learn from.")
    plan = matched[0].training
    steps = min(plan.epochs * steps_per_epoch(matched[0], n_images), plan.max_steps or math.inf)
    if budget is None:
        notes.append(f"Equal steps at every number of images, but at most {HUNGER_EPOCHS} passes over a small set.")
    by_size: list[list[RunConfig]] = []
    told: list[str] = []
    for size in kept:
        given = [changed(config, n_train=size) for config in matched]
        most = HUNGER_EPOCHS * min(steps_per_epoch(config, n_images) for config in given)
        given, told = spend(given, budget or Budget("steps", min(steps, most)), n_images, images_per_s)
        by_size.append(given)
        notes.append(f"{f'{size:,}' if size else f'All {there:,}'} images: {told[0]}")
    _check_distinct(by_size[0])
    configs = [changed(config, seed=seed) for seed in seeds for given in by_size for config in given]
    labels = condition_labels(by_size[0])
    entrants: list[Entrant] = [(label, config, seeds) for label, config in zip(labels, by_size[0], strict=True)]
    details = _details(entrants, budget, match, seeds, [*LENGTH, "n_train", *_sizes(matched, match)]) | {"sizes": kept}
    return Plan(name or _name(entrants, "Data hunger: "), "hunger", tuple(configs), details, (*notes, *told[1:]))


def tuning(
    contestants: Sequence[RunConfig],
    trials: int,
    low: float,
    high: float,
    seed: int = 0,
    budget: Budget | None = None,
    match: Match = "none",
    *,
    n_images: int,
    images_per_s: Speed | None = None,
    name: str = "",
) -> Plan:
    """As many trials of the learning rate for each contestant, drawn from the same range; validation images choose.

    Drawn evenly on a logarithmic scale. All contestants get the same draws, so that luck in drawing favours none of them.
    low, high: of the range · seed: of the draws, and of every run
    Raises ConfigError as ``race`` does, for a range that ``lr`` does not allow, and without validation images.
    """
    _check(contestants, [seed], trials * len(contestants), (*SPLIT, "n_train"))
    lr = next(one for one in settings(TrainingConfig) if one.name == "lr")
    if not (lr.low or 0) <= low < high <= (lr.high or math.inf):
        raise ConfigError(
            f"Learning rate (lr) is drawn from {low:g} to {high:g}, allowed is within {lr.allowed}", ("lr",)
        )
    if trials < 2:
        raise ConfigError(f"Trials (trials) is {trials}, allowed are at least 2", ("trials",))
    if not contestants[0].data.val_fraction:
        raise ConfigError("Tuning needs validation images to choose by, but val_fraction is 0", ("val_fraction",))
    chosen, notes = _matched([changed(config, lr=low) for config in contestants], match, n_images, images_per_s)
    chosen, more = spend(chosen, budget, n_images, images_per_s)
    _check_distinct(chosen)
    draw = random.Random(seed)  # noqa: S311 - repeatable on purpose: Python keeps the numbers of random() as they are
    lrs = [min(max(float(f"{low * (high / low) ** draw.random():.3g}"), low), high) for _ in range(trials)]
    notes.append(
        f"{trials} learning rates from {low:g} to {high:g}, drawn evenly on a logarithmic scale, the same for every network. "
        "Validation images choose among them; test images only report."
    )
    configs = [changed(config, lr=value, seed=seed) for value in lrs for config in chosen]
    entrants: list[Entrant] = [
        (label, one, [seed]) for label, one in zip(condition_labels(chosen), chosen, strict=True)
    ]
    exempt = ["lr", *(LENGTH if budget else ()), *_sizes(chosen, match)]
    details = _details(entrants, budget, match, [seed], exempt)
    details |= {"trials": trials, "low": low, "high": high, "lrs": lrs}
    return Plan(name or _name(entrants, "Tuning: "), "tuning", tuple(configs), details, (*notes, *more))


def _check(contestants: Sequence[RunConfig], seeds: Sequence[int], n_runs: int, shared: Collection[str]) -> None:
    """What holds for every plan. shared: settings that have to be equal, or the contestants would see other images."""
    if not contestants:
        raise ConfigError("There is no network to run: choose at least one", ("contestants",))
    if not seeds or len(set(seeds)) < len(seeds):
        raise ConfigError(f"Seeds (seeds) are {', '.join(map(str, seeds)) or 'none'}, allowed is each once", ("seeds",))
    apart = tuple(name for name in differing(contestants) if name in shared)
    if apart:
        names = " and ".join(title_text(contestants[0], name) for name in apart)
        raise ConfigError(f"All networks of a comparison need the same images, but {names} differs among them", apart)
    _check_number(n_runs)


def _check_number(n_runs: int) -> None:
    if n_runs > MOST_RUNS:
        raise ConfigError(f"These are {n_runs:,} runs, allowed are at most {MOST_RUNS} in one group", ("seeds",))


def _check_distinct(contestants: Sequence[RunConfig]) -> None:
    """Under the rules: two that differed in what a budget or the matching sets may have become equal."""
    seen: list[RunConfig] = []
    for label, config in zip(condition_labels(contestants), contestants, strict=True):
        plain = changed(config, seed=0)
        if plain in seen:
            raise ConfigError(f"Two of the networks are equal under these rules: {label}", ("contestants",))
        seen.append(plain)


def _matched(
    contestants: Sequence[RunConfig], match: Match, n_images: int, images_per_s: Speed | None
) -> tuple[list[RunConfig], list[str]]:
    def seconds_per_epoch(config: RunConfig) -> float:
        return part_sizes(n_images, config.data)[0] / images_per_s(config) if images_per_s else math.inf

    return fair.match(contestants, match, seconds_per_epoch if images_per_s else None)


def _sizes(contestants: Sequence[RunConfig], match: Match) -> list[str]:
    """The settings that the matching has set."""
    if match == "none":
        return []
    return list(dict.fromkeys(name for config in contestants for name in models.get(config.architecture).sizes))


def _details(
    entrants: Sequence[Entrant], budget: Budget | None, match: Match, seeds: Sequence[int], exempt: Sequence[str]
) -> dict[str, Any]:
    told = []
    for label, config, own in entrants:
        one, nested = models.get(config.architecture), config.model_dump(mode="json")
        values = {**nested["model"], **nested["data"], **nested["training"]}
        told.append(
            {
                "label": label, "seeds": list(own), "architecture": config.architecture,
                "settings": {name: value for name, value in values.items() if name != "seed"},
                "sizes": {name: values[name] for name in one.sizes},
                "parameters": one.n_params(config.model), "multiply_adds": one.multiply_adds(config.model),
            }
        )  # fmt: skip
    spent = {"kind": budget.kind, "amount": budget.amount} if budget else None
    return {"contestants": told, "budget": spent, "match": match, "seeds": list(seeds), "exempt": list(exempt)}


def _name(entrants: Sequence[Entrant], what: str = "") -> str:
    """A name that fits: everybody, or else how many there are."""
    name = what + " against ".join(label for label, _, _ in entrants)
    return name if len(name) <= NAME_LENGTH else f"{what}{len(entrants)} networks"
