"""The board of a class: the first guess of each visitor counts, and is judged by what came out for the class."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from core.errors import ConfigError
from core.experiments import lessons
from core.experiments.class_board import class_board, class_result, frame, outcomes, summary
from core.experiments.pictures import class_figure, result_figure
from core.experiments.results import Result
from core.experiments.stored_results import stored_result
from core.runs.guesses import ClassGuess, Value

LESSON = lessons.get("same-weights")


def result_of(lesson_id: str) -> Result:
    result = stored_result(lessons.get(lesson_id))
    assert result is not None
    return result


def guess(visitor: int, value: Value, *, reason: str = "", name: str = "", result: Result | None = None) -> ClassGuess:
    kept: dict[str, Any] | None = None if result is None else json.loads(json.dumps(result.as_values()))
    return ClassGuess(visitor, name, value, reason, kept, "2026-11-29T08:00:00.123+00:00", result is not None)


def test_the_first_guess_of_each_visitor_counts() -> None:
    came_in = [guess(1, "The MLP"), guess(2, "The CNN"), guess(1, "The CNN"), guess(3, "Neither of them")]
    board = class_board(LESSON, came_in)
    assert board.values == ("The MLP", "The CNN")
    assert (board.n_later, board.n_changed, board.n_revealed) == (1, 1, 0)
    assert summary(LESSON, board.values) == "2 guesses: “The MLP” 1, “The CNN” 1, “They can not be told apart” 0."
    assert summary(LESSON, ()) == "Nobody has guessed yet."


def test_a_guess_is_judged_by_what_came_out_for_most_of_the_class() -> None:
    beforehand = result_of("same-weights")
    assert class_result(LESSON, [guess(1, "The CNN")]) == beforehand, "nobody has got so far"
    assert beforehand.machine
    own = replace(beforehand, machine="")
    other = replace(own, seeds=(6, 7, 8, 9, 10, 11))
    came_in = [guess(1, "The MLP", result=other), guess(2, "The CNN", result=own), guess(3, "The CNN", result=own)]
    assert class_result(LESSON, came_in) == own
    damaged = replace(came_in[0], result={"lesson": "same-weights"})
    assert class_result(LESSON, [damaged, damaged, came_in[1]]) == own, "what is no result is passed over"
    board = class_board(LESSON, came_in)
    assert outcomes(LESSON, board, own) == ("off", "right", "right")


def test_the_table_has_names_only_where_one_was_given_and_outcomes_only_when_they_are_shown() -> None:
    board = class_board(LESSON, [guess(1, "The CNN", reason="=1+1")])
    assert list(frame(LESSON, board, None).columns) == ["Pupil", "Guess", "Reason", "Guessed at (UTC)"]
    named = class_board(LESSON, [guess(1, "The CNN", name="Ada"), guess(2, "The MLP")])
    table = frame(LESSON, named, result_of("same-weights"))
    assert table[["Name", "Outcome"]].to_numpy().tolist() == [["Ada", "right"], ["", "off"]]
    assert table["Guessed at (UTC)"][0] == "2026-11-29 08:00:00"
    assert frame(LESSON, class_board(LESSON, []), None).empty


@pytest.mark.parametrize("lesson", lessons.lessons().values(), ids=lambda lesson: lesson.id)
def test_every_lesson_has_a_board_whose_picture_holds_nothing_of_the_result_before(lesson: lessons.Lesson) -> None:
    form = lesson.guess
    values: dict[str, Value] = {
        "choice": form.options[0] if form.options else "", "number": form.high or 0.0, "order": lesson.labels,
        "curve": (form.high or 0.0,) * len(lesson.labels), "band": (form.low or 0.0, form.high or 0.0),
    }  # fmt: skip
    value = lesson.check_guess(values[form.kind])
    result = result_of(lesson.id)
    hidden = class_figure(lesson, [value, value], None).as_json()
    shown = class_figure(lesson, [value, value], result).as_json()
    assert hidden != shown
    assert "came out" not in json.dumps(hidden)
    assert summary(lesson, [value, value]).startswith("2 guesses")
    assert result_figure(lesson, result).as_json()["data"]
    assert len(outcomes(lesson, class_board(lesson, [guess(1, value)]), result)) == 1


def test_an_order_and_numbers_in_a_sentence() -> None:
    order = next(lesson for lesson in lessons.lessons().values() if lesson.guess.kind == "order")
    labels = order.labels
    assert f"1. {labels[0]}, 2. {labels[1]}" in summary(order, [labels, labels, labels[::-1]])
    assert "2 of 3" in summary(order, [labels, labels, labels[::-1]])
    number = lessons.get("two-pixels")
    assert summary(number, [20.0, 40.0, 90.0]) == "3 guesses from 20.0 % to 90.0 %; half of them are at most 40.0 %."
    with pytest.raises(ConfigError):
        number.check_guess(1000.0)
