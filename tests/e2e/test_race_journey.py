"""A race as a visitor sees it: set up from the form, two bands that grow, and a verdict in words."""

from __future__ import annotations

import re

import pytest
from dashboard import Server, open_page, ready
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LINES = "document.querySelectorAll('.st-key-race_loss .scatterlayer .trace').length"


def test_a_race_is_set_up_watched_and_judged(page: Page, server: Server) -> None:
    open_page(page, "Race")
    page.get_by_role("button", name="LeNet-5").click()  # out
    ready(page)
    page.get_by_role("button", name="Softmax regression").click()  # in
    ready(page)
    start = page.get_by_role("button", name=re.compile("Start the race"))
    expect(start).to_contain_text("(12 runs)")
    expect(page.get_by_text("109,386 parameters")).to_be_visible()
    start.click()
    expect(page.get_by_text(re.compile(r"\d+ of 12 runs finished")).first).to_be_visible()
    expect(page.get_by_role("button", name="Stop all")).to_be_visible()
    page.wait_for_function(f"() => {LINES} >= 2")
    expect(page.get_by_text("12 of 12 runs finished").first).to_be_visible(timeout=200_000)
    ready(page)
    for name in ("Softmax regression, 6 seeds", "MLP, 6 seeds", "lowest to highest seed"):
        expect(page.locator(".st-key-race_loss .legendtext", has_text=name)).to_be_visible()
    expect(page.get_by_role("heading", name="Verdict")).to_be_visible()
    expect(page.get_by_text(re.compile(r"over 6 seeds"))).to_be_visible()
    expect(page.get_by_role("button", name="Stop all")).to_have_count(0)
    # The address leads whoever opens it to the same race, with the form folded away.
    assert "group=" in page.url
    page.goto(page.url)
    ready(page)
    expect(page.get_by_text("12 of 12 runs finished")).to_be_visible()
    expect(start).to_have_count(0)
