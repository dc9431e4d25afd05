"""Which reference runs there are, and how they are made: trained like any run, rounded to 16 bits, judged, written.

They are shipped with the program (``core.runs.shipped``), so that there is something to draw for and to compare with
before anything has been trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from core import data
from core.config import RunConfig
from core.data.dataset import Dataset
from core.engine.evaluate import evaluate
from core.engine.events import Arrays, Checkpoint, Event, Finished, Progress, Started, ValidationHits, to_json
from core.engine.train import train
from core.errors import ConfigError, InputError, RunError
from core.experiments import presets
from core.machine.device import checked_configs
from core.runs import shipped
from core.runs.job import SPLITS
from core.runs.manifest import describe
from core.runs.writing import figures

ZOO = ("softmax", "mlp", "lenet", "tinyvgg", "cnn", "compact", "resnet", "lstm", "gru", "vit", "mixer")


class Reference(NamedTuple):
    """name: of the run and its files · preset: the experiment it belongs to · architecture: which run of it"""

    name: str
    preset: str
    architecture: str


# Two on the embedded digits, whose images are on every machine; all others on MNIST. The compact CNN is the one that learned
# how other people write.
REFERENCES = (
    Reference("digits-mlp", "first-look", "mlp"),
    Reference("digits-cnn", "first-look", "cnn"),
    *(Reference(name, f"best-{name}{'-drawn' if name == 'compact' else ''}", name) for name in ZOO),
)


@dataclass(frozen=True, eq=False)
class Plan:
    """One reference run that can be made: its settings are valid and its images are here."""

    name: str
    config: RunConfig
    dataset: Dataset


def plan(only: Sequence[str] = ()) -> list[Plan]:
    """All reference runs, or those named. Raises InputError as soon as one of them can not be made here."""
    references = {reference.name: reference for reference in REFERENCES}
    for name in only:
        if name not in references:
            raise ConfigError(f"only is {name!r}, allowed is one of {', '.join(references)}", ("only",))
    configs = {name: _config(references[name]) for name in only or references}
    checked_configs(configs.values(), data.count_images)
    datasets = {name: data.load(name) for name in {config.data.dataset for config in configs.values()}}
    return [Plan(name, config, datasets[config.data.dataset]) for name, config in configs.items()]


def make(planned: Plan, folder: Path, should_stop: Callable[[], bool] = lambda: False) -> Iterator[dict[str, Any]]:
    """Train one and write its two files. Yields, as plain values, its events and then what came of it.

    The last has "written"; when that is True, the figures of the rounded weights and the number of bytes, else a "reason".
    """
    if should_stop():
        yield {"reference": planned.name, "written": False, "reason": "the command was stopped before"}
        return
    began = datetime.now(UTC).isoformat(timespec="seconds")
    events: list[Event] = []
    best: Arrays = {}
    for event in train(planned.config, planned.dataset, should_stop=should_stop):
        if isinstance(event, Checkpoint):
            best = event.best_weights
        if isinstance(event, (Checkpoint, ValidationHits)):
            continue
        yield {"reference": planned.name, **to_json(event)}
        if not isinstance(event, Progress):
            events.append(event)
    try:
        yield {"reference": planned.name, "written": True, **_write(planned, folder, began, events, best)}
    except InputError as error:
        yield {"reference": planned.name, "written": False, "reason": str(error)}


def _write(planned: Plan, folder: Path, began: str, events: Sequence[Event], best: Arrays) -> dict[str, Any]:
    """Returns the figures and the bytes. Raises RunError when the run has no end to be proud of, DataError from the disk."""
    started, last = events[0], events[-1]
    if not isinstance(started, Started) or not isinstance(last, Finished):
        raise RunError(getattr(last, "message", f"the training {last.kind}"))
    config, dataset = planned.config, planned.dataset
    weights = shipped.rounded(best)
    evaluations = {split: evaluate(config, shipped.restored(weights), dataset, split) for split in SPLITS}
    values = figures({split: evaluation for split, evaluation in evaluations.items() if evaluation is not None})
    values |= {"seconds": last.seconds, "best_epoch": last.best_epoch}
    n_bytes = shipped.write(
        folder, planned.name, created_utc=began, config=config, manifest=describe(config, dataset, started),
        events=events, figures=values, weights=weights,
    )  # fmt: skip
    n_bytes += shipped.write_answers(folder, planned.name, lambda _: dataset)
    n_bytes += shipped.write_first_looks(folder, planned.name)
    return {**values, "bytes": n_bytes}


def _config(reference: Reference) -> RunConfig:
    """Raises ConfigError when there is no such preset, or no such run in it."""
    for config in presets.get(reference.preset).configs():
        if config.architecture == reference.architecture:
            return config
    raise ConfigError(f"preset {reference.preset} has no run of {reference.architecture}", ("preset",))
