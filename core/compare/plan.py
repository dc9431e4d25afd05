"""A comparison before it runs: the question that was asked, the plan that answers it, and what every plan obeys.

A plan is made before anything trains, and everything in it can be repeated to the bit: a budget of any kind becomes a number
of steps, sizes are chosen by formula, learning rates are drawn from a seed. Its notes say what was chosen and converted.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from core import models
from core.compare.budget import Budget, Speed, changed, spend
from core.compare.differences import LENGTH, condition_labels, differing, title_text
from core.compare.size_match import Match, match_sizes
from core.config import RunConfig, run_config
from core.data.split import part_sizes
from core.errors import ConfigError
from core.runs.groups import PlannedRun
from core.runs.rows import NAME_LENGTH

SIZES = (100, 300, 1_000, 3_000, 10_000, 0)  # training images of a data efficiency comparison; 0 means all
TRIALS, LOWEST_LR, HIGHEST_LR = 8, 0.0001, 0.1  # of a tuning, where nobody chooses
MOST_RUNS = 200
# With n_train they decide which images a run sees.
SPLIT_SETTINGS = ("dataset", "classes", "set_aside", "val_fraction", "split_seed")


class Factor(NamedTuple):
    """A setting, and the values of it that a grid crosses with those of another one: as they are, or written as texts."""

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a comparison; which of the options count is said by its kind.

    kind: an id of ``core.compare.kinds`` · budget: None leaves each contestant its own epochs
    match: what the contestants' sizes are made equal in · sizes: training images, 0 for all
    trials: learning rates for each contestant, drawn from low to high · name: "" for one that is made of who competes
    factors: the two settings of a grid
    """

    kind: str
    contestants: tuple[RunConfig, ...]
    seeds: tuple[int, ...]
    budget: Budget | None = None
    match: Match = "none"
    sizes: tuple[int, ...] = SIZES
    trials: int = TRIALS
    low: float = LOWEST_LR
    high: float = HIGHEST_LR
    name: str = ""
    factors: tuple[Factor, ...] = ()

    @property
    def needs_speed(self) -> bool:
        """Whether it counts in seconds, which somebody has to measure."""
        return self.match == "seconds" or (self.budget is not None and self.budget.kind == "seconds")


@dataclass(frozen=True, slots=True)
class Plan:
    """Runs to launch as one group.

    runs: seed by seed, in it the contestants side by side, so that all conditions grow together
    details: plain values for JSON: "contestants" (label, seeds, architecture, settings, sizes, parameters,
    multiply_adds; the settings without the seed, by name, those of the first runs where the kind varies one), "budget"
    (kind and amount, or None), "match", "seeds", "exempt" (settings that the rules set, so they confound nothing), and those
    of its kind: "sizes" (data efficiency), "trials", "low", "high" and "lrs" (tuning), "factors" (grid: name, title,
    unit and values as texts of both settings; contestants are its cells, row by row)
    notes: sentences about what was chosen and converted
    """

    name: str
    kind: str
    runs: tuple[PlannedRun, ...]
    details: Mapping[str, Any]
    notes: tuple[str, ...]

    @property
    def configs(self) -> tuple[RunConfig, ...]:
        """What each run is to be, in order."""
        return tuple(run.config for run in self.runs)

    @property
    def firsts(self) -> tuple[RunConfig, ...]:
        """Of every contestant its first run: a plan sets them side by side."""
        return self.configs[: len(self.details["contestants"])]

    @property
    def kept(self) -> dict[str, Any]:
        """What a group remembers of its plan: the details, and the notes beside them."""
        return {**self.details, "notes": list(self.notes)}


class Entrant(NamedTuple):
    """A contestant under the rules of a comparison."""

    label: str
    config: RunConfig
    seeds: Sequence[int]


def contestants(entries: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[RunConfig, ...]:
    """One config for each (architecture, values by setting name). Raises ConfigError with every fault there is, each once."""
    configs: list[RunConfig] = []
    faults: dict[str, tuple[str, ...]] = {}
    for architecture, values in entries:
        try:
            configs.append(run_config(architecture, values))
        except ConfigError as error:
            faults[str(error)] = error.fields
    if faults:
        raise ConfigError("; ".join(faults), tuple(name for fields in faults.values() for name in fields))
    return tuple(configs)


# ---- what the kinds make their plans with


def check(question: Question, n_runs: int, same: Collection[str] = (*SPLIT_SETTINGS, "n_train")) -> None:
    """What holds for every plan. same: settings that have to be equal, or the contestants would see other images."""
    competing, seeds = question.contestants, question.seeds
    if not competing:
        raise ConfigError("There is no network to run: choose at least one", ("contestants",))
    if not seeds or len(set(seeds)) < len(seeds):
        raise ConfigError(f"Seeds (seeds) are {', '.join(map(str, seeds)) or 'none'}, allowed is each once", ("seeds",))
    apart = tuple(name for name in differing(competing) if name in same)
    if apart:
        names = " and ".join(title_text(competing[0], name) for name in apart)
        raise ConfigError(f"All networks of a comparison need the same images, but {names} differs among them", apart)
    check_number(n_runs)


def check_number(n_runs: int) -> None:
    """Raises ConfigError for more runs than one group may have."""
    if n_runs > MOST_RUNS:
        raise ConfigError(f"These are {n_runs:,} runs, allowed are at most {MOST_RUNS} in one group", ("seeds",))


def check_distinct(configs: Sequence[RunConfig]) -> None:
    """Under the rules: two that differed in what a budget or the matching sets may have become equal."""
    seen: list[RunConfig] = []
    for label, config in zip(condition_labels(configs), configs, strict=True):
        if config.without_seed() in seen:
            raise ConfigError(f"Two of the networks are equal under these rules: {label}", ("contestants",))
        seen.append(config.without_seed())


def matched(
    configs: Sequence[RunConfig], match: Match, n_images: int, images_per_s: Speed | None
) -> tuple[list[RunConfig], list[str]]:
    """``match_sizes``, seconds counted per epoch of this many training images (before any are held out)."""

    def seconds_per_epoch(config: RunConfig) -> float:
        return part_sizes(n_images, config.data)[0] / images_per_s(config) if images_per_s else math.inf

    return match_sizes(configs, match, seconds_per_epoch if images_per_s else None)


def under_rules(
    question: Question, configs: Sequence[RunConfig], n_images: int, images_per_s: Speed | None
) -> tuple[list[RunConfig], list[str], list[str]]:
    """The contestants in the sizes and with the steps that the rules give them; notes about the sizes, and about the steps."""
    sized, size_notes = matched(configs, question.match, n_images, images_per_s)
    ready, budget_notes = spend(sized, question.budget, n_images, images_per_s)
    check_distinct(ready)
    return ready, size_notes, budget_notes


def set_by_rules(question: Question, configs: Sequence[RunConfig]) -> list[str]:
    """The settings that a budget and the matching of sizes have set."""
    sized = configs if question.match != "none" else ()
    sizes = dict.fromkeys(name for config in sized for name in models.get(config.architecture).sizes)
    return [*(LENGTH if question.budget else ()), *sizes]


def entrants(configs: Sequence[RunConfig], seeds: Sequence[int]) -> list[Entrant]:
    """The contestants with the shortest names that tell them apart, all with the same seeds."""
    return [Entrant(label, config, seeds) for label, config in zip(condition_labels(configs), configs, strict=True)]


def seed_by_seed(competing: Sequence[Entrant]) -> list[PlannedRun]:
    """One run for each seed of each entrant, the first seeds of all of them first."""
    return [
        PlannedRun(changed(entrant.config, seed=entrant.seeds[place]), number)
        for place in range(len(competing[0].seeds))
        for number, entrant in enumerate(competing)
    ]


def plan_of(
    question: Question,
    competing: Sequence[Entrant],
    runs: Sequence[PlannedRun],
    exempt: Sequence[str],
    notes: Sequence[str],
    *,
    prefix: str = "",
    **own: Any,
) -> Plan:
    """The plan. prefix: of its name, where nobody gave one · own: details of its kind, as plain values"""
    budget = question.budget
    details = {
        "contestants": [_contestant(entrant) for entrant in competing],
        "budget": {"kind": budget.kind, "amount": budget.amount} if budget else None,
        "match": question.match, "seeds": list(question.seeds), "exempt": list(exempt), **own,
    }  # fmt: skip
    name = question.name or _default_name(competing, prefix)
    return Plan(name, question.kind, tuple(runs), details, (*notes, *_muon_notes(competing)))


def _muon_notes(competing: Sequence[Entrant]) -> list[str]:
    """A sentence for each network in which Muon, asked for, finds nothing to move."""
    with_muon = [entrant.config for entrant in competing if entrant.config.training.optimizer == "muon"]
    if not with_muon:
        return []
    from core.engine.optimizers import muon_matrices, muon_sentence  # loads torch

    without_matrix = [config for config in with_muon if not muon_matrices(config.architecture, config.model)]
    return list(dict.fromkeys(muon_sentence(config) for config in without_matrix))


def _contestant(entrant: Entrant) -> dict[str, Any]:
    config, architecture = entrant.config, models.get(entrant.config.architecture)
    values = config.flat("json")
    return {
        "label": entrant.label, "seeds": list(entrant.seeds), "architecture": config.architecture,
        "settings": {name: value for name, value in values.items() if name != "seed"},
        "sizes": {name: values[name] for name in architecture.sizes},
        "parameters": architecture.n_params(config.model), "multiply_adds": architecture.multiply_adds(config.model),
    }  # fmt: skip


def _default_name(competing: Sequence[Entrant], prefix: str) -> str:
    """A name that fits: everybody, or else how many there are."""
    name = prefix + " against ".join(entrant.label for entrant in competing)
    return name if len(name) <= NAME_LENGTH else f"{prefix}{len(competing)} networks"
