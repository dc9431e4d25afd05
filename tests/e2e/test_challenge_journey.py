"""A teacher makes a challenge, a pupil opens its link in another browser and trains, and the board shows the pupil; what a
link locks holds beyond a start and a reload."""

from __future__ import annotations

import re
from contextlib import closing

import pytest
from dashboard import Server, open_page, ready
from playwright.sync_api import Browser, Page, expect

from core.runs import challenges
from core.runs.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_a_challenge_from_the_form_to_the_board(page: Page, server: Server, browser: Browser) -> None:
    open_page(page, "For teachers")
    page.get_by_role("textbox", name="Title").fill("Two points more")
    page.get_by_role("spinbutton", name="Epochs at most").fill("2")
    page.get_by_role("spinbutton", name="Epochs at most").press("Tab")
    expect(page.get_by_text("The base run itself is beyond the budget")).to_be_visible()
    page.get_by_text("Its settings", exact=True).click()
    page.get_by_role("textbox", name="Take them from a Train page").fill(
        f"{server.url}/train?architecture=softmax&n_train=300&epochs=1"
    )
    page.get_by_role("textbox", name="Take them from a Train page").press("Enter")
    expect(
        page.get_by_text(re.compile("Softmax regression with 7,850 parameters learns from 300 images"))
    ).to_be_visible()
    page.get_by_role("button", name="Make the challenge").click()
    link = page.get_by_test_id("stCode").inner_text().strip()
    assert link.startswith(f"{server.url}/train?challenge=")

    context = browser.new_context(viewport={"width": 1280, "height": 900})
    pupil = context.new_page()
    pupil.goto(link)
    ready(pupil)
    expect(pupil.get_by_text("Challenge: Two points more")).to_be_visible()
    expect(pupil.get_by_role("combobox", name="Training images")).to_be_disabled()
    expect(pupil.get_by_role("spinbutton", name="Seed")).to_be_disabled()
    expect(pupil.get_by_role("spinbutton", name="Epochs")).to_be_enabled()
    pupil.get_by_role("textbox", name="Your name on the board").fill("Ana")
    pupil.get_by_role("spinbutton", name="Epochs").fill("2")
    pupil.get_by_role("spinbutton", name="Epochs").press("Tab")
    ready(pupil)
    pupil.locator(".st-key-train button").click()
    expect(pupil).to_have_url(re.compile(r"run=.*challenge="))
    context.close()

    expect(page.get_by_text("1 pupil, 1 network.")).to_be_visible()
    expect(page.get_by_text(re.compile("The base run reads .* images that were set aside"))).to_be_visible()
    expect(page.get_by_text(re.compile("The one pupil has( not)? reached the goal of 2 points."))).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    first = download.value.path().read_text("utf-8-sig").splitlines()[1]
    assert first.startswith("Ana,")
    with closing(Store(server.runs)) as store:
        (challenge,) = challenges.challenges(store)
        (entry,) = challenges.entries(store, challenge.challenge_id)
        config = store.run(entry.run_id).run_config()
    assert config.flat() == challenge.config.flat() | {"epochs": 2}
    page.get_by_role("button", name="Delete this challenge").click()
    expect(page.get_by_text("Deleted “Two points more”.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_test_id("stCode")).to_have_text(link)


def test_a_locked_link_holds_after_a_start_and_a_reload(page: Page, server: Server) -> None:
    link = "architecture=softmax&n_train=300&epochs=1&lr=0.01"
    page.goto(f"{server.url}/train?{link}&lock=epochs,architecture&hide=lr")
    ready(page)
    expect(page.get_by_role("spinbutton", name="Epochs")).to_be_disabled()
    page.locator(".st-key-train button").click()
    expect(page).to_have_url(re.compile("about=runs"))
    page.reload()
    ready(page)
    expect(page.get_by_text("keeps these as they are: Networks, Epochs.")).to_be_visible()
    page.get_by_text("Change the settings and train again").click()
    epochs = page.get_by_role("spinbutton", name="Epochs")
    expect(epochs).to_be_disabled()
    expect(epochs).to_have_value("1")
    expect(page.get_by_role("combobox", name="Training images")).to_be_enabled()
    expect(page.get_by_text("Learning rate", exact=True)).to_have_count(0)
    page.get_by_role("link", name="Open without these limits").click()
    free = page.context.wait_for_event("page") if len(page.context.pages) < 2 else page.context.pages[-1]
    ready(free)
    expect(free.get_by_role("spinbutton", name="Epochs")).to_be_enabled()
