"""What a new user does, in a real browser against a real server: train, watch, stop, reload, look at mistakes, draw."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from dashboard import (
    COUNT_SCRIPTS,
    MNIST_ROOT,
    READY,
    ROOT,
    Server,
    arrived,
    click_chart,
    last_epoch_drawn,
    open_page,
    ready,
    start_server,
)
from playwright.sync_api import Browser, Page, expect

from bench.moments import stroke

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def set_epochs(page: Page, epochs: int) -> None:
    field = page.get_by_role("spinbutton", name=re.compile("^Epochs"))
    field.fill(str(epochs))
    field.press("Enter")
    ready(page)


def press_train(page: Page) -> None:
    """Press Train, and say yes where this machine would take so long that it asks."""
    page.locator(".st-key-train button").click()
    asked = page.get_by_role("button", name="Start it")
    begun = page.get_by_role("button", name="Stop").or_(page.get_by_text(re.compile(r"Finished: ")))
    expect(begun.or_(asked).first).to_be_visible()
    if asked.count():
        asked.click()


def finished_run(page: Page) -> None:
    """Train the small default network to its end, from the page."""
    open_page(page, "Train")
    press_train(page)
    expect(page.get_by_text(re.compile(r"Finished after \d+ epoch"))).to_be_visible()
    ready(page)


def test_train_watch_stop_reload(page: Page, server: Server) -> None:
    open_page(page, "Train")
    set_epochs(page, 1000)
    press_train(page)
    expect(page.get_by_text(re.compile(r"epoch \d+ of 1,000", re.I)).first).to_be_visible()
    page.wait_for_selector(".js-plotly-plot")
    stop = page.get_by_role("button", name="Stop").first
    page.wait_for_selector(".watch-here")
    page.wait_for_timeout(1000)  # it has come into view
    expect(stop).to_be_in_viewport()  # what was started came into view
    place = stop.bounding_box()
    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot .scatterlayer .trace').length >= 4")
    expect(page.get_by_text("Best epoch so far")).to_be_visible()
    assert stop.bounding_box() == place  # nothing that was told since has moved the button from under a finger
    page.evaluate(COUNT_SCRIPTS)
    before = last_epoch_drawn(page)
    for _ in range(20):  # the curve grows by itself, and no script of the page runs for it
        page.wait_for_timeout(500)
        if last_epoch_drawn(page) > before:
            break
    assert last_epoch_drawn(page) > before
    assert page.evaluate("() => window.scripts") == 0

    page.reload()
    ready(page)
    expect(page.get_by_text(re.compile(r"epoch \d+ of 1,000", re.I)).first).to_be_visible()
    page.get_by_role("button", name="Stop").first.click()
    expect(page.get_by_text(re.compile(r"Stopped: ")).first).to_be_visible()
    expect(page.get_by_text(re.compile(r"[\d.]+\s%\s+test accuracy"))).to_be_visible()

    page.reload()
    ready(page)
    expect(page.get_by_text(re.compile(r"Stopped: ")).first).to_be_visible()
    with sqlite3.connect(server.runs / "runs.sqlite3") as db:
        assert db.execute("SELECT COUNT(*), MAX(status) FROM summaries").fetchone() == (1, "stopped")


def test_ticking_ends_when_nothing_trains(page: Page) -> None:
    frames: list[float] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: frames.append(time.monotonic())))
    page.reload()
    ready(page)
    finished_run(page)
    page.wait_for_timeout(2000)
    quiet_since = time.monotonic()
    page.wait_for_timeout(4000)
    assert not [moment for moment in frames if moment > quiet_since]


def test_pause_and_resume(page: Page) -> None:
    open_page(page, "Train")
    set_epochs(page, 1000)
    press_train(page)
    expect(page.get_by_text(re.compile(r"epoch \d+ of 1,000", re.I)).first).to_be_visible()  # it has come into view
    page.get_by_role("button", name="Pause").first.click()
    expect(page.get_by_text(re.compile(r"Paused in"))).to_be_visible()
    page.get_by_role("button", name="Resume").first.click()
    expect(page.get_by_role("button", name="Pause").first).to_be_visible()
    page.get_by_role("button", name="Stop").first.click()
    expect(page.get_by_text(re.compile(r"Stopped: ")).first).to_be_visible()


def test_two_networks_race_while_the_visitor_walks_around(page: Page) -> None:
    open_page(page, "Train")
    page.get_by_test_id("stButtonGroup").get_by_text("Softmax regression").click()
    ready(page)
    press_train(page)
    open_page(page, "Data")
    open_page(page, "Home")
    open_page(page, "Train")
    expect(page.get_by_text(re.compile(r"Finished after "))).to_have_count(2)
    change = page.get_by_text("Change the settings and train again")
    if change.is_visible():  # they were still training when the page was opened, so their curves come first
        change.click()
    # what was ticked is still ticked
    expect(page.locator(".st-key-train button")).to_contain_text("Train 2 networks")


def test_a_confusion_cell_shows_its_images(page: Page) -> None:
    finished_run(page)
    page.get_by_role("link", name="Mistakes").last.click()
    arrived(page, "Mistakes")
    gallery = page.get_by_alt_text(re.compile("^Images: "))
    worst = re.match(r"Images: (\d) read as (\d)", gallery.get_attribute("alt") or "")
    assert worst is not None
    truth, predicted = worst.groups()
    everything = page.get_by_text(re.compile(r"^\d+ mistakes?, the one")).inner_text()
    # Which digit is the worst, and so how far down its row stands, depends on the processor.
    click_chart(page.locator("[class*=st-key-mistakes_matrix_] .js-plotly-plot"), int(predicted), int(truth))
    expect(page.get_by_text(everything)).not_to_be_visible()
    no_other = re.compile(rf"^Images: ({truth} read as {predicted}|(?!\d read as \d)[\s\S])+$")
    expect(gallery).to_have_attribute("alt", no_other)
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_text(everything)).to_be_visible()


def test_mistakes_opens_with_its_whole_matrix_in_the_window(page: Page, server: Server) -> None:
    finished_run(page)
    page.goto(server.url + "/mistakes")
    ready(page)
    page.locator(".js-plotly-plot .textpoint text").last.wait_for()
    matrix = page.locator(".js-plotly-plot").first
    rows = [matrix.locator(".ytick").get_by_text(str(digit), exact=True) for digit in range(10)]
    for part in (matrix, matrix.locator(".xtitle"), matrix.locator(".ytitle"), *rows):
        expect(part).to_be_in_viewport(ratio=1)


def test_a_drawn_digit_is_read_by_the_network_just_trained(page: Page) -> None:
    page.wait_for_function("() => window.digitLab?.starts.size")  # from now on a click is answered at once
    page.get_by_role("button", name="Start the first experiment").click()
    expect(page.get_by_role("status").get_by_text("The two networks wait to start")).to_be_visible()
    for chart in (".watch-loss", ".watch-accuracy"):  # in view at once: no form, no second button above them
        page.locator(f"{chart} .scatterlayer").wait_for(state="attached")
        expect(page.locator(chart)).to_be_in_viewport(ratio=1)
    assert re.fullmatch(r".*/train\?run=[0-9a-f]{32}%2C[0-9a-f]{32}", page.url)
    answer = page.locator(".st-key-outcome")
    expect(answer).to_contain_text(re.compile(r" read \d+ more of [0-9]+ test images than .*; "), timeout=200_000)
    expect(page.get_by_text(re.compile(r"Finished after "))).to_have_count(2)
    ready(page)
    answer.get_by_text("Write your own digit for both").click()
    expect(page.get_by_text("Nothing drawn yet")).to_be_visible()
    stroke(page, [(0.52, 0.15), (0.5, 0.85)])
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("1")
    expect(page.get_by_alt_text("The 28 × 28 pixels that go into the networks")).to_be_visible()


def test_a_restarted_server_offers_to_resume(browser: Browser, server: Server) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_selector(READY)
    open_page(page, "Train")
    set_epochs(page, 1000)
    press_train(page)
    expect(page.get_by_text(re.compile(r"epoch ([3-9]|\d\d+) of 1,000", re.I)).first).to_be_visible()
    page.wait_for_timeout(1500)  # a checkpoint comes about once a second
    page.goto("about:blank")
    assert server.stop() == 0

    again = start_server(server.runs, server.runs.parent / "data", server.log.with_name("again.log"))
    try:
        page.goto(again.url + "/train")
        page.wait_for_selector(READY)
        expect(page.get_by_text(re.compile(r"Interrupted in")).first).to_be_visible()
        page.get_by_role("button", name="Resume").first.click()
        expect(page.get_by_text(re.compile(r"epoch \d+ of 1,000", re.I)).first).to_be_visible()
        page.get_by_role("button", name="Stop").first.click()
        expect(page.get_by_text(re.compile(r"Stopped: ")).first).to_be_visible()
    finally:
        context.close()
        assert again.stop() == 0


def test_the_first_visitor_may_follow_a_link(browser: Browser, server: Server) -> None:
    page = browser.new_page()
    page.goto(server.url + "/train?architecture=gru&hidden=32")
    page.wait_for_selector(READY)
    expect(page.get_by_role("heading", level=1)).to_have_text("Train")
    expect(page.get_by_text("Gated recurrent unit (GRU)").first).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.close()


@pytest.fixture
def phone(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 400, "height": 800}, color_scheme="dark", has_touch=True)
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_selector(READY)
    yield page
    context.close()


def test_no_page_is_wider_than_a_phone(phone: Page, server: Server) -> None:
    lessons = ("lessons", "lessons?lesson=what-a-filter-sees", "teachers", "teachers?view=guesses")
    for path in ("", "data", "train", "mistakes", "draw", *lessons):
        phone.goto(f"{server.url}/{path}")
        phone.wait_for_selector(READY)
        phone.get_by_role("heading", level=1).wait_for()
        width = phone.evaluate("() => document.querySelector('[data-testid=stMain]').scrollWidth")
        assert width <= 400, path


def test_a_bad_link_gives_a_notice_and_no_traceback(page: Page, server: Server) -> None:
    for link in (
        "train?run=zzzz",
        "mistakes?run=0123456789ab",
        "draw?run=../../etc/passwd",
        "train?architecture=mlp&lr=99",
    ):
        page.goto(f"{server.url}/{link}")
        page.wait_for_selector(READY)
        page.get_by_role("heading", level=1).wait_for()
        expect(page.get_by_test_id("stException")).to_have_count(0)
        expect(page.get_by_test_id("stAlert").first).to_be_visible()


def test_a_foreign_host_name_is_refused(server: Server) -> None:
    """A page elsewhere that rebinds its name to this machine must not get a word in."""
    import http.client

    port = int(server.url.rsplit(":", 1)[1])
    for host, expected in (("evil.example", 403), (f"localhost:{port}", 101)):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.putrequest("GET", "/_stcore/stream", skip_host=True)
        for name, value in {
            "Host": host, "Origin": f"http://{host}", "Connection": "Upgrade", "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol": "streamlit",
        }.items():  # fmt: skip
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == expected
        connection.close()


@pytest.mark.mnist
@pytest.mark.timeout(600)
def test_the_page_and_the_command_line_give_the_same_figures(browser: Browser, tmp_path: Path) -> None:
    server = start_server(tmp_path / "runs", MNIST_ROOT, tmp_path / "server.log")
    settings = {"dataset": "mnist", "val_fraction": "0", "epochs": "2", "seed": "3", "lr": "0.002", "dropout": "0.1"}
    page = browser.new_page()
    page.goto(f"{server.url}/train?architecture=mlp&" + urlencode(settings))
    page.wait_for_selector(READY)
    press_train(page)
    expect(page.get_by_text(re.compile(r"Finished after 2 epochs"))).to_be_visible(timeout=300_000)
    page.close()
    assert server.stop() == 0

    env = {**os.environ, "DIGIT_LAB_DATA": str(MNIST_ROOT), "DIGIT_LAB_RUNS": str(tmp_path / "runs")}
    flags = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", value)]
    command = [sys.executable, "-m", "core", "train", "--architecture", "mlp", *flags, "--json"]
    subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, timeout=300)
    with sqlite3.connect(tmp_path / "runs" / "runs.sqlite3") as db:
        from_page, from_terminal = (json.loads(row[0]) for row in db.execute("SELECT payload FROM summaries"))
        weights = {row[0] for row in db.execute("SELECT sha256 FROM artefacts WHERE role = 'best'")}
    for figure in ("test_acc", "test_loss", "n_test", "n_params", "step"):
        assert from_page[figure] == from_terminal[figure]
    assert len(weights) == 1  # one file serves both runs: the same weights to the last bit
