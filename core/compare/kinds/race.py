"""Race: everybody with every seed, on the same images in the same order, under the same budget."""

from __future__ import annotations

from core.compare.budget import Speed
from core.compare.conditions import condition_table
from core.compare.kinds.kind import Kind, all_together
from core.compare.plan import Plan, Question, check, entrants, plan_of, seed_by_seed, set_by_rules, under_rules
from core.errors import ConfigError


def plan(question: Question, n_images: int, images_per_s: Speed | None) -> Plan:
    """Every contestant with every seed.

    Raises ConfigError: too few or equal contestants, other images for one than for another, sizes that can not be matched,
    a budget that can not be spent, more than 200 runs.
    """
    check(question, len(question.seeds) * len(question.contestants))
    if len(question.contestants) == len(question.seeds) == 1:
        raise ConfigError("One network with one seed is no race: add a network or a seed", ("contestants", "seeds"))
    configs, size_notes, budget_notes = under_rules(question, question.contestants, n_images, images_per_s)
    competing = entrants(configs, question.seeds)
    exempt = set_by_rules(question, configs)
    return plan_of(question, competing, seed_by_seed(competing), exempt, [*size_notes, *budget_notes])


KIND = Kind(
    id="race",
    title="Race",
    help="Each network runs once with every seed, on the same images in the same order, under the same budget.",
    options=frozenset({"networks", "settings", "match", "seeds"}),
    plan=plan,
    lineups=all_together,
    table=condition_table,
)
