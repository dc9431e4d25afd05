"""How far this visitor is: the newest guess in each lesson, and how it compared with what came out."""

from __future__ import annotations

from collections.abc import Mapping

from core.errors import ConfigError
from core.experiments.lessons import Lesson, lessons
from core.experiments.results import from_values
from core.experiments.reveals import Outcome, reveal
from core.runs import guesses
from core.runs.guesses import Guess
from pages.shared.services import store
from pages.shared.visitor import owner


def newest_guesses() -> Mapping[str, Guess]:
    """Of this visitor, by the id of its lesson."""
    return {guess.lesson: guess for guess in guesses.of_visitor(store(), owner())}


def is_done(lesson: Lesson, own: Mapping[str, Guess]) -> bool:
    """Whether the visitor has seen what came out."""
    return lesson.id in own and own[lesson.id].revealed_utc is not None


def is_asked_still(lesson: Lesson, guess: Guess) -> bool:
    """Whether the lesson asks for such a guess; it may have changed since."""
    try:
        lesson.check_guess(guess.value)
    except ConfigError:
        return False
    return True


def outcome(lesson: Lesson, guess: Guess) -> Outcome | None:
    """How a guess compared with what was revealed; None where the lesson has changed since."""
    try:
        value = lesson.check_guess(guess.value)
        return reveal(lesson, value, from_values(lesson, guess.result or {})).outcome
    except ConfigError:
        return None


def next_lesson(own: Mapping[str, Guess], after: Lesson | None = None) -> Lesson | None:
    """The first one that is not done, behind ``after`` where there is one there; None when all are done."""
    everything = list(lessons().values())
    start = everything.index(after) + 1 if after else 0
    left = [lesson for lesson in (*everything[start:], *everything[:start]) if not is_done(lesson, own)]
    return left[0] if left else None
