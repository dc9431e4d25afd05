"""How often the visitor has repeated an experiment, and what came out."""

from __future__ import annotations

from collections.abc import Iterable

from core.config import RunConfig
from core.errors import ConfigError
from core.runs.rows import Run


def repeats(runs: Iterable[Run], config: RunConfig) -> dict[int, Run]:
    """The visitor's own finished runs whose settings equal ``config`` in all but the seed: seed -> run, by rising seed.

    runs: the newest first, as the store lists them; of several with one seed the newest counts. Runs that came with the
    program, that were stopped early or that have no test accuracy do not count.
    """
    by_seed: dict[int, Run] = {}
    plan = _without_seed(config)
    for run in runs:
        # The settings are only read where they can be equal: it is the one step that costs.
        if run.architecture != config.architecture or run.status != "finished" or run.shipped:
            continue
        if "test_acc" not in run.summary:
            continue
        try:
            own = run.run_config()
        except ConfigError:  # written for settings that no longer exist
            continue
        if _without_seed(own) == plan:
            by_seed.setdefault(own.training.seed, run)
    return dict(sorted(by_seed.items()))


def _without_seed(config: RunConfig) -> RunConfig:
    return config.model_copy(update={"training": config.training.model_copy(update={"seed": 0})})
