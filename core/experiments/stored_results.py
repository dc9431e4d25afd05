"""What came out of a lesson when it was measured: ``assets/lessons/results/<id>.json``, for whoever can not do the experiment,
and for how long it takes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from core.data.paths import write_atomic
from core.errors import ConfigError
from core.experiments.lessons import Lesson, folder
from core.experiments.results import Result, from_values
from core.machine.processor import cpu_model


class Seconds(NamedTuple):
    """Of an experiment: by the clock, and those that its processes computed."""

    wall: float
    cpu: float


def stored_result(lesson: Lesson) -> Result | None:
    """The result of a real run that comes with the program, None without one.

    Raises ConfigError for a damaged file, and for one that was measured before the experiment was changed.
    """
    values = _read(lesson)
    if values is None:
        return None
    if values.get("experiment") != _fingerprint(lesson):
        raise ConfigError(
            f"results/{lesson.id}.json was measured with other settings than those of the lesson; "
            f"`python -m core lessons measure {lesson.id}` makes it anew"
        )
    return from_values(lesson, values)


def stored_seconds(lesson: Lesson) -> float | None:
    """How long the experiment computed when it was measured, which is what a machine takes that does nothing else; None where
    it was not measured. Raises ConfigError as ``stored_result`` does."""
    values = _read(lesson)
    return None if values is None or stored_result(lesson) is None else float(values["cpu_seconds"])


def write(lesson: Lesson, result: Result, seconds: Seconds) -> None:
    """Keep what came out, with what it was measured on. Raises DataError from the disk."""
    from core.machine.threads import training_threads  # loads torch

    threads = training_threads()
    machine = f"{cpu_model()}, {threads} thread{'s' if threads > 1 else ''}"
    values = {
        "experiment": _fingerprint(lesson), "wall_seconds": round(seconds.wall, 1), "cpu_seconds": round(seconds.cpu, 1),
        "processor": cpu_model(), "threads": threads,
        **replace(result, machine=machine).as_values(),
    }  # fmt: skip
    write_atomic(_path(lesson), (json.dumps(values, allow_nan=False, indent=1) + "\n").encode())


def _path(lesson: Lesson) -> Path:
    return folder() / "results" / f"{lesson.id}.json"


def _read(lesson: Lesson) -> dict[str, Any] | None:
    try:
        values: dict[str, Any] = json.loads(_path(lesson).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ConfigError(f"results/{lesson.id}.json: {error}") from None
    return values


def _fingerprint(lesson: Lesson) -> str:
    """Equal as long as the same would be done and measured."""
    done = lesson.model_dump(mode="json", include={"experiment", "contestants"}, exclude_defaults=True)
    done["answer"] = lesson.answer.kind
    if lesson.pairs:
        done["pairs"] = lesson.pairs
    return hashlib.sha256(json.dumps(done, sort_keys=True).encode()).hexdigest()[:16]
