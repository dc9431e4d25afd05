"""A challenge in sentences, for those who set it and for those who take part."""

from __future__ import annotations

from core import models
from core.runs.challenges import Challenge, Terms


def goal_sentence(terms: Terms) -> str:
    """Such as "The goal: at least 2 percentage points better than the base run, …"."""
    points = "percentage point" if terms.goal == 1 else "percentage points"
    return f"The goal: at least {terms.goal:g} {points} better than the base run, on images that are set aside."


def budget_sentence(challenge: Challenge) -> str:
    """What a network may be and may use."""
    terms = challenge.terms
    limits = [f"{terms.max_epochs:,} epoch{'s' if terms.max_epochs > 1 else ''}"]
    if terms.max_steps:
        limits.append(f"{terms.max_steps:,} steps")
    if terms.max_n_params:
        limits.append(f"{terms.max_n_params:,} parameters")
    *first, last = limits
    amounts = f"{', '.join(first)} and {last}" if first else last
    network = "any network" if terms.is_network_free else models.title(challenge.config.architecture)
    return f"Allowed: {network} with at most {amounts}."
