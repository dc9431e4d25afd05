"""What a class guessed in a lesson: the first guess of each visitor counts, and is judged once the result is shown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from core.errors import ConfigError
from core.experiments.lessons import GuessValue, Lesson
from core.experiments.results import Result, from_values
from core.experiments.reveals import Outcome, reveal, words
from core.experiments.stored_results import stored_result
from core.runs.guesses import ClassGuess

if TYPE_CHECKING:
    import pandas as pd

OUTCOME_WORDS: Mapping[Outcome, str] = {"right": "right", "close": "close", "off": "off", "open": "not distinguishable"}


@dataclass(frozen=True, slots=True)
class ClassBoard:
    """counted: the first guess of each visitor, in the order they came in · n_later: further tries of the same visitors
    n_changed: guesses that the lesson does not ask for any more"""

    counted: tuple[ClassGuess, ...]
    n_later: int
    n_changed: int

    @property
    def values(self) -> tuple[GuessValue, ...]:
        """What was guessed."""
        return tuple(guess.value for guess in self.counted)

    @property
    def n_revealed(self) -> int:
        """How many visitors have seen what came out."""
        return sum(guess.is_revealed for guess in self.counted)


@dataclass(frozen=True, slots=True)
class Progress:
    """A lesson of a class in figures. n_counted: pupils with a guess · n_revealed: of them, who have seen what came out
    n_right, n_close: of those who have"""

    lesson_id: str
    title: str
    n_counted: int
    n_revealed: int
    n_right: int
    n_close: int


def class_progress(lesson: Lesson, guesses: Sequence[ClassGuess]) -> Progress:
    """guesses: as for ``class_board``"""
    board, result = class_board(lesson, guesses), class_result(lesson, guesses)
    judged = outcomes(lesson, board, result) if result else ()
    seen = [outcome for outcome, guess in zip(judged, board.counted, strict=False) if guess.is_revealed]
    return Progress(
        lesson.id, lesson.title, len(board.counted), board.n_revealed, seen.count("right"), seen.count("close")
    )


def class_board(lesson: Lesson, guesses: Sequence[ClassGuess]) -> ClassBoard:
    """guesses: of one class in this lesson, as ``core.runs.guesses.of_class`` gives them"""
    fitting = [guess for guess in guesses if _fits(lesson, guess)]
    first: dict[int, ClassGuess] = {}
    for guess in fitting:
        first.setdefault(guess.visitor, guess)
    return ClassBoard(tuple(first.values()), len(fitting) - len(first), len(guesses) - len(fitting))


def _fits(lesson: Lesson, guess: ClassGuess) -> bool:
    try:
        lesson.check_guess(guess.value)
    except ConfigError:
        return False
    return True


def class_result(lesson: Lesson, guesses: Sequence[ClassGuess]) -> Result | None:
    """What came out for most of the class, whose runs are shared; where nobody has got so far, what came out beforehand
    (``Result.machine`` says where). None where there is neither."""
    kept = Counter(json.dumps(guess.result, sort_keys=True) for guess in guesses if guess.result is not None)
    for text, _ in kept.most_common():
        try:
            return from_values(lesson, json.loads(text))
        except ConfigError:  # the lesson has changed since
            continue
    try:
        return stored_result(lesson)
    except ConfigError:
        return None


def outcomes(lesson: Lesson, board: ClassBoard, result: Result) -> tuple[Outcome, ...]:
    """How each guess of the board compares with what came out."""
    return tuple(reveal(lesson, value, result).outcome for value in board.values)


def summary(lesson: Lesson, values: Sequence[GuessValue]) -> str:
    """What was guessed, in a sentence."""
    n = len(values)
    if not n:
        return "Nobody has guessed yet."
    guesses = "1 guess" if n == 1 else f"{n:,} guesses"
    kind = lesson.guess.kind
    if kind == "choice":
        counts = Counter(values)
        return f"{guesses}: {', '.join(f'“{option}” {counts[option]}' for option in lesson.guess.options)}."
    if kind == "order":
        order, times = Counter(values).most_common(1)[0]
        return f"{guesses}. The most frequent order is {words(lesson, order)}: {times} of {n}."
    if kind == "number":
        numbers = sorted(float(value) for value in values if isinstance(value, (int, float)))
        low, middle, high = (words(lesson, number) for number in (numbers[0], median(numbers), numbers[-1]))
        return f"{guesses} from {low} to {high}; half of them are at most {middle}."
    pairs = [tuple(map(float, value)) for value in values if isinstance(value, tuple)]
    middles = tuple(median(numbers) for numbers in zip(*pairs, strict=True))
    ends = "the middle of all lowest and highest numbers is" if kind == "band" else "in the middle of all curves lies"
    return f"{guesses}; {ends} {words(lesson, middles)}."


def frame(lesson: Lesson, board: ClassBoard, result: Result | None) -> pd.DataFrame:
    """A row for each guess. result: None as long as it is hidden, then there is no outcome either"""
    import pandas as pd

    judged = outcomes(lesson, board, result) if result else ()
    rows: list[dict[str, Any]] = []
    for place, guess in enumerate(board.counted):
        row: dict[str, Any] = {"Pupil": place + 1, "Name": guess.name, "Guess": _plain(lesson, guess.value)}
        row |= {"Outcome": OUTCOME_WORDS[judged[place]]} if judged else {}
        rows.append(row | {"Reason": guess.reason, "Guessed at (UTC)": guess.guessed_utc[:19].replace("T", " ")})
    columns = ["Pupil", "Name", "Guess", *(["Outcome"] if result else []), "Reason", "Guessed at (UTC)"]
    table = pd.DataFrame(rows, columns=columns)
    return table if any(guess.name for guess in board.counted) else table.drop(columns="Name")


def _plain(lesson: Lesson, value: GuessValue) -> str:
    return value if isinstance(value, str) else words(lesson, value)
