"""What a lesson shows of its images before the guess."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.charts.sprite import contact_sheet
from core.experiments import lessons
from pages.learn.lessons import pictures


def test_each_change_that_is_guessed_about_is_shown_beside_the_digit_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setattr(pictures, "sheet", lambda images, **look: drawn.append((images, look)))
    lesson = lessons.get("not-my-digit")
    pictures.what_they_see(lesson)
    assert [look["captions"] for _, look in drawn] == [["Unchanged"], *([label] for label in lesson.labels)]
    first, *changed = (images for images, _ in drawn)
    assert all(not np.array_equal(first, images) for images in changed)
    assert np.array_equal(changed[0], 255 - first), "inverted"
    drawn.clear()
    pictures.what_they_see(lessons.get("what-is-wrong"))
    assert not drawn, "that one asks about no change"


def test_each_digit_is_shown_once_in_pictures_that_fit_on_a_phone(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setattr(pictures, "sheet", lambda images, **look: drawn.append((images, look)))
    pictures.what_they_see(lessons.get("same-weights"))
    assert [look["captions"] for _, look in drawn] == [list("01234"), list("56789")]
    for images, look in drawn:
        width = contact_sheet(images, columns=look["columns"], scale=look["scale"], captions=look["captions"]).shape[1]
        assert width <= 400 - 2 * 16, "of a phone, without the margins of a page"
