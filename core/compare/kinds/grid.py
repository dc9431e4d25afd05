"""Two settings at once: every value of the one with every value of the other, to see whether their effects add up."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from core import models
from core.analysis.interactions import capitalised
from core.compare.budget import Speed, changed
from core.compare.conditions import condition_table
from core.compare.differences import LENGTH, label_title, title_text, value_text
from core.compare.kinds.kind import Kind, all_together
from core.compare.plan import (
    SPLIT_SETTINGS,
    Entrant,
    Factor,
    Plan,
    Question,
    check,
    plan_of,
    seed_by_seed,
    set_by_rules,
    under_rules,
)
from core.config import RECORDS, RunConfig, all_settings
from core.data.split import part_sizes
from core.errors import ConfigError
from core.fields import Setting

MOST_VALUES = 4  # of each setting
# With other images to be judged on, cells would not compare; the others are no choice of how to train.
NEVER_VARIED = ("seed", "device", *SPLIT_SETTINGS, *RECORDS)


def plan(question: Question, n_images: int, images_per_s: Speed | None) -> Plan:
    """One network with every pair of values, each with every seed. Numbers ascend, so that neighbours in the grid are
    neighbours in value.

    Raises ConfigError as a race does, for more than one network, for other than two settings, for fewer than two or more than
    four values, and for a setting that can not be varied or does nothing beside the others.
    """
    table = cells_of(question)
    (network,), (first, second) = question.contestants, question.factors
    cells = [config for row in table for config in row]
    names = (first.name, second.name)
    _check_cells(cells, names, n_images)
    of_cells = replace(question, contestants=tuple(cells), match="none")
    check(of_cells, len(cells) * len(question.seeds), SPLIT_SETTINGS)
    configs, _, budget_notes = under_rules(of_cells, cells, n_images, images_per_s)
    competing = [Entrant(_label(config, names), config, question.seeds) for config in configs]
    titles = [title_text(network, name) for name in names]
    units = [_setting(network, factor).unit for factor in (first, second)]
    sides = ([row[0] for row in table], table[0])
    factors = [
        {"name": name, "title": title, "unit": unit, "values": [value_text(config, name) for config in side]}
        for name, title, unit, side in zip(names, titles, units, sides, strict=True)
    ]
    how = (
        f"Every one of {len(table)} values of {titles[0]} with every one of {len(table[0])} of {titles[1]}: {len(cells)} cells "
        "with the same seeds."
    )
    name = question.name or f"{capitalised(' and '.join(titles))}: {models.short_title(network.architecture)}"
    return plan_of(
        replace(question, name=name, match="none"), competing, seed_by_seed(competing),
        [*names, *set_by_rules(of_cells, configs)], [how, *budget_notes], factors=factors,
    )  # fmt: skip


def cells_of(question: Question) -> list[list[RunConfig]]:
    """The cells of a grid before any budget is spent: a row for each value of its first setting. Raises ConfigError."""
    if len(question.contestants) > 1:
        n = len(question.contestants)
        raise ConfigError(f"A grid is of one network, not of {n} networks", ("contestants",))
    check(question, 0)
    (network,) = question.contestants
    first, second = _two(question, network)
    return _ordered(
        [[changed(network, **{first.name: a, second.name: b}) for b in second.values] for a in first.values],
        _setting(network, first), _setting(network, second),
    )  # fmt: skip


def offered(architecture: str, fixed: Collection[str] = ()) -> list[Setting]:
    """The settings of an architecture that a grid can vary, in the order of declaration. fixed: set by the rules"""
    return [setting for setting in all_settings(architecture) if setting.name not in {*NEVER_VARIED, *fixed}]


def _two(question: Question, network: RunConfig) -> tuple[Factor, Factor]:
    """The settings that are asked for. Raises ConfigError for those that a grid can not have."""
    names = tuple(factor.name for factor in question.factors)
    if len(set(names)) != 2 or len(names) != 2:
        settings = ", ".join(names) or "none"
        raise ConfigError(f"The settings of a grid are {settings}, allowed are two different ones", names or ("vary",))
    allowed = {setting.name for setting in offered(network.architecture, LENGTH if question.budget else ())}
    for factor in question.factors:
        if factor.name not in allowed:
            raise ConfigError(
                f"{factor.name} can not be varied in a grid, allowed is one of {', '.join(sorted(allowed))}",
                (factor.name,),
            )
        if not 2 <= len(factor.values) <= MOST_VALUES:
            raise ConfigError(
                f"{_setting(network, factor).title} ({factor.name}) has {len(factor.values)} values in a grid, allowed are "
                f"2 to {MOST_VALUES}", (factor.name,),
            )  # fmt: skip
    first, second = question.factors
    return first, second


def _ordered(table: list[list[RunConfig]], first: Setting, second: Setting) -> list[list[RunConfig]]:
    """Rows and columns with ascending numbers; what is no number stays as it was asked for."""
    table = sorted(table, key=lambda row: _rank(first, row[0].flat()[first.name]))
    order = sorted(range(len(table[0])), key=lambda place: _rank(second, table[0][place].flat()[second.name]))
    return [[row[place] for place in order] for row in table]


def _rank(setting: Setting, value: Any) -> float:
    if setting.kind not in ("int", "float", "bool"):
        return 0.0  # sorting keeps the order of equals
    unlimited = setting.zero in ("all", "no limit") and not value  # 0 stands for as much as there is
    return math.inf if unlimited else float(value)


def _check_cells(cells: Sequence[RunConfig], names: Sequence[str], n_images: int) -> None:
    """That both settings act in every cell and no two cells are the same."""
    for config in cells:
        if idle := config.idle_sentences(names):
            raise ConfigError(f"{' '.join(idle).rstrip('.')}, so nothing can be learned from such a grid", tuple(names))
    pairs = [
        tuple(part_sizes(n_images, config.data)[0] if name == "n_train" else config.flat()[name] for name in names)
        for config in cells
    ]
    if len(set(pairs)) < len(pairs):
        raise ConfigError(
            f"Two values of {' or '.join(title_text(cells[0], name) for name in names)} are the same", tuple(names)
        )


def _setting(network: RunConfig, factor: Factor) -> Setting:
    return next(setting for setting in all_settings(network.architecture) if setting.name == factor.name)


def _label(config: RunConfig, names: Sequence[str]) -> str:
    """ "dropout 0.3, lr 0.01"."""
    return ", ".join(f"{label_title(config, name)} {value_text(config, name)}" for name in names)


KIND = Kind(
    id="grid",
    title="Two settings at once",
    help="One network with every pair of values of two settings: do their gains add up, or does one spoil the other?",
    options=frozenset({"factors", "seeds"}),
    plan=plan,
    lineups=all_together,
    table=condition_table,
    view="grid",
    caveat="Effects are added up in percentage points. Close to 100 % there is less room for them, so the gains of two good "
    "settings often do not add up there for that reason alone.",
)
