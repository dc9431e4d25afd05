"""``python -m core datasets``, ``architectures``, ``presets`` and ``baselines``: a table each."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from core import models
from core.cli.output import say

DATASETS_HELP = "The datasets, and which are at hand."
ARCHITECTURES_HELP = "The architectures with their size at default settings."
PRESETS_HELP = "The named experiments."
BASELINES_HELP = "How well comparing images alone reads the test images."


def add_baselines_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", default="digits", help="one of those that `datasets` lists; default digits")


def datasets(options: argparse.Namespace) -> int:
    """What there is to learn from."""
    from core import data

    rows = ({"id": name, "title": entry.title, "present": entry.is_present()} for name, entry in data.DATASETS.items())
    _table(options, rows)
    return 0


def architectures(options: argparse.Namespace) -> int:
    """What there is to compare."""
    records = {name: models.get(name) for name in models.TABLE}
    rows = (
        {
            "id": name,
            "title": entry.title,
            "family": entry.family,
            "n_params": records[name].n_params(records[name].config()),
            "multiply_adds": records[name].multiply_adds(records[name].config()),
        }
        for name, entry in models.TABLE.items()
    )
    _table(options, rows)
    return 0


def presets(options: argparse.Namespace) -> int:
    """What others have tried."""
    from core.experiments.presets import PRESETS

    rows = (
        {
            "id": preset.id,
            "title": preset.title,
            "sentence": " ".join([preset.sentence, *(f"{sentence}." for sentence in preset.elsewhere())]),
            "architectures": [name for name, _ in preset.runs],
        }
        for preset in PRESETS.values()
    )
    _table(options, rows)
    return 0


def baselines(options: argparse.Namespace) -> int:
    """What needs no training, on the training split of the default settings."""
    from core import data
    from core.data.config import DataConfig
    from core.experiments.baselines import BASELINES, baseline
    from core.machine.threads import use_training_threads

    use_training_threads()
    import_module("sklearn.neighbors")  # takes seconds, and is not what is timed
    dataset = data.load(options.dataset)
    for name, entry in BASELINES.items():
        began = time.perf_counter()
        score = baseline(name, dataset, DataConfig(dataset=options.dataset), "test").score
        values = {"n": score.n, "acc": score.accuracy, "loss": score.loss, "seconds": time.perf_counter() - began}
        figures = f"accuracy {score.accuracy:.2%}, loss {score.loss:.4f}, {values['seconds']:.1f} s"
        line = f"{entry.title} on {score.n:,} test images: {figures}"
        say({"id": name, "title": entry.title, **values}, options.json, line)
    return 0


def _table(options: argparse.Namespace, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        line = "  ".join(f"{value:,}" if isinstance(value, int) else str(value) for value in row.values())
        say(row, options.json, line)
