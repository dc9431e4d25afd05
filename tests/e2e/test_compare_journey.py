"""Two runs side by side as a visitor sees them: a leaderboard, curves, the images they differ on, when digits were learned."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from dashboard import COUNT_SCRIPTS, READY, ROOT, Server, last_epoch_drawn, open_page, ready
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

N_TEST = 382  # embedded test digits
LAST_POINTS = "document.querySelector('.js-plotly-plot').calcdata.flat().map(point => point.x || 0)"


def section(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).click()
    ready(page)


def test_two_runs_are_compared_from_the_ranking_down_to_single_images(page: Page, server: Server) -> None:
    race = [sys.executable, "-m", "core", "race", "--architectures", "softmax,mlp", "--seeds", "1", "--set", "epochs=3"]
    subprocess.run(race, cwd=ROOT, env={**os.environ, "DIGIT_LAB_RUNS": str(server.runs)}, check=True, timeout=120)
    open_page(page, "Compare")
    expect(page.get_by_text("2 of 2 runs on Embedded digits")).to_be_visible()

    section(page, "Curves")
    page.wait_for_function("() => document.querySelectorAll('.scatterlayer .trace').length > 4")
    for name in ("Softmax regression", "MLP"):
        expect(page.locator(".legendtext", has_text=name).first).to_be_visible()
    section(page, "Multiply-adds")
    expect(page.locator(".xtitle").first).to_have_text("Training work (billion multiply-adds)")

    section(page, "Cost")
    expect(page.get_by_text("best for their cost").first).to_be_visible()

    section(page, "Image by image")
    cells = page.get_by_role("radio", name=re.compile(r"^(only A|only B|both|neither) \("))
    expect(cells).to_have_count(4)
    counts = [int(re.sub(r"\D", "", text)) for text in cells.all_inner_texts()]
    assert sum(counts) == N_TEST
    expect(page.get_by_text("This speaks about these two trained networks")).to_be_visible()
    cells.first.click()
    ready(page)

    section(page, "When learned")
    expect(page.get_by_role("heading", name="Hard digits")).to_be_visible()

    # The address leads whoever opens it to the same section with the same runs.
    assert "view=learned" in page.url
    page.goto(page.url)
    ready(page)
    expect(page.get_by_role("heading", name="Hard digits")).to_be_visible()

    open_page(page, "Mistakes")
    section(page, "How sure they are")
    expect(page.get_by_text(re.compile(r"is \d+\.\d\d\s% sure on average"))).to_have_count(2)
    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot').length === 3")
    page.get_by_role("slider", name="It says “I do not know” below").press("Home")
    expect(page.get_by_role("slider", name="It says “I do not know” below")).to_have_attribute("aria-valuetext", "0 %")
    page.get_by_text("With the temperature", exact=True).click()
    expect(page.get_by_text("Accuracy against confidence with the temperature")).to_be_visible()
    section(page, "Misread by all")
    suspects = page.get_by_text(re.compile(rf"Of {N_TEST} test images, [1-9]\d* (is|are) misread by all 2 networks"))
    expect(suspects).to_be_visible()
    page.goto(page.url)  # the address holds the view and the runs
    ready(page)
    expect(page.get_by_role("radio", name="Misread by all")).to_be_checked()
    expect(suspects).to_be_visible()


def test_curves_of_runs_that_train_move_and_no_script_of_the_page_runs_for_it(page: Page, server: Server) -> None:
    page.goto(server.url + "/train?architecture=mlp,lenet&dataset=digits&epochs=1000")
    page.wait_for_selector(READY)
    page.locator(".st-key-train button").click()
    expect(page.get_by_text(re.compile(r"epoch \d+ of 1,000", re.I))).to_have_count(2)
    open_page(page, "Compare")
    section(page, "Curves")
    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot .scatterlayer .trace').length > 4")
    page.evaluate(COUNT_SCRIPTS)
    before = last_epoch_drawn(page)
    page.wait_for_function(f"() => Math.max(...{LAST_POINTS}) > {before}")
    assert page.evaluate("() => window.scripts") == 0

    open_page(page, "Train")
    for n_stopped in (1, 2):  # a run that is asked to stop keeps its button until its epoch has ended
        page.get_by_role("button", name="Stop").first.click()
        expect(page.get_by_text(re.compile(r"Stopped: "))).to_have_count(n_stopped)
