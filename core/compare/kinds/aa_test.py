"""A/A test: a network against its own copy with other seeds, to see what luck alone can do."""

from __future__ import annotations

from core.compare.budget import Speed
from core.compare.conditions import condition_table
from core.compare.kinds.kind import Kind, all_together
from core.compare.plan import Entrant, Plan, Question, check, entrants, plan_of, seed_by_seed, set_by_rules, under_rules
from core.errors import ConfigError

COPY_SEED_DISTANCE = 100  # how far the seeds of the copy lie from the network's own, at least


def plan(question: Question, n_images: int, images_per_s: Speed | None) -> Plan:
    """The only contestant with every seed, and its copy with as many others.

    Raises ConfigError as a race does, and for more than one contestant.
    """
    check(question, len(question.seeds) * 2)
    if len(question.contestants) > 1:
        n = len(question.contestants)
        raise ConfigError(f"An A/A test is one network against its copy, not {n} networks", ("contestants",))
    configs, size_notes, budget_notes = under_rules(question, question.contestants, n_images, images_per_s)
    seeds = question.seeds
    away = COPY_SEED_DISTANCE * (1 + (max(seeds) - min(seeds)) // COPY_SEED_DISTANCE)
    (network,) = entrants(configs, seeds)
    competing = [network, Entrant(f"{network.label} (copy)", network.config, [seed + away for seed in seeds])]
    exempt = set_by_rules(question, configs)
    return plan_of(question, competing, seed_by_seed(competing), exempt, [*size_notes, *budget_notes])


KIND = Kind(
    id="aa_test",
    title="A/A test",
    help="One network against its own copy with other seeds: whatever gap comes out is luck, so it shows how large luck is.",
    options=frozenset({"seeds"}),
    plan=plan,
    lineups=all_together,
    table=condition_table,
    caveat="A network and its own copy are equally good. Should one of them win here, that is luck: it happens in up to 5 of "
    "100 such tests, and so it does in races between others.",
)
