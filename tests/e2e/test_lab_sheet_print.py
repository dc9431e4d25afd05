"""A lab sheet is printed: two pages of A4 at most, also where a lesson and a pupil have much to say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from core.experiments import lessons
from core.experiments.lessons import Lesson
from core.experiments.results import shipped_runs
from core.experiments.stored_results import stored_result
from core.export.lab_sheet import LabSheetSource, make
from core.runs import shipped
from core.runs.guesses import NAME_LENGTH, REASON_LENGTH, Guess, Value
from core.runs.rows import Run

pytestmark = [pytest.mark.browser, pytest.mark.looking]
ASSETS = Path(__file__).parents[2] / "assets" / "reference_runs"


def longest_guess(lesson: Lesson) -> Guess:
    form = lesson.guess
    values: dict[str, Value] = {
        "choice": max(form.options, key=len, default=""), "number": form.high or 0.0, "order": lesson.labels[::-1],
        "curve": (form.high or 0.0,) * len(lesson.labels), "band": (form.low or 0.0, form.high or 0.0),
    }  # fmt: skip
    reason, name = ("reasons " * REASON_LENGTH)[:REASON_LENGTH], "A" * NAME_LENGTH
    value = lesson.check_guess(values[form.kind])
    return Guess("", 1, lesson.id, value, reason, "7b", name, (), None, "2026-11-29T08:00:00+00:00", None)


def test_every_sheet_fits_on_two_pages(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIT_LAB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ASSETS))
    store = shipped.open_store()
    stand_ins = [run for run in store.runs() if run.shipped]
    page = browser.new_page()
    n_pages = {}
    for lesson in lessons.lessons().values():
        runs: list[Run] = shipped_runs(store, lesson) if lesson.experiment.kind == "shipped" else []
        if lesson.experiment.kind == "train":  # curves of as many networks as the lesson has
            runs = [
                stand_ins[place % len(stand_ins)] for place in range(len(lesson.labels) * len(lesson.experiment.seeds))
            ]
        result = stored_result(lesson)
        assert result is not None
        made = make(LabSheetSource(store, lesson, longest_guess(lesson), result, runs))
        file = tmp_path / made.files[0].name
        file.write_bytes(made.files[0].content)
        page.goto(file.as_uri())
        n_pages[lesson.id] = len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))
    store.close()
    page.close()
    assert not {name: n for name, n in n_pages.items() if n not in (1, 2)}
