"""How often the visitor has repeated an experiment, and what came out."""

from __future__ import annotations

from collections.abc import Iterable

from core.config import RunConfig, without_seed
from core.runs.rows import Run


def repeats(runs: Iterable[Run], config: RunConfig) -> dict[int, Run]:
    """The visitor's own finished runs whose settings equal ``config`` in all but the seed: seed -> run, by rising seed.

    runs: the newest first, as the store lists them; of several with one seed the newest counts. Runs that came with the
    program, that were stopped early, that have no test accuracy or that were judged on other images than the newest of them or
    on an older split do not count.
    """
    by_seed: dict[int, Run] = {}
    settings = without_seed(config.model_dump(mode="json"))
    for run in runs:
        # The settings are only compared where they can be equal: it is the one step that costs.
        if run.architecture != config.architecture or run.status != "finished" or run.shipped:
            continue
        if "test_acc" in run.summary and without_seed(run.config) == settings:
            newest = next(iter(by_seed.values()), run)
            if run.images == newest.images and not run.older_split:
                by_seed.setdefault(run.config["training"]["seed"], run)
    return dict(sorted(by_seed.items()))
