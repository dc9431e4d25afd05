"""What differs between runs: the factors of a comparison, and the shortest names that tell its conditions apart.

A factor is one thing that may explain a gap. Another architecture with all the settings of its own is one; beyond that,
each setting is one. Two factors at once are confounded: nobody can say which of them made the difference.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations
from typing import Any

from core import models
from core.config import RECORDS, RunConfig, TrainingConfig
from core.data.config import DataConfig
from core.fields import Setting, settings

LENGTH = ("epochs", "max_steps")  # how long a run trains: what a budget sets


def differing(configs: Sequence[RunConfig]) -> tuple[str, ...]:
    """Names of the settings that are not equal in all runs, in the order of their declaration, "architecture" first.

    Left out are the seed, what is only kept of a run, and what does nothing: a setting differs between runs in which it acts.
    Settings of a network count where two runs of the same architecture differ in them.
    """
    unequal = _unequal(configs)
    acting = {
        setting.name: {config.flat()[setting.name] for config in configs if setting.applies(config.flat())}
        for setting in settings(TrainingConfig)
        if setting.applies_when and setting.name in unequal
    }
    return tuple(name for name in unequal if name not in acting or len(acting[name]) > 1)


def _unequal(configs: Sequence[RunConfig]) -> tuple[str, ...]:
    """The same with what does nothing."""
    values = [config.flat() for config in configs]
    shared = [
        setting.name
        for section in (DataConfig, TrainingConfig)
        for setting in settings(section)
        if setting.name not in ("seed", *RECORDS)
    ]
    by_architecture: dict[str, list[int]] = {}
    for place, config in enumerate(configs):
        by_architecture.setdefault(config.architecture, []).append(place)
    names = ["architecture"] if len(by_architecture) > 1 else []
    for places in by_architecture.values():
        own = type(configs[places[0]].model).model_fields
        names += [name for name in own if any(values[place][name] != values[places[0]][name] for place in places)]
    names += [name for name in shared if any(own[name] != values[0][name] for own in values)]
    return tuple(dict.fromkeys(names))


def condition_labels(configs: Sequence[RunConfig]) -> list[str]:
    """The shortest name for each run that tells it from the others: "CNN", "batch size 32", "MLP, hidden layers 128-64".

    The architecture's usual short name where architectures differ (or nothing does), then as few settings as will do, how
    long it trains last of all. Runs that are equal in all but the seed get equal names.
    """
    telling: dict[str, Sequence[str]] = {}
    for config in configs:
        if config.architecture not in telling:
            telling[config.architecture] = _telling([own for own in configs if own.architecture == config.architecture])
    labels = []
    for config in configs:
        names = telling[config.architecture]
        title = [models.short_title(config.architecture)] if len(telling) > 1 or not names else []
        labels.append(
            ", ".join([*title, *(f"{label_title(config, name)} {value_text(config, name)}" for name in names)])
        )
    return labels


def confounders(configs: Sequence[RunConfig], exempt: Collection[str] = ()) -> list[str]:
    """What else differs between runs than the one thing compared, as parts of a sentence: "batch size 64 against 128".

    With different architectures, that is every other factor. With the same one, several settings that differ confound
    each other, so all of them are named. Of more than two conditions, every factor that confounds some pair of them, with
    the values it takes. Empty: no two conditions differ in more than one factor.
    exempt: settings that a budget, the matching of sizes or the tuning sets; they are part of the rules
    """
    conditions: dict[tuple[Any, ...], RunConfig] = {}
    for config in configs:
        left = tuple(value for name, value in config.without_seed().flat().items() if name not in exempt)
        conditions.setdefault((config.architecture, left), config)
    values_by_title: dict[str, dict[str, None]] = {}
    for pair in combinations(conditions.values(), 2):
        factors = [name for name in differing(pair) if name not in exempt]
        if len(factors) < 2:
            continue
        for name in factors:
            if name != "architecture":
                values = dict.fromkeys(value_text(config, name) for config in pair)
                values_by_title.setdefault(title_text(pair[0], name), {}).update(values)
    return [f"{title} {' against '.join(values)}" for title, values in values_by_title.items()]


def _telling(configs: Sequence[RunConfig]) -> Sequence[str]:
    """As few settings as tell these runs of one architecture apart: one, two, or else all that differ. What does nothing comes
    last, but it does tell apart runs that differ in nothing else."""
    acting = differing(configs)
    names = sorted(_unequal(configs), key=lambda name: (name not in acting, name in LENGTH))
    values = [config.flat() for config in configs]

    def kinds(subset: Sequence[str]) -> int:
        return len({tuple(own[name] for name in subset) for own in values})

    few = (subset for size in (1, 2) for subset in combinations(names, size))
    return next((subset for subset in few if kinds(subset) == kinds(names)), names)


def _setting(config: RunConfig, name: str) -> Setting:
    sections = (type(config.model), DataConfig, TrainingConfig)
    return next(setting for section in sections for setting in settings(section) if setting.name == name)


def label_title(config: RunConfig, name: str) -> str:
    """A setting's title in the name of a condition: "lr" is what everybody calls it, and short."""
    return name if name == "lr" else title_text(config, name)


def title_text(config: RunConfig, name: str) -> str:
    """A setting's title inside a sentence: "learning rate", but "L1 penalty"."""
    title = _setting(config, name).title
    return title[0].lower() + title[1:] if title[1].islower() else title


def value_text(config: RunConfig, name: str) -> str:
    """A setting's value as a person reads it, without its unit."""
    return _setting(config, name).label(config.flat()[name], unit=False)
