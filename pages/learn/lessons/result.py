"""What came out of a lesson's experiment: read once for all who look at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.errors import RunError
from core.experiments import lessons
from core.experiments.lessons import Lesson
from core.experiments.results import Result, from_values, read_result, shipped_runs
from core.experiments.stored_results import stored_result
from core.runs.guesses import Guess
from core.runs.rows import Run
from pages.learn.lessons.experiment import has_images, runs_of
from pages.shared.services import dataset, get_ready, store
from pages.shared.status import is_active


def result_of(lesson: Lesson, guess: Guess) -> Result:
    """What came out. Raises InputError when it can not be read."""
    if lesson.needs_mnist() and not has_images(lesson):
        result = stored_result(lesson)
        if result is None:
            raise RunError("This lesson needs the images of MNIST, which are not on this computer")
        return result
    if guess.result is not None and (lesson.experiment.kind == "count" or len(runs_of(guess)) < len(guess.run_ids)):
        return from_values(lesson, guess.result)  # measured then, or the runs were deleted since
    if lesson.is_timed and any(is_active(run) for run in store().runs()):
        raise RunError("Measuring has to wait: a network is being trained, and both would be slowed down")
    get_ready()
    return _read(lesson.id, guess.run_ids)


def measure_anew(lesson: Lesson) -> None:
    """Forget what was timed: the next who reveals it measures. Who has seen it keeps it."""
    if lesson.is_timed:
        _read.clear(lesson.id, ())


def runs_of_labels(lesson: Lesson, guess: Guess) -> Mapping[str, Run]:
    """The first run of each contestant, by its label; none where nothing was trained here or runs were deleted since."""
    runs = all_runs(lesson, guess)
    return dict(zip(lesson.labels, runs[:: len(runs) // len(lesson.labels)], strict=True)) if runs else {}


def all_runs(lesson: Lesson, guess: Guess) -> Sequence[Run]:
    """Contestant by contestant; none where nothing was trained here or runs were deleted since."""
    runs = shipped_runs(store(), lesson) if lesson.experiment.kind == "shipped" else runs_of(guess)
    return [] if guess.run_ids and len(runs) < len(guess.run_ids) else runs


@st.cache_resource(show_spinner=False, max_entries=256)
def _read(lesson_id: str, run_ids: tuple[str, ...]) -> Result:
    """The same for every look: what is measured now, such as images a second, would differ a little each time."""
    return read_result(store(), lessons.get(lesson_id), run_ids, load_dataset=dataset)
