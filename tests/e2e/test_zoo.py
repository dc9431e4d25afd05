"""What stands ready before anything was trained: shipped networks, architectures to compare, experiments to start."""

from __future__ import annotations

import re

import pytest
from dashboard import ROOT, Server, arrived, open_page, ready
from playwright.sync_api import Page, expect

from bench.moments import stroke

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def shipped_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference runs of a fresh copy of the program, for the server that starts next."""
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ROOT / "assets" / "reference_runs"))


@pytest.mark.usefixtures("shipped_runs")
def test_a_first_visitor_draws_and_is_answered_without_training_anything(page: Page) -> None:
    open_page(page, "Draw")
    stroke(page, [(0.52, 0.15), (0.5, 0.85)])
    for network in (0, 1):
        expect(page.get_by_test_id("stMetricLabel").nth(network)).to_contain_text("(shipped) reads")
        expect(page.get_by_test_id("stMetricValue").nth(network)).to_have_text(re.compile(r"^\d$"))
    open_page(page, "Home")
    expect(page.get_by_text("Nothing has been trained here yet.")).to_be_visible()


def test_a_link_shows_two_architectures_and_leads_to_training_one(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/architectures?architectures=mlp,vit")
    drawings = page.locator(".stGraphVizChart svg g.graph")
    expect(drawings).to_have_count(2)
    expect(drawings.nth(0)).not_to_contain_text("attention")
    expect(drawings.nth(1)).to_contain_text("attention")
    ready(page)
    page.get_by_role("link", name="Train this one").nth(1).click()
    arrived(page, "Train")
    ticked = page.get_by_test_id("stButtonGroup").get_by_role("button", pressed=True)
    expect(ticked).to_have_text(["Vision Transformer (ViT)"])


def test_an_experiment_names_the_data_it_lacks_or_starts_with_one_click(page: Page) -> None:
    open_page(page, "Train")
    page.get_by_text("Ready-made experiments").click()
    start = page.get_by_role("button", name="Start", exact=True)
    expect(start).to_have_count(1)
    page.get_by_text("Replays of learners' projects").click()
    expect(page.get_by_text("Needs MNIST, which is not on this computer yet.").first).to_be_visible()
    expect(page.get_by_role("link", name="Get it on the Data page").first).to_be_visible()
    expect(start).to_have_count(0)
    page.get_by_text("First steps").click()
    start.click()
    expect(page.get_by_role("button", name="Stop")).to_have_count(2)  # one card each
    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot .scatterlayer .trace').length >= 4")
    expect(start).to_have_count(0)  # folded away, so that the charts come into view
