"""A first visitor, who has trained nothing: a digit is drawn and read, and mistakes are seen, within three clicks."""

from __future__ import annotations

import re

import pytest
from dashboard import ROOT, open_page, ready, stroke
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def _shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes with the program; other tests start from an empty store."""
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ROOT / "assets" / "reference_runs"))


def test_a_digit_is_read_and_mistakes_are_seen_before_anything_was_trained(page: Page) -> None:
    page.get_by_role("button", name="Draw a digit").click()
    page.get_by_role("heading", level=1, name="Draw").wait_for()
    ready(page)
    stroke(page, [(0.52, 0.15), (0.5, 0.85)])
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("1")
    expect(page.get_by_text(re.compile(r"\(shipped\) reads$")).first).to_be_visible()
    open_page(page, "Mistakes")
    expect(page.get_by_text(re.compile(r"^\d+ mistakes?, the one"))).to_be_visible()
    expect(page.get_by_alt_text(re.compile("^Images: "))).to_be_visible()
