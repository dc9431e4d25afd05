"""What runs are called on a chart: by the name that somebody gave them, else by what tells them apart."""

from __future__ import annotations

from collections.abc import Sequence

from core.compare.differences import condition_labels
from core.errors import ConfigError
from core.runs.rows import Run


def legend_labels(runs: Sequence[Run]) -> list[str]:
    """A short name for each run, no two alike: "CNN", "batch size 32", with the seed where only that differs; else labels.
    A name that somebody gave stays, and a patient’s settings are not told."""
    labels = [run.label for run in runs]
    try:
        conditions = condition_labels([run.run_config() for run in runs])
    except ConfigError:  # made for settings that no longer exist
        return labels
    seeded = [f"{name}, seed {run.config['training']['seed']}" for name, run in zip(conditions, runs, strict=True)]
    for names in (conditions, seeded):
        mixed = [
            run.label if run.patient else run.name if run.is_named else name
            for name, run in zip(names, runs, strict=True)
        ]
        if len(set(mixed)) == len(runs):
            return mixed
    return labels
