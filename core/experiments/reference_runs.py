"""Which reference runs there are, and how they are made: trained like any run, rounded to 16 bits, judged, written.

They are shipped with the program (``core.runs.shipped``), so that there is something to draw for and to compare with
before anything has been trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from core import data
from core.config import RunConfig
from core.data.dataset import Dataset
from core.engine.evaluate import evaluate
from core.engine.events import Arrays, Checkpoint, Event, Finished, Progress, Snapshot, Started, ValidationHits, to_json
from core.engine.train import train
from core.errors import ConfigError, InputError, RunError
from core.experiments import presets
from core.experiments.patients import PATIENTS, Patient
from core.machine.device import checked_configs
from core.runs import shipped
from core.runs.agents import SPLITS
from core.runs.manifest import describe
from core.runs.writing import figures

ZOO = ("softmax", "mlp", "lenet", "tinyvgg", "cnn", "compact", "resnet", "lstm", "gru", "vit", "mixer")


class Reference(NamedTuple):
    """name: of the run and its files · preset: the experiment it belongs to · architecture: which run of it
    n_snapshots: how many of the weights on the way it carries"""

    name: str
    preset: str
    architecture: str
    n_snapshots: int = 0


STOPPED_BEFORE = "the command was stopped before"
N_SNAPSHOTS = MappingProxyType({"softmax": 6, "cnn": 3})  # of those on MNIST: networks whose first weights are pictures

# Two on the embedded digits, whose images are on every machine; all others on MNIST. The compact CNN is the one that learned
# how other people write.
REFERENCES = (
    Reference("digits-mlp", "first-look", "mlp", n_snapshots=2),
    Reference("digits-cnn", "first-look", "cnn", n_snapshots=2),
    *(
        Reference(name, f"best-{name}{'-drawn' if name == 'compact' else ''}", name, N_SNAPSHOTS.get(name, 0))
        for name in ZOO
    ),
)


@dataclass(frozen=True, eq=False)
class Plan:
    """One reference run that can be made: its settings are valid and its images are here. patient: if it is one"""

    name: str
    config: RunConfig
    dataset: Dataset
    n_snapshots: int = 0
    patient: Patient | None = None


def plan(only: Sequence[str] = ()) -> list[Plan]:
    """All reference runs and patients, or those named. Raises InputError as soon as one of them can not be made here."""
    references: dict[str, Reference | Patient] = {run.name: run for run in REFERENCES}
    references |= {patient.name: patient for patient in PATIENTS}
    for name in only:
        if name not in references:
            raise ConfigError(f"only is {name!r}, allowed is one of {', '.join(references)}", ("only",))
    configs = {name: _config(references[name]) for name in only or references}
    checked_configs(configs.values(), data.count_images)
    datasets = {name: data.load(name) for name in {config.data.dataset for config in configs.values()}}
    plans = []
    for name, config in configs.items():
        run, dataset = references[name], datasets[config.data.dataset]
        if isinstance(run, Patient):
            plans.append(Plan(name, config, dataset, patient=run))
        else:
            plans.append(Plan(name, config, dataset, run.n_snapshots))
    return plans


def make(
    planned: Plan, folder: Path, should_stop: Callable[[], bool] = lambda: False, *, only_snapshots: bool = False
) -> Iterator[dict[str, Any]]:
    """Train one and write its files. Yields, as plain values, its events and then what came of it.

    only_snapshots: leave the run in the folder as it is and add the weights on the way, if training ends with its very weights
    The last has "written"; when that is True, the figures of the rounded weights and the number of bytes, else a "reason".
    """
    if should_stop():
        yield {"reference": planned.name, "written": False, "reason": STOPPED_BEFORE}
        return
    folder = folder / shipped.PATIENTS if planned.patient else folder
    began = datetime.now(UTC).isoformat(timespec="seconds")
    events: list[Event] = []
    best: Arrays = {}
    snapshots: list[Snapshot] = []
    keeping = planned.config.training.model_copy(update={"snapshots": "early" if planned.n_snapshots else "none"})
    config = planned.config.model_copy(update={"training": keeping})
    for event in train(config, planned.dataset, should_stop=should_stop):
        if isinstance(event, Checkpoint):
            best = event.best_weights
        if isinstance(event, Snapshot):
            snapshots.append(event)
        if isinstance(event, (Checkpoint, Snapshot, ValidationHits)):
            continue
        yield {"reference": planned.name, **to_json(event)}
        if not isinstance(event, Progress):
            events.append(event)
    try:
        started, last = _ended_well(events)
        weights = shipped.rounded(best)
        if only_snapshots:
            values = _same_run(planned.name, folder, weights)
        else:
            values = _write(planned, folder, began, events, started, last, weights)
        if picked := _spread(snapshots, last, planned.n_snapshots):
            shipped.write_snapshots(folder, planned.name, picked)
        yield {"reference": planned.name, "written": True, **values, "bytes": shipped.count_bytes(folder, planned.name)}
    except InputError as error:
        yield {"reference": planned.name, "written": False, "reason": str(error)}


def _ended_well(events: Sequence[Event]) -> tuple[Started, Finished]:
    """Raises RunError when the run has no end to be proud of."""
    started, last = events[0], events[-1]
    if not isinstance(started, Started) or not isinstance(last, Finished):
        raise RunError(getattr(last, "message", f"the training {last.kind}"))
    return started, last


def _same_run(name: str, folder: Path, weights: Arrays) -> Mapping[str, Any]:
    """The figures of the run in the folder. Raises RunError when its weights are not these, to the bit."""
    run, trained = shipped.read(folder, name), shipped.restored(weights)
    if run.weights.keys() != trained.keys() or any(
        not np.array_equal(array, trained[key]) for key, array in run.weights.items()
    ):
        raise RunError("its weights are others than those in the folder, as they are on another processor")
    return run.figures


def _spread(snapshots: Sequence[Snapshot], last: Finished, n: int) -> list[Snapshot]:
    """At most ``n`` of those before the best weights, which the run has anyhow: the untrained network, then each about the
    same factor later."""
    by_step = {kept.step: kept for kept in snapshots if kept.epoch < last.best_epoch}
    wanted = [(max(by_step, default=0) + 1) ** (place / n) - 1 for place in range(n)]
    steps = {min(by_step, key=lambda step: abs(step - target)) for target in wanted if by_step}
    return [by_step[step] for step in sorted(steps)]


def _write(
    planned: Plan,
    folder: Path,
    began: str,
    events: Sequence[Event],
    started: Started,
    last: Finished,
    weights: Arrays,
) -> dict[str, Any]:
    """Returns the figures. Raises DataError from the disk."""
    config, dataset = planned.config, planned.dataset
    evaluations = {split: evaluate(config, shipped.restored(weights), dataset, split) for split in SPLITS}
    values = figures({split: evaluation for split, evaluation in evaluations.items() if evaluation is not None})
    values |= {"seconds": last.seconds, "best_epoch": last.best_epoch}
    shipped.write(
        folder, planned.name, created_utc=began, config=config,
        manifest=describe(config, dataset, started) | (planned.patient.manifest() if planned.patient else {}),
        events=events, figures=values, weights=weights,
    )  # fmt: skip
    if planned.patient:  # small enough to answer at once
        return values
    shipped.write_answers(folder, planned.name, lambda _: dataset)
    shipped.write_first_looks(folder, planned.name)
    return values


def _config(reference: Reference | Patient) -> RunConfig:
    """Raises ConfigError when there is no such preset, or no such run in it."""
    if isinstance(reference, Patient):
        return reference.config()
    # What comes with the program carries a few of the weights on the way (``n_snapshots``), not all that a visitor's run keeps.
    for config in presets.get(reference.preset).configs(snapshots="none"):
        if config.architecture == reference.architecture:
            return config
    raise ConfigError(f"preset {reference.preset} has no run of {reference.architecture}", ("preset",))
