"""``python -m core lessons``: which there are; ``lessons measure ID``: do an experiment and write down what came out."""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli import output
from core.cli.output import say
from core.errors import ConfigError
from core.experiments import lessons as declared
from core.experiments.lessons import Lesson

if TYPE_CHECKING:  # a list does not wait for torch
    from core.experiments.results import Result
    from core.experiments.stored_results import Seconds

HELP = "The lessons, and what came out of the experiment of each."


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", choices=("list", "measure"), default="list",
        help="measure: do the experiment of a lesson from an empty runs folder, and write its results file",
    )  # fmt: skip
    parser.add_argument("lesson_ids", nargs="*", metavar="ID", help="of the lessons to measure")


def lessons(options: argparse.Namespace) -> int:
    """List them, or measure some of them one after the other."""
    if options.action == "measure":
        return _measure(options)
    from core.experiments.stored_results import stored_seconds

    if options.lesson_ids:
        raise ConfigError("only `lessons measure` takes the ids of lessons")
    for lesson in declared.lessons().values():
        seconds = stored_seconds(lesson)
        values = {
            "id": lesson.id, "course": lesson.course, "place": lesson.place, "title": lesson.title,
            "question": lesson.question, "minutes": lesson.minutes, "seconds": seconds,
        }  # fmt: skip
        time_words = "not measured" if seconds is None else f"{seconds:.0f} s"
        line = f"{lesson.id}  {declared.COURSES[lesson.course]}  {lesson.question}  {time_words}"
        say(values, options.json, line)
    return 0


def _measure(options: argparse.Namespace) -> int:
    from core.experiments import stored_results
    from core.experiments.reveals import true_value, words

    if not options.lesson_ids:
        raise ConfigError("measure needs the id of a lesson")
    to_measure = [declared.get(lesson_id) for lesson_id in options.lesson_ids]
    with output.stop_on_signal() as stop:
        for lesson in to_measure:
            with tempfile.TemporaryDirectory() as folder:
                result = _result(lesson, Path(folder), stop)
            if result is None:
                print(f"Stopped; nothing was written for {lesson.id}.", file=sys.stderr)
                return output.BAD_RESULT
            stored_results.write(lesson, *result)
            truth = true_value(lesson, result[0])
            came_out = "nothing, for every run diverged" if truth is None else words(lesson, truth)
            values = {"id": lesson.id, "answer": came_out, **result[0].as_values(), "seconds": result[1].cpu}
            say(
                values,
                options.json,
                f"{lesson.id}: {came_out}, in {result[1].wall:.1f} s, {result[1].cpu:.1f} s of them computing",
            )
    return 0


def _result(lesson: Lesson, folder: Path, stop: threading.Event) -> tuple[Result, Seconds] | None:
    """What came out and how long it took; None when it was stopped."""
    from core import data
    from core.experiments.results import read_result
    from core.experiments.stored_results import Seconds
    from core.machine.threads import use_training_threads
    from core.runs import shipped, worker
    from core.runs.quota import COMMAND_LINE
    from core.runs.store import Store

    use_training_threads()
    store = Store(folder)
    try:
        if lesson.experiment.kind == "shipped":
            for folder in (shipped.shipped_root(), shipped.shipped_root() / shipped.PATIENTS):
                shipped.adopt(store, folder)
        began = time.perf_counter(), time.process_time()
        run_ids: dict[str, str] = {}  # by settings: two contestants may be one network, measured in two ways
        for label, seed, config in lesson.configs():
            if (key := config.model_dump_json()) in run_ids:
                continue
            run_ids[key] = store.create(config, request="pause", owner=COMMAND_LINE)
            run = worker.drive(store, run_ids[key], data.load, should_stop=stop.is_set)
            if stop.is_set():
                return None
            print(f"{lesson.id}: {label}, seed {seed}: {run.status}", file=sys.stderr)
        in_order = [run_ids[config.model_dump_json()] for _, _, config in lesson.configs()]
        result = read_result(store, lesson, in_order)
        return result, Seconds(time.perf_counter() - began[0], time.process_time() - began[1])
    finally:
        store.close()
