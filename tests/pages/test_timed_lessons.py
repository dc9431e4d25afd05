"""What came out of a lesson is read once for all; what was timed is measured anew for who guesses again."""

from __future__ import annotations

from typing import Any

import pytest

from core.experiments import lessons
from core.experiments.lessons import Lesson
from pages.learn.lessons import result


def test_only_what_is_timed_is_measured_anew_for_who_guesses_again(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []

    def read(store: Any, lesson: Lesson, *_: Any, **__: Any) -> object:
        reads.append(lesson.id)
        return object()

    monkeypatch.setattr(result, "read_result", read)
    monkeypatch.setattr(result, "store", object)
    result._read.clear()
    for name in ("fewer-multiply-adds", "parameters-grow"):
        for _ in range(2):
            result._read(name, ())
        result.measure_anew(lessons.get(name))
        result._read(name, ())
    assert reads == ["fewer-multiply-adds", "fewer-multiply-adds", "parameters-grow"]
    result._read.clear()
