"""A first visitor, who has trained nothing: a digit is drawn and read, and mistakes are seen, with the first strokes."""

from __future__ import annotations

import re

import pytest
from dashboard import ROOT, open_page
from playwright.sync_api import Page, expect

from bench.moments import stroke
from core.experiments.lessons import lessons
from core.experiments.reference_runs import ZOO

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def _shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes with the program; other tests start from an empty store."""
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ROOT / "assets" / "reference_runs"))


def test_a_digit_is_read_a_lesson_is_offered_and_mistakes_are_seen_before_anything_was_trained(page: Page) -> None:
    first_lesson = next(iter(lessons().values()))
    cards = page.locator(".reader")
    expect(cards).to_have_count(len(ZOO))
    stroke(page, [(0.52, 0.15), (0.5, 0.85)], ".pad canvas")
    expect(page.locator(".reader[data-state=waiting]")).to_have_count(0)
    expect(page.locator(".readers-summary")).to_contain_text("read a 1")
    expect(cards.filter(has_text="1").filter(has_text="sure").first).to_be_visible()
    page.get_by_role("button", name="A star").click()
    expect(page.locator(".reader[data-state=undecided]").first).to_contain_text(re.compile(r"\d or \d.*undecided, \d"))
    page.get_by_role("button", name="Clear").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".reader[data-state=waiting]")).to_have_count(len(ZOO))

    page.get_by_role("link", name=f"First lesson: {first_lesson.title}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(first_lesson.title)
    open_page(page, "Mistakes")
    expect(page.get_by_text(re.compile(r"^\d+ mistakes?, the one"))).to_be_visible()
    expect(page.get_by_alt_text(re.compile("^Images: "))).to_be_visible()
