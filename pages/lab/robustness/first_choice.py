"""Which runs are on the charts before anybody has chosen."""

from __future__ import annotations

from collections.abc import Sequence

from core import models
from core.compare.same_images import image_sets
from core.runs.rows import Run
from pages.shared.run_picker import first_choice, has_result, with_images

MAX_FIRST_RUNS = 3


def chosen_first(runs: Sequence[Run]) -> list[str]:
    """The visitor's newest and those started beside it; before there are any, a shipped one of each family whose images are
    here, for what harms one kind of network may not harm another: the first in the order of the table, without the linear ones,
    which break first. [] where no images are here."""
    here = [run for run in with_images(runs) if has_result(run)]
    if any(not run.shipped for run in here):
        return first_choice(here)
    healthy = [run for run in here if not run.patient]
    largest = max((images.runs for images in image_sets(healthy)), key=len, default=())
    first: dict[str, str] = {}
    for run in sorted(largest, key=lambda run: list(models.TABLE).index(run.architecture)):
        first.setdefault(models.TABLE[run.architecture].family, run.run_id)
    return [run_id for family, run_id in first.items() if family != "linear"][:MAX_FIRST_RUNS]
