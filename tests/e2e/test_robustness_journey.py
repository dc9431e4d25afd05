"""From a run's mistakes to where it breaks: measured once, and there at once after a reload; a digit at every place."""

from __future__ import annotations

import re
from typing import Any

import pytest
from dashboard import ROOT, Server, ready
from playwright.sync_api import Locator, Page, expect

from core.runs import shipped

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ASSETS = ROOT / "assets" / "reference_runs"
POINTS = """() => { const plot = document.querySelector('.js-plotly-plot');
  return plot._fullData.filter((trace, i) => plot.data[i].name).map(trace => trace.y.length) }"""
# Nothing while the chart is being drawn anew.
DOTTED_LINE = """() => document.querySelector('.js-plotly-plot')?.layout?.shapes
  ?.find(shape => shape.line.dash === 'dot')?.x0"""


@pytest.fixture(autouse=True)
def _shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ASSETS))


def points(page: Page) -> Any:
    """How many points each named line or set of marks on the first chart has."""
    page.locator(".js-plotly-plot .plot-container").first.wait_for()
    return page.evaluate(POINTS)


def dotted_line(page: Page) -> Any:
    """At which amount it stands on the first chart, as soon as that is there."""
    page.wait_for_function(f"() => ({DOTTED_LINE})() !== undefined")
    return page.evaluate(DOTTED_LINE)


def bytes_left(table: Locator) -> tuple[int, int]:
    """Of the network, and of the network as it was: "1,200 of 4,000" in the table, as soon as that is drawn whole."""
    expect(table).to_contain_text(re.compile(r"[\d,]+ of [\d,]+ weights"))
    match = re.search(r"([\d,]+) of ([\d,]+)(?=\s+[\d,]+ of [\d,]+ weights)", table.inner_text())
    assert match is not None, table.inner_text()
    left, dense = (int(number.replace(",", "")) for number in match.groups())
    return left, dense


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


def test_after_training_the_slider_moves_the_line_on_the_chart_and_the_table(page: Page, server: Server) -> None:
    run_id = shipped.read(ASSETS, "digits-mlp").run_id
    page.goto(f"{server.url}/robustness?run={run_id}&view=after_training")
    ready(page)
    expect(page.get_by_role("radio", name="After training")).to_be_checked()
    page.get_by_role("button", name="Measure", exact=True).click()
    heading, table = page.get_by_role("heading", level=3).first, page.get_by_role("table").first
    slider = page.get_by_role("slider")
    slider.wait_for(timeout=60_000)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0, timeout=120_000)
    expect(page.get_by_role("button", name="Measure the rest")).to_have_count(0)
    before, at = bytes_left(table), dotted_line(page)
    assert 0 < before[0] < before[1], "some of the weights are taken out"
    words = heading.inner_text()
    paragraphs = " ".join(page.locator("[data-testid=stMarkdown], table").all_inner_texts())
    assert re.search(r"\d\u00a0%", paragraphs)
    assert not re.search(r"\d %", paragraphs), "a line may end between a number and its percent sign"
    slider.focus()
    slider.press("ArrowRight")
    expect(heading).not_to_have_text(words)
    ready(page)
    after = bytes_left(table)
    assert after[0] < before[0]
    assert after[1] == before[1]
    page.wait_for_function(f"at => ({DOTTED_LINE})() > at", arg=at)
    expect(page.locator(".js-plotly-plot").nth(1)).to_contain_text("Bytes that are left")
