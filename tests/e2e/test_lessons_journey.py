"""A learner opens Lessons, guesses, lets it run, sees what came out, follows a link and comes back; and every lesson ends."""

from __future__ import annotations

import contextlib
import math
import re
import time
from pathlib import Path

import pytest
from dashboard import MNIST_ROOT, PATIENCE_MS, ROOT, Server, click_chart, open_page, ready, start_server
from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import TimeoutError as TookTooLong

from core.experiments import lessons
from core.experiments.lessons import Lesson
from core.experiments.stored_results import stored_seconds
from core.machine.processor import PROCESSES

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

LOCKED_MS = 15_000  # until a guess is locked in
RUN_MS = 600_000  # for an experiment, on a computer that does other things as well
CLICKS, TAKEN_MS = 6, 1_000  # tries to click a point, and until the page has heard of one
# Where a value lies on the axes of a guess, in the window.
PLACE = """([x, y]) => {
  const plot = document.querySelector('.st-key-guess .js-plotly-plot'), {xaxis, yaxis} = plot._fullLayout;
  const {left, top, width} = plot.querySelector('.nsewdrag').getBoundingClientRect();
  return [left + (x === null ? width / 2 : xaxis.d2p(x)), top + yaxis.d2p(y)];
}"""


@pytest.fixture(autouse=True)
def _as_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the runs that come with the program, and as many processes as the program itself would take."""
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ROOT / "assets" / "reference_runs"))
    monkeypatch.delenv(PROCESSES)


def test_a_guess_is_locked_in_runs_is_revealed_and_a_link_points_at_a_control(page: Page) -> None:
    trained = [
        lesson for lesson in lessons.lessons().values() if lesson.configs() and any(look.point for look in lesson.looks)
    ]
    lesson = min(trained, key=lambda lesson: stored_seconds(lesson) or math.inf)
    number, look = next((number, look) for number, look in enumerate(lesson.looks) if look.point)
    open_page(page, "Lessons")
    expect(
        page.get_by_role("button", name=f"Begin with “{next(iter(lessons.lessons().values())).title}”")
    ).to_be_visible()
    page.locator(f".st-key-lesson_card_{lesson.id}").get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(lesson.title)
    guess(page, lesson)
    assert "What this does not show" not in page.inner_text("body"), "nothing of the result before the guess"
    page.get_by_label("Why do you think so?").fill("It is only a feeling")
    page.get_by_role("button", name="Lock in my guess").click()  # together with what was typed last
    expect(page.get_by_text("Your reason: It is only a feeling")).to_be_visible()
    expect(reveal(page)).to_be_visible(timeout=RUN_MS)
    expect(page.get_by_text("What this does not show")).to_be_visible()
    address = page.url
    with page.expect_download() as download:
        page.get_by_role("button", name="Lab sheet, to print (HTML)").click()
    assert download.value.suggested_filename == f"lab-sheet-{lesson.id}.html"
    assert "It is only a feeling" in Path(download.value.path()).read_text("utf-8")

    page.get_by_role("link", name=look.label).click()
    pointed = page.locator(".pointed")
    expect(pointed).to_be_visible()
    expect(pointed).to_have_class(re.compile(rf"st-key-{look.point}\b"))
    expect(pointed).to_have_attribute("data-pointer", look.tip)
    expect(page.locator(".st-key-pointer").get_by_text(look.tip)).to_be_visible()
    assert f"{lesson.id}.{number}" not in page.url
    page.get_by_role("link", name=f"Back to the lesson “{lesson.title}”").click()
    expect(reveal(page)).to_be_visible()
    assert page.url == address
    expect(pointed).to_have_count(0)

    page.get_by_role("button", name="All lessons").click()
    expect(page.get_by_text(re.compile(r"^1 of \d+ lessons done"))).to_be_visible()
    expect(page.locator(f".st-key-lesson_card_{lesson.id}").get_by_role("button", name="See it again")).to_be_visible()
    page.reload()
    expect(page.get_by_text(re.compile(r"^1 of \d+ lessons done"))).to_be_visible()


def test_a_band_is_drawn_with_the_mouse_and_a_curve_is_clicked(page: Page, server: Server) -> None:
    band, curve = (
        next(lesson for lesson in lessons.lessons().values() if lesson.guess.kind == kind) for kind in ("band", "curve")
    )
    low, step = band.guess.low, band.guess.step
    assert low is not None
    assert step is not None
    show_axes(page, server, band)
    wanted = [low + 8 * step, low + 20 * step]
    (x, bottom), (_, top) = (page.evaluate(PLACE, [None, value]) for value in wanted)
    page.mouse.move(x, top)
    page.mouse.down()
    page.mouse.move(x + 5, (top + bottom) / 2, steps=5)
    page.mouse.move(x + 9, bottom, steps=5)
    page.mouse.up()
    for field, value in zip(fields(page).all(), wanted, strict=True):
        expect(field).not_to_have_value("")
        assert float(field.input_value()) == pytest.approx(value, abs=step)

    axes = show_axes(page, server, curve)
    for place, contestant in enumerate(curve.contestants):
        points = page.evaluate(
            "place => document.querySelector('.st-key-guess .js-plotly-plot').data[0].customdata"
            ".filter(([number]) => number === place).map(([_, height]) => height)", place
        )  # fmt: skip
        value = points[len(points) // 2 + place]
        assert contestant.x is not None
        for _ in range(CLICKS):  # a click while the chart is being drawn anew meets no point
            click_chart(axes, contestant.x, value)
            page.wait_for_timeout(TAKEN_MS)
            ready(page)
            if fields(page).nth(place).input_value():
                break
        assert float(fields(page).nth(place).input_value()) == pytest.approx(value, rel=0.02)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_every_lesson_runs_to_its_end_and_every_link_leads_to_its_control(browser: Browser, tmp_path: Path) -> None:
    server = start_server(tmp_path / "runs", MNIST_ROOT, tmp_path / "server.log")
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    for lesson in lessons.lessons().values():
        page.goto(f"{server.url}/lessons?lesson={lesson.id}")
        expect(page.get_by_role("heading", level=1)).to_have_text(lesson.title)
        began = lock_in(page, lesson)
        expect(reveal(page)).to_be_visible(timeout=RUN_MS)
        print(f"{lesson.id}: {time.monotonic() - began:.0f} s")
        ready(page)
        assert not alerts(page), lesson.id
        unfilled = re.findall(r"\{[^{}]*\}", page.inner_text("[data-testid=stMain]"))
        assert not unfilled, f"{lesson.id}: {unfilled}"
        for look in lesson.looks:
            page.get_by_role("link", name=look.label, exact=True).click()
            expect(page).to_have_url(re.compile(f"/{look.page}"))
            back = page.get_by_role("link", name="Back to the lesson")
            expect(back).to_be_visible()
            if look.point and look.tip:
                expect(page.locator(f".pointed.st-key-{look.point}")).to_be_visible()
            ready(page)
            assert not alerts(page), f"{lesson.id}, {look.label}"
            back.click()
            expect(reveal(page)).to_be_visible()
            ready(page)
    page.goto(f"{server.url}/lessons")
    expect(page.get_by_text("You have done all of them.")).to_be_visible()
    context.close()
    assert server.stop() == 0, server.log.read_text()
    assert "Traceback" not in server.log.read_text(), server.log.read_text()


def guess(page: Page, lesson: Lesson) -> None:
    """The first option, the middle of what is allowed, or the order as it stands; without the mouse where there are axes."""
    form, asks = page.locator(".st-key-guess"), lesson.guess
    if asks.kind == "choice":
        form.get_by_text(asks.options[0], exact=True).click()
    elif asks.kind == "order":
        for label in lesson.labels[:-1]:
            form.get_by_role("button", name=label, exact=True).click()
            ready(page)
    else:
        assert asks.low is not None
        assert asks.high is not None
        assert asks.step is not None
        middle = asks.low + round((asks.high - asks.low) / 2 / asks.step) * asks.step
        expect(fields(page)).to_have_count({"number": 1, "band": 2, "curve": len(lesson.labels)}[asks.kind])
        for field in fields(page).all():  # as quickly as anybody can: the page hears of them one after another
            field.click()
            page.keyboard.type(f"{middle:g}")


def lock_in(page: Page, lesson: Lesson) -> float:
    """Guess and lock it in; the clock's seconds then. Presses once more, as a visitor does, where the button was pressed before
    the page had heard of the last click."""
    guess(page, lesson)
    for _ in range(2):
        began = time.monotonic()
        page.get_by_role("button", name="Lock in my guess").click()
        with contextlib.suppress(TookTooLong):
            page.locator(".st-key-guess").wait_for(state="detached", timeout=LOCKED_MS)
            return began
    raise AssertionError(f"{lesson.id} does not take the guess: {alerts(page)}")


def fields(page: Page) -> Locator:
    """For the numbers of a guess."""
    return page.locator(".st-key-guess").get_by_role("spinbutton")


def reveal(page: Page) -> Locator:
    """The picture of guess and result; behind it the axes of the guess may stand until the page has been drawn whole."""
    return page.locator(".st-key-reveal .js-plotly-plot").first


def show_axes(page: Page, server: Server, lesson: Lesson) -> Locator:
    """Open a lesson, and bring the axes of its guess into view, which stand still from then on."""
    page.goto(f"{server.url}/lessons?lesson={lesson.id}")
    axes = page.locator(".st-key-guess .js-plotly-plot")
    axes.wait_for()
    ready(page)
    axes.locator(".nsewdrag").first.hover()
    return axes


def alerts(page: Page) -> list[str]:
    """Errors that a page says, and exceptions that it did not expect."""
    return page.locator("[data-testid=stException], [data-testid=stAlertContentError]").all_inner_texts()
