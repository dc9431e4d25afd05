"""What came out of a lesson's experiment: read from finished runs, or measured anew.

``core.experiments.reveals`` holds a visitor's guess beside it, ``core.experiments.stored_results`` keeps it in a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from core import data
from core.errors import ConfigError, RunError
from core.experiments.apart import Apart, Measured, Right, judge
from core.experiments.baselines import BASELINES
from core.experiments.lesson import Lesson
from core.experiments.lesson_parts import N_TIMINGS, Contestant
from core.experiments.measures import LoadDataset, Reading
from core.fields import SplitName
from core.runs import shipped
from core.runs.rows import Run
from core.runs.store import Store


@dataclass(frozen=True, slots=True)
class Result:
    """measured: of each contestant, in the order of the lesson · seeds: of its values, () where none was chosen
    apart: the pairs that the lesson compares, judged · seconds: that its runs computed
    machine: processor and threads of a result that was kept in a file, "" of one's own
    """

    lesson: str
    measured: tuple[Measured, ...]
    seeds: tuple[int, ...]
    apart: tuple[Apart, ...]
    seconds: float
    machine: str = ""

    def of(self, label: str) -> Measured:
        """What was measured of a contestant."""
        return next(one for one in self.measured if one.label == label)

    def as_values(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


def from_values(lesson: Lesson, values: Mapping[str, Any]) -> Result:
    """What ``as_values`` made. Raises ConfigError where it is not of this lesson's contestants, or no result."""
    try:
        result = Result(
            lesson=str(values["lesson"]),
            measured=tuple(
                Measured(str(one["label"]), tuple(one["values"]), int(one["n"]), one["split"])
                for one in values["measured"]
            ),
            seeds=tuple(map(int, values["seeds"])),
            apart=tuple(Apart(**pair) for pair in values["apart"]),
            seconds=float(values["seconds"]),
            machine=str(values["machine"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{lesson.id}: this is no result of a lesson ({error!r})") from None
    labels = tuple(one.label for one in result.measured)
    if labels != lesson.labels or not all(one.values for one in result.measured):
        raise ConfigError(
            f"{lesson.id}: this result is of {', '.join(labels)}, the lesson has {', '.join(lesson.labels)}"
        )
    return result


def shipped_runs(store: Store, lesson: Lesson) -> list[Run]:
    """The runs that came with the program and that the lesson looks at, one a contestant. Raises RunError where one is gone."""
    by_name = {run.name: run for run in store.runs() if run.shipped}
    missing = [one.run for one in lesson.contestants if one.run not in by_name]
    if missing:
        raise RunError(f"The run {missing[0]} that came with the program is not there any more")
    return [by_name[one.run] for one in lesson.contestants]


def read_result(
    store: Store, lesson: Lesson, run_ids: Sequence[str] = (), load_dataset: LoadDataset = data.load
) -> Result:
    """What came out. run_ids: of the trained runs, in the order of ``lesson.configs``; () where nothing is trained.

    Takes a moment where something is measured after training or nothing is trained at all; the calling thread has said how many
    cores it takes. Raises RunError for runs that have
    not ended well or are not those of this lesson, DataError without its images, ConfigError.
    """
    kind = lesson.experiment.kind
    if kind == "count":
        return _counted(lesson, load_dataset)
    runs = shipped_runs(store, lesson) if kind == "shipped" else _trained_runs(store, lesson, run_ids)
    n_each = len(runs) // len(lesson.contestants)
    measured, right = [], {}
    for place, contestant in enumerate(lesson.contestants):
        own = runs[place * n_each : (place + 1) * n_each]
        readings = [_reading(store, run, lesson, contestant, load_dataset) for run in own]
        measured.append(_measured(contestant.label, readings))
        answers = _right(store, own[0], lesson, contestant, load_dataset) if n_each == 1 else None
        if answers is not None:
            right[contestant.label] = answers
    seeds = tuple(run.config["training"]["seed"] for run in runs[:n_each]) if kind == "train" else ()
    seconds = (
        sum(run.summary.get("seconds", 0.0) for run in {run.run_id: run for run in runs}.values())
        if kind == "train"
        else 0.0
    )
    return Result(lesson.id, tuple(measured), seeds, _apart(lesson, measured, right), seconds)


def _trained_runs(store: Store, lesson: Lesson, run_ids: Sequence[str]) -> list[Run]:
    """In the order of ``lesson.configs``, by whatever seeds."""
    by_id = {run.run_id: run for run in store.runs(run_ids=run_ids)}
    if missing := [run_id for run_id in run_ids if run_id not in by_id]:
        raise RunError(f"{len(missing):,} of the runs of this lesson were deleted")
    runs = [by_id[run_id] for run_id in run_ids]
    n_each, rest = divmod(len(runs), len(lesson.contestants))
    if not n_each or rest:
        raise RunError(f"{len(runs):,} runs can not be those of {len(lesson.contestants)} contestants")
    for place, run in enumerate(runs):
        if not run.has_ended:
            raise RunError(f"{run.label} has not ended")
        if run.status not in ("finished", "diverged"):
            raise RunError(f"{run.label} {run.status}, so nobody knows what would have come out")
        contestant = lesson.contestants[place // n_each]
        if run.run_config().without_seed() != lesson.config(contestant).without_seed():
            raise RunError(
                f"{run.label} was trained with other settings than those of {contestant.label} in this lesson"
            )
    return runs


def _reading(store: Store, run: Run, lesson: Lesson, contestant: Contestant, load_dataset: LoadDataset) -> Reading:
    asked = lesson.asked(contestant)
    if run.status == "diverged":
        return Reading(None)
    assert asked.measure.of_run is not None  # held by the lesson
    return asked.measure.of_run(store, run, asked, load_dataset)


def _measured(label: str, readings: Sequence[Reading]) -> Measured:
    split = next((reading.split for reading in readings if reading.split), None)
    return Measured(label, tuple(reading.value for reading in readings), max(reading.n for reading in readings), split)


def _right(store: Store, run: Run, lesson: Lesson, contestant: Contestant, load_dataset: LoadDataset) -> Right | None:
    """Which images a run read, (n,); None where its measure is not the accuracy on a split or nobody needs it."""
    splits: Mapping[str, SplitName] = {"test_acc": "test", "val_acc": "val"}
    split = splits.get(lesson.asked(contestant).id)
    if split is None or run.status == "diverged" or not any(contestant.label in pair for pair in lesson.judged):
        return None
    answers = shipped.evaluation(store, run, split, load_dataset)
    return None if answers is None else answers.logits.argmax(axis=1) == answers.labels


def _apart(lesson: Lesson, measured: Sequence[Measured], right: Mapping[str, Right]) -> tuple[Apart, ...]:
    of = {one.label: one for one in measured}
    return judge(lesson.measure, [(of[a], of[b]) for a, b in lesson.judged], right)


def _counted(lesson: Lesson, load_dataset: LoadDataset) -> Result:
    readings: dict[str, list[Reading]] = {label: [] for label in lesson.labels}
    for _ in range(N_TIMINGS if lesson.is_timed else 1):  # in turn, so that a slow moment hits all of them
        for contestant in lesson.contestants:
            readings[contestant.label].append(_count(lesson, contestant, load_dataset))
    measured = [_measured(label, of_label) for label, of_label in readings.items()]
    return Result(lesson.id, tuple(measured), (), _apart(lesson, measured, MappingProxyType({})), 0.0)


def _count(lesson: Lesson, contestant: Contestant, load_dataset: LoadDataset) -> Reading:
    measure = lesson.asked(contestant).measure
    if contestant.architecture in BASELINES:
        assert measure.of_baseline is not None  # held by the lesson
        return measure.of_baseline(contestant.architecture, lesson.data_config(contestant), load_dataset)
    assert measure.of_settings is not None
    return measure.of_settings(lesson.config(contestant))
