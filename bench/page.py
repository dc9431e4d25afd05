"""How long a visitor waits for the page, measured in a real browser while a CNN trains in the same server.

    python -m bench.page [--rounds 5] [--quick] [--json]

Needs Chromium or Chrome and ``pip install -r requirements-dev.txt``. Each round starts a server of its own and takes every
moment in turn, so that a slow minute of the machine meets all of them. Clicks, keys and strokes are real input; the clock is
the browser's own: from the time stamp of the input event to the first frame (60 a second) in which the answer stands in the
page. "Event to chart" compares two processes of one machine: when a point's event arose (its commit as seen in the store by
this process within 0.02 s, less what the run computed since) and the first frame in which the chart's line reaches it.
A moment that also needs the page's script says so only after that has ended. The first use in each round counts like any
other. --quick: one round on the embedded digits, not every pair of pages; says whether it runs, and no more.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as BrowserError

from bench.moments import (
    MOMENT_TIMEOUT_MS,
    SILENT,
    Took,
    draw,
    find_browser,
    move_slider,
    open_link,
    open_often,
    press_stop,
    press_train,
    settle,
    titles,
    walk,
    watch_chart,
)
from bench.serving import Server, about, about_line, best_dataset, folder, percentile, serving
from core.config import run_config

# Moment -> p50 and p95 asked for, in milliseconds; None where nothing was asked.
TARGETS_MS: Mapping[str, tuple[float, float] | None] = {
    "server start to first page": (4_000, 6_000),
    "page change": (300, 700),
    "slider to parameter count": (150, 400),
    "Train to first point": (700, 1_500),
    "Train to first point in the store": None,
    "event to chart": (1_000, 1_600),
    "Stop to stopped": (500, 1_000),
    "Stop to judged in the store": None,
    "stroke to five answers": (450, 700),
    "Mistakes opened": (500, 1_000),
    "Compare of ten opened": (500, 1_000),
}
COMPARED = ("softmax", "mlp", "cnn", "lenet", "compact")  # five that answer a stroke; twice over, ten to compare


class Effort(NamedTuple):
    """How often each moment is taken in a round, for how many seconds the chart is watched, and from how many images the
    runs that are looked at learned."""

    repeats: int
    watched: float
    every_pair: bool
    n_train: int


def some_runs(server: Server, dataset: str, n_train: int) -> list[str]:
    """Ten short runs to look at; made once and kept with the store."""
    runs = [run for run in server.store.runs() if run.name.startswith("bench ")]
    if not runs:
        small = {"dataset": dataset, "n_train": n_train, "epochs": 1}
        for seed, name in itertools.product((0, 1), COMPARED):
            server.store.create(run_config(name, small | {"seed": seed}), name=f"bench {name} {seed}")
    ids = [run.run_id for run in server.store.runs() if run.name.startswith("bench ")]
    for run_id in ids:
        server.ended(run_id)
    return ids


def one_round(browser: Browser, place: Path, turn: int, effort: Effort, dataset: str, took: Took) -> None:
    """Every moment, on a server and in a browser session of their own."""
    began = time.perf_counter()
    with serving(place) as server:
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(MOMENT_TIMEOUT_MS)
        page.goto(server.url)
        settle(page)
        took["server start to first page"].append((time.perf_counter() - began) * 1000)
        looked_at = some_runs(server, dataset, effort.n_train)

        for again in range(effort.repeats):  # the last one stays and trains while all else is measured
            run_id = press_train(page, server, dataset, 10 * turn + again, took)
            if again == 0:
                took["event to chart"] += watch_chart(page, server, run_id, effort.watched)
            if again < effort.repeats - 1:
                press_stop(page, server, run_id, took)
        open_link(page, server, "train", architecture="compact", dataset=dataset)
        move_slider(page, took, effort.repeats + 1)
        open_link(page, server, "")
        walk(page, took, effort.every_pair)
        open_link(page, server, "draw", run=",".join(looked_at[: len(COMPARED)]))
        draw(page, took, effort.repeats + 1)
        images = (
            "[...document.querySelectorAll('img[alt^=\"Images: \"]')].some(one => one.complete && one.naturalWidth)"
        )
        open_often(page, server, "mistakes", "Mistakes", looked_at[:1], images, took["Mistakes opened"], effort.repeats)
        if "Compare" in titles(page):
            open_often(
                page, server, "compare", "Compare", looked_at, "true", took["Compare of ten opened"], effort.repeats
            )
        open_link(page, server, "train", run=run_id)
        press_stop(page, server, run_id, took)
        page.context.close()


def rows(took: Mapping[str, Sequence[float]]) -> Iterator[dict[str, Any]]:
    """One row per moment asked for, then one per pair of pages; "met" is None where nothing was asked or measured."""
    for name in [*TARGETS_MS, *sorted(took.keys() - TARGETS_MS.keys())]:
        values, target = took.get(name, ()), TARGETS_MS.get(name)
        p50, p95 = (percentile(values, share) if values else None for share in (0.5, 0.95))
        met = None if target is None or p50 is None or p95 is None else p50 <= target[0] and p95 <= target[1]
        yield {
            "moment": name, "n": len(values), "p50_ms": p50, "p95_ms": p95, "asked_p50_ms": target and target[0],
            "asked_p95_ms": target and target[1], "met": met,
        }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for bad input, without a browser, or when something asked for never happens."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="default 5")
    parser.add_argument("--quick", action="store_true", help="one round, under 50 s")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    browser_path = find_browser()
    if options.rounds < 1 or browser_path is None:
        print(
            "--rounds must be at least 1" if options.rounds < 1 else "no Chromium or Chrome on this machine",
            file=sys.stderr,
        )
        return 2
    dataset = "digits" if options.quick else best_dataset()
    effort = Effort(1, 3.0, False, 200) if options.quick else Effort(3, 12.0, True, 1_000)
    took: Took = defaultdict(list)
    try:
        with folder() as place, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=list(SILENT))
            facts = about("playwright") | {"browser": browser.version, "dataset": dataset}
            print(json.dumps({"about": facts}) if options.json else about_line(facts), flush=True)
            for turn in range(1 if options.quick else options.rounds):
                one_round(browser, place, turn, effort, dataset, took)
            browser.close()
    except (RuntimeError, BrowserError) as error:
        print(re.sub(r"\s+", " ", str(error)), file=sys.stderr)
        return 2
    finally:
        for row in rows(took):
            print(json.dumps(row) if options.json else _text(row), flush=True)
    return 0


def _text(row: Mapping[str, Any]) -> str:
    if not row["n"]:
        return f"{row['moment']:<42} not measured"
    target = f"   asked {row['asked_p50_ms']:5,.0f} {row['asked_p95_ms']:6,.0f}" if row["asked_p50_ms"] else ""
    met = {None: "", True: "   met", False: "   not met"}[row["met"]]
    return (
        f"{row['moment']:<42} n {row['n']:4}   p50 {row['p50_ms']:7,.0f} ms   p95 {row['p95_ms']:7,.0f} ms{target}{met}"
    )


if __name__ == "__main__":
    sys.exit(main())
