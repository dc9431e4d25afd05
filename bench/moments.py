"""The moments of a visit: what a visitor does in a real browser, and how long until the answer stands there."""

from __future__ import annotations

import json
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from playwright.sync_api import Page

from bench.serving import POLL_SECONDS, Follower, Server
from pages.shared.status import JUDGED, STOPPED

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
SILENT = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

MOMENT_TIMEOUT_MS = 60_000
EPOCHS = 10  # of the training that is watched: longer than any turn, shorter than what asks before it starts
READY = '[data-testid="stApp"][data-test-connection-state="CONNECTED"][data-test-script-state="notRunning"]'
PAD = "canvas.upper-canvas"  # on Draw
STROKES = (
    [(0.5, 0.15), (0.5, 0.85)],
    [(0.3, 0.2), (0.7, 0.2), (0.45, 0.85)],
    [(0.3, 0.3), (0.6, 0.2), (0.3, 0.8), (0.7, 0.8)],
)

# What has to hold in the page, as JavaScript.
ENDED = f"document.querySelector('{READY}')"
HEADING = "(document.querySelector('h1') || {}).textContent"
DRAWN = (  # a skeleton stands where the code of a chart is still being fetched
    "!document.querySelector('[data-testid=stSkeleton]') && "
    "[...document.querySelectorAll('[data-testid=stPlotlyChart], [data-testid=stBidiComponent], .watch-charts > div')]"
    ".every(one => one.querySelector('.main-svg, .watch-said'))"
    # What moves leaves no skeleton while its code is fetched, and Train has curves, if only the shipped ones.
    f" && ({HEADING} !== 'Train' || document.querySelector('.watch-charts .main-svg'))"
)
MAIN = "document.querySelector('[data-testid=stMain]').textContent"
COUNT = r"((document.querySelector('[data-testid=stMain]').textContent.match(/: ([\d,]+) parameters/) || [])[1])"
LINES = "((document.querySelector('.js-plotly-plot') || {}).calcdata || [])"  # of the first chart
ENDS = f"{LINES}.filter(one => typeof (one[one.length - 1] || {{}}).x === 'number').map(one => one[0].trace.name)"

WATCH = """() => { window.moment = new Promise((resolve, reject) => addEventListener('%s', given => {
  const look = () => {
    const took = performance.now() - given.timeStamp;
    if (%s) resolve([performance.timeOrigin + given.timeStamp, took]);
    else if (took > %d) reject(new Error('never happened'));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}, {once: true, capture: true})); window.moment.catch(() => {}); }"""

# Every change of where the first chart's lines end: [wall time in ms, {name: x of its last point}].
RECORD = f"""() => {{ window.chart = []; let before = ''; const look = () => {{
  const ends = {{}};
  for (const one of {LINES}) {{
    const x = (one[one.length - 1] || {{}}).x;
    if (typeof x === 'number') ends[one[0].trace.name] = Math.max(x, ends[one[0].trace.name] ?? -1);
  }}
  const now = JSON.stringify(ends);
  if (now !== before) {{ before = now; window.chart.push([performance.timeOrigin + performance.now(), ends]); }}
  requestAnimationFrame(look);
}}; look(); }}"""

Took = defaultdict[str, list[float]]  # moment -> milliseconds; "page change: A to B" beside the moments asked for


def find_browser() -> str | None:
    """Chromium or Chrome of this system."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), str(MAC) if MAC.exists() else None)


class Moment(NamedTuple):
    """began: wall time of the input, s · took: milliseconds"""

    began: float
    took: float


def moment(page: Page, event: str, condition: str, act: Callable[[], None]) -> Moment:
    """Do something, and time from its event in the browser to the first frame in which the condition holds."""
    page.evaluate(WATCH % (event, condition, MOMENT_TIMEOUT_MS))
    act()
    began, took = page.evaluate("() => window.moment")
    return Moment(began / 1000, took)


def tour(n: int) -> Iterator[int]:
    """A walk from 0 through n pages and back that takes every ordered pair once; what comes after the 0."""

    def walk(here: int) -> Iterator[int]:
        for there in range(here + 1, n):
            yield there
            if there == here + 1:
                yield from walk(there)
            yield here

    return walk(0)


def settle(page: Page) -> None:
    """Wait until the page's script has ended and its charts are drawn."""
    page.wait_for_selector(READY)
    page.locator("h1").first.wait_for()
    page.wait_for_function(f"() => {ENDED} && {DRAWN}")


def open_link(page: Page, server: Server, path: str, **query: object) -> None:
    page.goto(f"{server.url}/{path}?{urlencode(query)}")
    settle(page)


def open_title(page: Page, title: str, also: str = "true") -> Moment:
    """Follow the menu; done when another heading stands there, the script has ended and every chart is drawn."""
    before = json.dumps(page.locator("h1").first.text_content())
    link = page.get_by_role("link", name=title, exact=True).first
    done = f"{HEADING} && {HEADING} !== {before} && {ENDED} && {DRAWN} && ({also})"
    return moment(page, "click", done, link.click)


def titles(page: Page) -> list[str]:
    """The main pages as the menu names them, Home first."""
    links = page.get_by_test_id("stSidebarNavLink").all_inner_texts()
    return [text.strip().splitlines()[-1] for text in links]


def press_train(page: Page, server: Server, dataset: str, seed: int, took: Took) -> str:
    """Open the form for a CNN and press Train; done at the first point of a line that was not there before."""
    open_link(page, server, "train", architecture="cnn", dataset=dataset, epochs=EPOCHS, seed=seed)
    shown = json.dumps(page.evaluate(f"() => {ENDS}"))
    condition = f"{ENDS}.some(name => !{shown}.includes(name))"
    with Follower(server.store) as follower:
        pressed = moment(page, "click", condition, page.locator(".st-key-train button").click)
    committed = follower.first("progress").committed
    took["Train to first point"].append(pressed.took)
    took["Train to first point in the store"].append((committed - pressed.began) * 1000)
    return follower.run_id


def press_stop(page: Page, server: Server, run_id: str, took: Took) -> None:
    """Press Stop; done when the page says that the run has stopped and its weights are kept, and again when it is judged."""
    says = " + ".join(f"{MAIN}.split({json.dumps(words)}).length" for words in (STOPPED, JUDGED))
    done = f"({says}) > {page.evaluate(f'() => {says}')}"
    with Follower(server.store, run_id) as follower:
        while not server.store.run(run_id).epoch:  # it learns by now, and does no longer judge the untrained network
            time.sleep(POLL_SECONDS)
        pressed = moment(page, "click", done, page.get_by_role("button", name="Stop", exact=True).first.click)
        if not server.store.snapshot(run_id)[1]:
            raise RuntimeError(f"run {run_id[:12]} was stopped, but has no weights")
        run = server.ended(run_id)
    if run.status != "stopped" or "test_acc" not in run.summary:
        raise RuntimeError(f"{run.name} was stopped, but is {run.status}")
    committed = follower.first("stopped").committed
    took["Stop to stopped"].append(pressed.took)
    took["Stop to judged in the store"].append((committed - pressed.began) * 1000)


def watch_chart(page: Page, server: Server, run_id: str, seconds: float) -> list[float]:
    """For every point that arises in this time: milliseconds from its event to the frame in which the line reaches it."""
    name = server.store.run(run_id).name
    page.evaluate(RECORD)
    with Follower(server.store, run_id) as follower:
        page.wait_for_timeout(seconds * 1000)
    events = [one for one in follower.seen if one.kind in ("progress", "epoch")]
    if not events:
        raise RuntimeError("the training told nothing while the chart was watched")
    page.wait_for_function(
        f"() => window.chart.length && window.chart.at(-1)[1][{json.dumps(name)}] >= {events[-1].epoch}"
    )
    frames = [(at / 1000, ends[name]) for at, ends in page.evaluate("() => window.chart") if name in ends]
    return [
        (next(at for at, end in frames if end >= one.epoch - 1e-9) - one.arose) * 1000
        for one in events
        if frames[0][1] < one.epoch  # what stood there before the first frame was not seen arriving
    ]


def move_slider(page: Page, took: Took, repeats: int) -> None:
    """One step to the right on a slider of the recommended network; done when another number of weights stands there."""
    thumb = page.locator(".st-key-train_compact_width").get_by_role("slider")
    for _ in range(repeats):
        before = json.dumps(page.evaluate(f"() => {COUNT}"))
        change: Callable[[], None] = lambda: thumb.press("ArrowRight")  # noqa: E731
        took["slider to parameter count"].append(
            moment(page, "keydown", f"{COUNT} && {COUNT} !== {before}", change).took
        )
        settle(page)


def walk(page: Page, took: Took, every_pair: bool) -> None:
    """From page to page by the menu."""
    names = titles(page)
    places = list(tour(len(names))) if every_pair else [*range(1, len(names)), 0]
    here = 0
    for there in places:
        change = open_title(page, names[there]).took
        took["page change"].append(change)
        took[f"page change: {names[here]} to {names[there]}"].append(change)
        here = there


def stroke(page: Page, points: Sequence[tuple[float, float]], canvas: str = PAD) -> None:
    """Draw a line on the pad with the mouse; points are fractions of the pad, canvas is where its selector finds it."""
    pad = page.locator(canvas)
    pad.wait_for()
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    if box is None:
        raise RuntimeError(f"there is nothing to draw on at {canvas}")
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()


def draw(page: Page, took: Took, repeats: int) -> None:
    """Strokes on an empty pad; done when five digits and their bars stand there and the script has ended."""
    values = "document.querySelectorAll('[data-testid=stMetricValue]').length"
    for number in range(repeats):
        points = STROKES[number % len(STROKES)]
        bars = "document.querySelectorAll('[data-testid=stHtml] [role=img]').length >= 5"
        answered = moment(page, "mouseup", f"{values} === 5 && {bars} && {ENDED}", partial(stroke, page, points))
        took["stroke to five answers"].append(answered.took)
        page.locator(".st-key-draw_pad_clear button").click()
        page.wait_for_function(f"() => {values} === 0 && {ENDED}")


def open_often(
    page: Page, server: Server, path: str, title: str, runs: Sequence[str], also: str, into: list[float], repeats: int
) -> None:
    """Choose runs by a link, then leave the page and come back by the menu, where the choice is remembered."""
    open_link(page, server, path, run=",".join(runs))
    for _ in range(repeats):
        open_title(page, "Home")
        into.append(open_title(page, title, also).took)
