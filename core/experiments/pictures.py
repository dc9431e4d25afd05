"""The picture of a lesson's reveal, and the axes on which its guess is drawn, with what each says to whoever can not see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core import models
from core.charts import class_guesses
from core.charts import guess as charts
from core.charts import guess_axes as grids
from core.charts.figure import Figure
from core.charts.looks import Look, look
from core.experiments.lessons import GuessValue, Lesson
from core.experiments.measures import Unit
from core.experiments.results import Result
from core.experiments.reveals import true_value, truth_words, words


def reveal_figure(lesson: Lesson, guess: GuessValue, result: Result, looks: Mapping[str, Look] | None = None) -> Figure:
    """Guess and result in one picture. looks: of contestants by label, where they are those of runs"""
    columns = contestant_columns(lesson, result, looks)
    title, truth, log = _title(lesson, own=False), true_value(lesson, result), lesson.guess.log
    kind = lesson.answer.kind
    if kind == "value" and isinstance(guess, (int, float)) and isinstance(truth, (int, float)):
        own = not (lesson.answer.minus or lesson.answer.over)
        column = columns[lesson.labels.index(lesson.answer.of)] if own else None
        close = _close(lesson, float(truth))
        return charts.number_figure(column, _title(lesson, own=True), float(guess), float(truth), close, log)
    if kind == "order" and isinstance(guess, tuple) and isinstance(truth, tuple):
        came_out = [str(label) for label in truth]
        by_label = {column.label: column.look for column in columns}
        return charts.order_figure([str(label) for label in guess], came_out, [by_label[label] for label in came_out])
    if kind == "curve" and isinstance(guess, tuple):
        numbers = [float(value) for value in guess]
        return charts.curve_figure(columns, numbers, lesson.guess.x_title, title, log, is_exact=lesson.measure.exact)
    if kind == "band" and isinstance(guess, tuple) and isinstance(truth, tuple):
        low, high = (float(value) for value in guess)
        return charts.band_figure(columns[lesson.labels.index(lesson.answer.of)], (low, high), title, log)
    guessed = lesson.labels[lesson.guess.options.index(str(guess))] if _names_a_contestant(lesson, guess) else ""
    return charts.contestants_figure(columns, title, guessed, f"Guess: {words(lesson, guess)}")


def reveal_alt(lesson: Lesson, guess: GuessValue, result: Result) -> str:
    """The picture in a sentence."""
    return f"{_title(lesson, own=True)}: the guess was {words(lesson, guess)}, {truth_words(lesson, result)}."


def guess_axes(lesson: Lesson, guess: Sequence[float | None] | None = None) -> Figure:
    """The axes on which the curve or the band of a lesson is guessed, with what has been guessed so far."""
    form, axes = lesson.guess, _axes(lesson)
    if form.kind == "band":
        low, high = (guess[0], guess[1]) if guess else (None, None)
        return grids.band_axes(axes, None if low is None or high is None else (low, high))
    return grids.curve_axes(contestant_columns(lesson, None), axes, form.x_title, guess or ())


def class_figure(lesson: Lesson, guesses: Sequence[GuessValue], result: Result | None) -> Figure:
    """The guesses of a class, one or more, in one picture. result: None as long as it is hidden"""
    columns, axes, answer = contestant_columns(lesson, result), _axes(lesson), lesson.answer
    truth = true_value(lesson, result) if result else None
    kind = lesson.guess.kind
    if kind == "choice":
        counts = [guesses.count(option) for option in lesson.guess.options]
        return class_guesses.choices_figure(lesson.guess.options, counts, str(truth or ""))
    if kind == "number":
        number = float(truth) if isinstance(truth, (int, float)) else None
        own = not (answer.minus or answer.over)
        column = columns[lesson.labels.index(answer.of)] if own else None
        close = None if number is None else _close(lesson, number)
        guessed = [float(value) for value in guesses if isinstance(value, (int, float))]
        return class_guesses.numbers_figure(guessed, axes, column, number, close)
    rows = [value for value in guesses if isinstance(value, tuple)]
    if kind == "order":
        by_place = list(zip(*rows, strict=True))
        counts_of = [[place.count(name) for place in by_place] for name in lesson.labels]
        came_out = [str(name) for name in truth] if isinstance(truth, tuple) else []
        return class_guesses.orders_figure(lesson.labels, counts_of, came_out)
    numbers = [[float(value) for value in row] for row in rows]
    if kind == "curve":
        return class_guesses.curves_figure(
            numbers, columns, axes, lesson.guess.x_title, is_shown=result is not None, is_exact=lesson.measure.exact
        )
    column = columns[lesson.labels.index(answer.of)]
    return class_guesses.class_bands_figure(numbers, axes, column, is_shown=result is not None)


def result_figure(lesson: Lesson, result: Result) -> Figure:
    """What came out, without a guess: a row for each contestant."""
    return charts.contestants_figure(contestant_columns(lesson, result), _title(lesson, own=False))


def _axes(lesson: Lesson) -> grids.Axes:
    """On which its number, curve or band is guessed."""
    form = lesson.guess
    return grids.Axes(_title(lesson, own=True), form.low or 0.0, form.high or 0.0, form.step or 1.0, form.log)


def contestant_columns(
    lesson: Lesson, result: Result | None, looks: Mapping[str, Look] | None = None
) -> list[charts.Column]:
    """The contestants as charts take them; without a result they have no values."""
    columns, places = [], dict[str, int]()
    for contestant in lesson.contestants:
        name = contestant.architecture or contestant.run
        places[name] = places.get(name, -1) + 1
        own = looks[contestant.label] if looks else look(*models.hue_and_place(name), places[name])
        values = result.of(contestant.label).numbers if result else ()
        columns.append(charts.Column(contestant.label, values, own, contestant.x))
    return columns


def _names_a_contestant(lesson: Lesson, guess: GuessValue) -> bool:
    return lesson.answer.kind == "best" and guess in lesson.guess.options[:-1]


def _close(lesson: Lesson, truth: float) -> tuple[float, float]:
    tolerance, form = lesson.answer.tolerance, lesson.guess
    low, high = (truth / tolerance, truth * tolerance) if form.log else (truth - tolerance, truth + tolerance)
    # No guess lies beyond the numbers that can be guessed.
    return max(low, min(truth, form.low or 0.0)), min(high, max(truth, form.high or 0.0))


def _title(lesson: Lesson, *, own: bool) -> str:
    """Of an axis, with its unit. own: of the answer's number, which may be a difference or a ratio; else of contestants"""
    measure, answer = lesson.measure, lesson.answer
    if own and answer.of and not (answer.minus or answer.over):
        measure = lesson.asked(lesson.contestants[lesson.labels.index(answer.of)]).measure
    title, unit = measure.heading, lesson.unit if own else measure.unit
    if own and answer.minus:
        title = f"{title}, {answer.of} minus {answer.minus}"
    elif own and answer.over:
        title = f"{title}, {answer.of} divided by {answer.over}"
    words_of_unit: Mapping[Unit, str] = {"points": "percentage points", "": "nats per image"}
    return (
        title if unit == "weights" else f"{title} ({words_of_unit.get(unit, unit)})"
    )  # their number is what the title says
