"""What a lesson shows of its images before the guess."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.experiments import lessons
from pages.learn.lessons import pictures


def test_each_change_that_is_guessed_about_is_shown_beside_the_digit_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setattr(pictures, "sheet", lambda images, **look: drawn.append((images, look)))
    lesson = lessons.get("not-my-digit")
    pictures.what_they_see(lesson)
    ((images, look),) = drawn
    assert look["captions"] == ["Unchanged", *lesson.labels]
    assert len(images) == len(look["captions"])
    assert all(not np.array_equal(images[0], changed) for changed in images[1:])
    assert np.array_equal(images[1], 255 - images[0]), "inverted"
    pictures.what_they_see(lessons.get("what-is-wrong"))
    assert len(drawn) == 1, "that one asks about no change"
