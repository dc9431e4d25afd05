"""Which runs are on the charts before anybody has chosen."""

from __future__ import annotations

from collections.abc import Sequence

from core import models
from core.compare.same_images import image_sets
from core.data import present_names
from core.runs.rows import Run
from pages.shared.run_picker import first_choice, has_result

MAX_FIRST_RUNS = 3


def chosen_first(runs: Sequence[Run]) -> list[str]:
    """The visitor's newest and those started beside it; before there are any, of the shipped ones whose images are here the
    best of each family but the linear one, which breaks first: what harms one kind of network may not harm another. [] where
    no images are here."""
    here = [run for run in runs if has_result(run) and run.config["data"]["dataset"] in present_names()]
    if any(not run.shipped for run in here):
        return first_choice(here)
    best: dict[str, Run] = {}
    for run in max((images.runs for images in image_sets(here)), key=len, default=()):
        family = models.TABLE[run.architecture].family
        if family not in best or run.summary["test_acc"] > best[family].summary["test_acc"]:
            best[family] = run
    order = list(dict.fromkeys(entry.family for entry in models.TABLE.values()))
    return [best[family].run_id for family in sorted(best, key=order.index) if family != "linear"][:MAX_FIRST_RUNS]
