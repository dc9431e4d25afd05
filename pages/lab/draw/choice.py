"""Whom a newcomer draws for: what was just trained here, beside networks that came with the program and read well."""

from __future__ import annotations

from collections.abc import Sequence

from core import models
from core.compare.leaderboard import rank_key
from core.data import EMBEDDED
from core.runs.rows import Run
from pages.shared.run_picker import SHIPPED_FIRST, first_choice, has_result

MIN_SHIPPED = 2  # shipped networks that have their place even beside a comparison of many


def chosen_first(runs: Sequence[Run], limit: int) -> list[str]:
    """Ids of at most ``limit`` runs: the newest that has finished, one of each kind that was started with it, and shipped ones.

    runs: the newest first · [] where no network came with the program that learned from more than the embedded digits
    """
    judged = [run for run in runs if has_result(run)]
    healthy = [run for run in judged if run.shipped and not run.patient]
    shipped = _best_of_families([run for run in healthy if run.config["data"]["dataset"] != EMBEDDED])
    if not shipped:
        return []
    own = first_choice([run for run in judged if not run.shipped and run.status == "finished"])
    return [*own[: limit - MIN_SHIPPED], *(run.run_id for run in shipped[:SHIPPED_FIRST])][:limit]


def _best_of_families(runs: Sequence[Run]) -> list[Run]:
    """The best of each family of architectures on its validation images, the best of them first."""
    best: dict[str, Run] = {}
    for run in sorted(runs, key=lambda run: rank_key(run.summary), reverse=True):
        if run.architecture in models.TABLE:
            best.setdefault(models.TABLE[run.architecture].family, run)
    return list(best.values())
