"""The ways to guess, a module each: ``draw(lesson, key)`` draws the question, ``value(lesson, key)`` is the guess so far, and
``missing(lesson, key)`` says what it still lacks."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from core.experiments.lesson_parts import GuessValue
from core.experiments.lessons import Lesson


def draw(lesson: Lesson, key: str) -> None:
    """Draw what this lesson asks. key: prefix of the widgets' keys"""
    _module(lesson).draw(lesson, key)


def value(lesson: Lesson, key: str) -> GuessValue | None:
    """What the widgets hold, in the form that the store keeps; None as long as there is no whole guess. Also in a callback."""
    guess: GuessValue | None = _module(lesson).value(lesson, key)
    return guess


def missing(lesson: Lesson, key: str) -> str:
    """What a guess without a value still lacks, in a sentence. Also in a callback."""
    lacks: str = _module(lesson).missing(lesson, key)
    return lacks


def _module(lesson: Lesson) -> ModuleType:
    return import_module(f"pages.learn.lessons.guesses.{lesson.guess.kind}")
