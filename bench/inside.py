"""What it takes to look inside networks: the first picture, a t-SNE beside other visitors, weights kept.

    python -m bench.inside [first] [tsne] [kept] [--rounds 10] [--quick] [--json]

Without a name all three. Needs Chromium or Chrome and ``pip install -r requirements-dev.txt``; the clock is the browser's own.
first: the page opened by its address in a browser that was never here, of a shipped run (whose first picture needs no torch)
and of own runs of an MLP and a CNN, in turn: from the beginning of the navigation until the answer and the picture of the
first layer are on screen, and until the page is complete. Most of it is Streamlit's own code, 3.2 MB that such a browser has
to fetch and read: "here before" has them already, and "from Home" is a click of a visitor who is here. "cold": the very first
visitor of a server.
tsne: page changes of one visitor, in turn without and with a t-SNE of 2,000 images that another one has started; only changes
during which it ran to their end count.
kept: seconds of a training that keeps no weights on its way, a few, or all that it can, in turn, and the bytes kept.
--quick: one round; says whether it runs, and no more than that.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

from bench.moments import MOMENT_TIMEOUT_MS, READY, SILENT, find_browser, open_title, settle, titles
from bench.serving import Server, about, about_line, best_dataset, folder, percentile, serving
from core import data
from core.config import run_config
from core.runs import snapshots
from core.runs.store import Store
from core.runs.worker import drive

PARTS = ("first", "tsne", "kept")
FROM_HOME, HERE_BEFORE = "shipped, from Home", "shipped, here before"
MAX_P95_MS = {
    "shipped": 1_000,
    HERE_BEFORE: 1_000,
    FROM_HOME: 1_000,
    "mlp": 2_000,
    "cnn": 2_000,
}  # of the first picture on a warm server
TSNE_MINUTES = 2
KEPT_EPOCHS = 20
WAYS = ("none", "few", "early")
Took = dict[str, list[float]]

# Notes, from the beginning of the navigation in ms, when the first picture is there and when the page is complete.
STOPWATCH = f"""() => {{ window.paint = {{}}; const look = () => {{
  const pictures = [...document.querySelectorAll('[data-testid=stMain] img')].filter(one => one.complete && one.naturalWidth);
  const answered = document.querySelector('[data-testid=stMetricValue]');
  if (answered && pictures.length > 1) {{ window.paint.first ??= performance.now();
    if (document.querySelector('{READY}')) {{ window.paint.complete = performance.now(); return; }} }}
  requestAnimationFrame(look);
}}; requestAnimationFrame(look); }}"""


def new_page(browser: Browser) -> Page:
    """Of a browser that was never here."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(MOMENT_TIMEOUT_MS)
    return page


def open_inside(browser: Browser, server: Server, query: str, name: str, took: Took) -> None:
    """Open the page by its address; times go to ``took`` under the name."""
    page = new_page(browser)
    page.add_init_script(f"({STOPWATCH})()")
    go_inside(page, server, query, name, took)
    page.context.close()


def go_inside(page: Page, server: Server, query: str, name: str, took: Took) -> None:
    """The same in a browser that is open already, with the stopwatch in it."""
    page.goto(f"{server.url}/inside{query}", wait_until="commit")
    page.wait_for_function("() => window.paint && window.paint.complete")
    paint = page.evaluate("() => window.paint")
    took[f"{name}: first picture"].append(paint["first"])
    took[f"{name}: complete"].append(paint["complete"])


def first(browser: Browser, place: Path, n_rounds: int) -> Iterator[dict[str, Any]]:
    """Rows of the first picture."""
    took: Took = defaultdict(list)
    for _ in range(n_rounds // 5):
        with serving(place) as server:
            open_inside(browser, server, "", "shipped, cold", took)
    with serving(place) as server:
        open_inside(browser, server, "", "shipped, cold", took)  # the worker begins with the first visitor, too
        own = {name: server.train(run_config(name, {"dataset": "digits", "epochs": 2})) for name in ("mlp", "cnn")}
        for run_id in own.values():
            server.ended(run_id)
        shipped = next(run.run_id for run in server.store.runs() if run.shipped and run.architecture == "cnn")
        queries = {"shipped": shipped, **own}
        for turn in range(n_rounds + 1):
            for name, run_id in queries.items():
                kind = name if turn else f"{name}, first visit"
                open_inside(browser, server, f"?run={run_id}", kind, took)
        page = new_page(browser)
        page.add_init_script(f"({STOPWATCH})()")
        page.goto(f"{server.url}/inside?run={shipped}")
        settle(page)
        for _ in range(n_rounds):  # by the address, in a browser that was here before
            go_inside(page, server, f"?run={shipped}", HERE_BEFORE, took)
        for _ in range(n_rounds):  # a visitor who is here already
            open_title(page, "Home")
            took[f"{FROM_HOME}: complete"].append(open_title(page, "Inside").took)
    for name, values in took.items():
        kind, _, moment = name.partition(": ")
        asked = MAX_P95_MS.get(kind) if moment == "first picture" or kind == FROM_HOME else None
        yield row("first", name, values, asked)


def row(part: str, name: str, values: Sequence[float], asked_p95_ms: float | None = None) -> dict[str, Any]:
    """p50 and p95 of milliseconds; "met" is None where nothing was asked or measured."""
    p50, p95 = (percentile(values, share) if values else None for share in (0.5, 0.95))
    met = None if asked_p95_ms is None or p95 is None else p95 <= asked_p95_ms
    return {
        "part": part, "what": name, "n": len(values), "p50_ms": p50, "p95_ms": p95, "asked_p95_ms": asked_p95_ms, "met": met,
    }  # fmt: skip


def tsne(browser: Browser, place: Path, n_rounds: int) -> Iterator[dict[str, Any]]:
    """Rows of page changes without and beside a t-SNE, and of how long one takes beside them."""
    took: Took = defaultdict(list)
    with serving(place) as server:
        walker, asker = new_page(browser), new_page(browser)
        walker.goto(server.url)
        settle(walker)
        names = titles(walker)
        shipped = [
            run.run_id
            for run in server.store.runs()
            if run.shipped and not run.patient and run.config["data"]["dataset"] == best_dataset()
        ]
        walk(walker, names, [])  # the first time loads what each page needs
        for run_id in shipped[:n_rounds]:  # each map is made once
            walk(walker, names, took["page change, without"])
            asker.goto(f"{server.url}/inside?view=map&by=tsne&run={run_id}")
            start = asker.locator(".st-key-inside_map_start button").first
            start.wait_for()
            settle(asker)
            start.click()
            began = time.monotonic()
            while start.count():
                time.sleep(0.05)
            stop = asker.locator(".st-key-inside_map_stop button").first
            while stop.count() and time.monotonic() - began < 60 * TSNE_MINUTES:
                beside: list[float] = []
                walk(walker, names, beside, stop)
                took["page change, with"] += beside
            took["t-SNE beside them"].append(1000 * (time.monotonic() - began))
    yield from (row("tsne", name, values) for name, values in took.items())


def walk(page: Page, names: Sequence[str], into: list[float], sign: Locator | None = None) -> None:
    """Page by page through the menu and back to Home. sign: only changes at whose end it is still there count"""
    for name in [*names[1:], names[0]]:
        change = open_title(page, name).took
        if sign is not None and not sign.count():
            return
        into.append(change)


def kept(browser: Browser, place: Path, n_rounds: int) -> Iterator[dict[str, Any]]:
    """Rows of what keeping weights costs, for three sizes of networks."""
    store = Store(place / "kept")
    first_run = run_config("softmax", {"dataset": "digits", "epochs": 1})
    drive(store, store.create(first_run, request="pause"), load_dataset=data.load)  # loads what all others find there
    for name in ("softmax", "mlp", "cnn"):
        seconds: Took = defaultdict(list)
        moments: dict[str, tuple[int, int]] = {}
        for turn in range(n_rounds):
            for way in (WAYS, WAYS[::-1])[turn % 2]:
                values = {"dataset": "digits", "batch_size": 32, "epochs": KEPT_EPOCHS, "snapshots": way}
                run_id = store.create(run_config(name, values), request="pause")
                began = time.perf_counter()
                drive(store, run_id, load_dataset=data.load)
                seconds[way].append(time.perf_counter() - began)
                entries = snapshots.kept(store, run_id)
                moments[way] = len(entries), sum(entry.bytes for entry in entries)
        for way in WAYS:
            more = [there - without for there, without in zip(seconds[way], seconds["none"], strict=True)]
            yield {
                "part": "kept", "what": f"{name}, {way}", "n": n_rounds, "seconds": statistics.median(seconds[way]),
                "more_seconds": statistics.median(more), "moments": moments[way][0], "bytes": moments[way][1],
            }  # fmt: skip
    store.close()


def text(row: dict[str, Any]) -> str:
    """A row for people."""
    met = {None: "", True: "   met", False: "   not met"}[row.get("met")]
    head = f"{row['what']:<60} n {row['n']:3}"
    if "p50_ms" in row:
        if not row["n"]:
            return f"{head}   not measured"
        asked = f"   asked {row['asked_p95_ms']:,}" if row["asked_p95_ms"] else ""
        return f"{head}   p50 {row['p50_ms']:7,.0f} ms   p95 {row['p95_ms']:7,.0f} ms{asked}{met}"
    return (
        f"{head}   {row['seconds']:6.2f} s, {row['more_seconds']:+.2f} s more than without   {row['moments']} moments, "
        f"{row['bytes'] / 1e6:.2f} MB"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for bad input, without a browser, or when something asked for never happens."""
    parser = argparse.ArgumentParser(prog="python -m bench.inside", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; default all")
    parser.add_argument("--rounds", type=int, default=10, help="default 10")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    browser_path, unknown = find_browser(), set(options.parts).difference(PARTS)
    if unknown or options.rounds < 1 or browser_path is None:
        print(
            f"no part {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}" if unknown
            else "no Chromium or Chrome on this machine" if browser_path is None
            else "--rounds must be at least 1", file=sys.stderr,
        )  # fmt: skip
        return 2
    n_rounds = 1 if options.quick else options.rounds
    runners = {"first": first, "tsne": tsne, "kept": kept}
    try:
        with folder() as place, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=list(SILENT))
            facts = about("playwright") | {"browser": browser.version, "dataset": best_dataset()}
            print(json.dumps({"about": facts}) if options.json else about_line(facts), flush=True)
            for part in options.parts or PARTS:
                for entry in runners[part](browser, place, n_rounds):
                    print(json.dumps(entry) if options.json else text(entry), flush=True)
            browser.close()
    except (RuntimeError, BrowserError) as error:
        print(re.sub(r"\s+", " ", str(error)), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
