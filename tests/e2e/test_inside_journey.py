"""A digit is drawn, sent inside two networks, one of their units is looked at, and one goes back to its first step."""

from __future__ import annotations

import re

import pytest
from dashboard import ROOT, Server, open_page, ready
from playwright.sync_api import Page, expect

from bench.moments import stroke
from core.runs import shipped

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ASSETS = ROOT / "assets" / "reference_runs"
COMPLETE = """() => { const n = ['stMetricLabel', 'stMetricValue', 'stMetricDelta'].map(
  id => document.querySelectorAll(`[data-testid=${id}]`).length); return n[0] && n.every(one => one === n[0]); }"""
ONE = [(0.52, 0.15), (0.5, 0.85)]


@pytest.fixture(autouse=True)
def _shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ASSETS))


def answers(page: Page) -> list[str]:
    """What stands there of each network: what it reads and how sure it is."""
    ready(page)
    page.wait_for_function(COMPLETE)
    # A moment after it stands there, number and percent sign are joined.
    return [f"{label} {value} {sure}".replace("\u00a0", " ") for label, value, sure in zip(
        *(page.get_by_test_id(part).all_inner_texts() for part in ("stMetricLabel", "stMetricValue", "stMetricDelta")),
        strict=True,
    )]  # fmt: skip


def test_a_drawn_digit_goes_inside_two_networks_and_a_unit_is_clicked(page: Page, server: Server) -> None:
    run_ids = [shipped.read(ASSETS, name).run_id for name in ("cnn", "mlp")]
    page.goto(f"{server.url}/draw?run={','.join(run_ids)}")
    ready(page)
    stroke(page, ONE)
    expect(page.get_by_test_id("stMetricValue")).to_have_count(2)
    drawn = answers(page)
    page.get_by_role("link", name="See inside").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Inside")
    expect(page.get_by_text("What you drew last.")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("pictures of dense"))).to_have_count(6)  # three layers of each
    assert answers(page) == drawn, "the answers are those of Draw"

    page.get_by_role("radio", name="One number").click()
    maps = page.locator(".js-plotly-plot").first
    maps.wait_for()
    ready(page)
    unit = page.get_by_role("spinbutton", name=re.compile("^Unit"))
    before = unit.input_value()
    wanted = "0" if before != "0" else "1"
    places = page.evaluate(  # of the points of the maps, from the corner of the drawing
        "() => { const plot = document.querySelector('.js-plotly-plot'), {xaxis, yaxis} = plot._fullLayout;"
        " const points = plot._fullData.find(trace => trace.mode === 'markers');"
        " return Array.from(points.x, (x, i) => [xaxis.d2p(x), yaxis.d2p(points.y[i])]) }"
    )
    right, down = places[int(wanted)]
    maps.locator(".nsewdrag").first.click(position={"x": right, "y": down})
    expect(unit).to_have_value(wanted)
    expect(page.get_by_text(re.compile(f"at unit {wanted}, row"))).to_be_visible()

    page.get_by_role("radio", name="While it learned").click()
    expect(page.get_by_role("link", name="Train it again, keeping its weights")).to_have_count(1)  # the MLP kept none
    slider = page.get_by_role("slider")
    slider.wait_for()
    assert answers(page) == drawn[:1], "its end is what Draw shows"
    slider.press("Home")
    expect(page.get_by_text("Before the first step.")).to_be_visible()
    ready(page)
    expect(page).to_have_url(re.compile("moment=0"))
    link, untrained = page.url, answers(page)
    assert page.context.browser is not None
    other = page.context.browser.new_page()  # somebody whom it was sent to
    other.goto(link)
    expect(other.get_by_text("Before the first step.")).to_be_visible()
    expect(other.get_by_test_id("stMetricDelta")).to_have_count(1)
    assert answers(other) == untrained
    other.close()

    open_page(page, "Draw")
    expect(page.get_by_test_id("stMetricValue")).to_have_count(2)
    assert answers(page) == drawn, "the drawing is still there"
