"""Back and forth between the pages, as the browser's own buttons and the keyboard do it."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from dashboard import ROOT, arrived, open_page
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

OWN = {"Data": {"dataset"}, "Compare": {"view", "run"}, "Draw": {"run"}, "Mistakes": {"run"}, "Digit Lab": set()}


@pytest.fixture(autouse=True)
def _shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks to choose from, so that pages put their choice into the address."""
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ROOT / "assets" / "reference_runs"))


def parameters(page: Page) -> set[str]:
    return set(parse_qs(urlsplit(page.url).query))


def test_one_press_goes_one_page_back_and_each_address_is_of_its_own_page(page: Page) -> None:
    for title in ("Draw", "Compare", "Data", "Mistakes"):
        open_page(page, title)
        page.wait_for_url(re.compile(r"\?"))
        page.wait_for_timeout(300)
        assert parameters(page) <= OWN[title]
        if title == "Compare":
            page.get_by_role("radio", name="Cost").click()
            page.wait_for_url(re.compile("view=cost"))
    for title in ("Data", "Compare", "Draw", "Digit Lab"):
        page.go_back()
        arrived(page, title)
        page.wait_for_timeout(300)
        assert parameters(page) <= OWN[title]
        assert title != "Compare" or "view=cost" in page.url, "what was chosen last there"


def test_a_digit_is_drawn_with_the_keyboard_and_is_there_again_after_another_page(page: Page) -> None:
    open_page(page, "Draw")
    page.locator("canvas.upper-canvas").hover()
    page.wait_for_timeout(600)  # the pad's own tool bar would fade in by now
    assert page.locator(".dc-toolbar").evaluate("bar => getComputedStyle(bar).display") == "none", "it has a Clear, too"
    page.get_by_text("By keyboard").click()
    pad = page.get_by_role("application", name="Drawing pad")
    pad.focus()
    for key, times in (("ArrowUp", 9), (" ", 1), ("ArrowDown", 18), (" ", 1)):
        for _ in range(times):
            page.keyboard.press(key)
    assert pad.evaluate("pad => getComputedStyle(pad).outlineStyle") == "solid", "where the keyboard is can be seen"
    answers = page.get_by_test_id("stMetricValue")
    expect(answers.first).to_have_text("1")
    expect(page.get_by_role("status").filter(has_text="Pen up, 50 % from the left")).to_be_attached()
    picture = pad.evaluate("pad => pad.toDataURL()")
    open_page(page, "Data")
    open_page(page, "Draw")
    expect(answers.first).to_have_text("1")
    page.wait_for_function("picture => document.querySelector('.pad canvas')?.toDataURL() === picture", arg=picture)
    expect(page.get_by_role("button", name="Clear", exact=True)).to_have_count(1)
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.get_by_text("Nothing drawn yet.")).to_be_visible()
    expect(answers).to_have_count(0)
