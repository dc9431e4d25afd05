"""From a run's mistakes to where it breaks: measured once, and there at once after a reload; a digit at every place."""

from __future__ import annotations

import re
from typing import Any

import pytest
from dashboard import ROOT, Server, ready
from playwright.sync_api import Page, expect

from core.runs import shipped

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ASSETS = ROOT / "assets" / "reference_runs"
POINTS = """() => { const plot = document.querySelector('.js-plotly-plot');
  return plot._fullData.filter((trace, i) => plot.data[i].name).map(trace => trace.y.length) }"""


@pytest.fixture(autouse=True)
def _shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ASSETS))


def points(page: Page) -> Any:
    """How many points each named line or set of marks on the first chart has."""
    page.locator(".js-plotly-plot .plot-container").first.wait_for()
    return page.evaluate(POINTS)


def test_what_was_measured_is_there_at_once_after_a_reload(page: Page, server: Server) -> None:
    run_id = shipped.read(ASSETS, "digits-mlp").run_id
    page.goto(f"{server.url}/mistakes?run={run_id}")
    ready(page)
    page.get_by_role("link", name="See where it breaks").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Robustness")
    expect(page).to_have_url(re.compile(rf"run={run_id}"))
    start = page.get_by_role("button", name="Measure on all 382 images")
    start.wait_for()
    assert points(page) == [1], "the result on undistorted images"
    start.click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0, timeout=120_000)
    expect(start).to_have_count(0)
    page.wait_for_function(f"() => ({POINTS})()[0] === 6")

    page.reload()
    expect(page.get_by_text(re.compile("undistorted, then down to"))).to_be_visible()
    assert points(page) == [6]
    expect(start).to_have_count(0)
    page.get_by_role("radio", name="Contrast").click()
    expect(page).to_have_url(re.compile("distortion=contrast"))
    expect(page.get_by_text(re.compile("of the exact negatives"))).to_be_visible()

    page.get_by_role("radio", name="Named corruptions").click()
    expect(page.get_by_role("img", name=re.compile("One digit: as it is, shot noise"))).to_be_visible()
    page.get_by_role("radio", name="Where one digit breaks").click()
    expect(page.get_by_text(re.compile(r"^Reads 3 at \d+ of 289 places"))).to_be_visible()
    assert sum(points(page)) == 17 * 17
