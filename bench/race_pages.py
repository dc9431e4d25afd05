"""What a race costs those who look at pages meanwhile, and what it holds in memory: in the server's thread, and in processes.

    python -m bench.race --pages [--quick] [--json]

Two real servers take turns, one with DIGIT_LAB_PROCESSES=1 and one as it comes. In each a browser first presses Train for a CNN
eight times, alone on the machine, until the first point stands in the chart. Then twelve MLPs train, which outlast the
measurement, and the browser walks from page to page by the menu. p50 and p95 as in ``bench/page.py``. Memory is read at the end
of the walk, of the server and of each of its children: RSS, and PSS, in which shared pages are shared out (Linux).
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as BrowserError

from bench.moments import (
    MOMENT_TIMEOUT_MS,
    SILENT,
    Took,
    find_browser,
    open_link,
    press_stop,
    press_train,
    settle,
    walk,
)
from bench.serving import (
    POLL_SECONDS,
    RUN_SECONDS,
    Server,
    about,
    about_line,
    best_dataset,
    children_of,
    folder,
    memory,
    percentile,
    report,
    serving,
)
from core.config import run_config
from core.machine.processor import PROCESSES
from core.runs.groups import create_runs

WAYS: Mapping[str, Mapping[str, str]] = {"thread": {PROCESSES: "1"}, "processes": {}}
RACERS, N_TRAIN, EPOCHS = 12, 10_000, 1_000  # more epochs than the walk lasts
MOMENTS = ("Train to first point", "page change")
ASKED_P50_MS = {"Train to first point": 700}


class Effort(NamedTuple):
    """presses of Train, and walks through all pages"""

    presses: int
    walks: int


def one_way(browser: Browser, place: Path, environment: Mapping[str, str], effort: Effort, took: Took) -> list[Any]:
    """Both moments on a server of its own; returns the memory of the server and then of each child, [] where unknown."""
    dataset = best_dataset()
    with serving(place, **environment) as server:
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(MOMENT_TIMEOUT_MS)
        page.goto(server.url)
        settle(page)
        server.rested()  # beside its start, a CNN is timed as so slow that Train asks before it begins
        for seed in range(effort.presses):
            run_id = press_train(page, server, dataset, seed, took)
            press_stop(page, server, run_id, took)
        begin_race(server, dataset, in_processes=not environment)
        open_link(page, server, "")
        for _ in range(effort.walks):
            walk(page, took, every_pair=False)
        held = [memory(pid) for pid in (server.process.pid, *children_of(server.process.pid))]
        page.context.close()
    return [each for each in held if each is not None]


def begin_race(server: Server, dataset: str, *, in_processes: bool) -> None:
    """Queue it, and wait until two train; where there are cores for processes, in these. Raises RuntimeError when not."""
    settings = {"dataset": dataset, "n_train": N_TRAIN, "epochs": EPOCHS}
    run_ids = create_runs(server.store, [run_config("mlp", settings | {"seed": seed}) for seed in range(RACERS)])
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        learning = sum((run.epoch or 0) > 0 for run in server.store.runs(run_ids=run_ids))
        if learning >= 2 and bool(children_of(server.process.pid)) >= in_processes:
            return
        time.sleep(POLL_SECONDS)
    raise RuntimeError(f"the race does not train as asked for: {learning} of its runs learn\n{server.tail()}")


def rows(took: Mapping[str, Took], held: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Per way a row for each moment, and one for memory; at the end how the pages' p95 compares."""
    for way in took:
        for moment in MOMENTS:
            values, asked = took[way][moment], ASKED_P50_MS.get(moment)
            p50, p95 = percentile(values, 0.5), percentile(values, 0.95)
            yield {
                "way": way, "moment": moment, "n": len(values), "p50_ms": p50, "p95_ms": p95, "asked_p50_ms": asked,
                "met": None if asked is None else p50 <= asked,
            }  # fmt: skip
        server, *children = held[way] or [None]
        yield {"way": way, "server": server, "children": children}
    of_thread, of_processes = (percentile(took[way]["page change"], 0.95) for way in WAYS)
    yield {
        "page_change_p95_of_thread": of_processes / of_thread,
        "asked_at_most": 1.0,
        "met": of_processes <= of_thread,
    }


def main(*, quick: bool, as_json: bool) -> int:
    """Exit code 0, or 2 without a browser, or when something never happens."""
    browser_path = find_browser()
    if browser_path is None:
        print("no Chromium or Chrome on this machine", file=sys.stderr)
        return 2
    effort = Effort(1, 1) if quick else Effort(8, 4)
    took: dict[str, Took] = {}
    held: dict[str, list[Any]] = {}
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=list(SILENT))
            facts = about("playwright") | {"browser": browser.version, "dataset": best_dataset()}
            print(json.dumps({"about": facts}) if as_json else about_line(facts), flush=True)
            for way, environment in WAYS.items():
                took[way] = defaultdict(list)
                with folder() as place:
                    held[way] = one_way(browser, place, environment, effort, took[way])
            browser.close()
    except (RuntimeError, BrowserError) as error:
        print(re.sub(r"\s+", " ", str(error)), file=sys.stderr)
        return 2
    return report(rows(took, held), _text, as_json=as_json)


def _text(row: Mapping[str, Any]) -> str:
    met = {None: "", True: "   met", False: "   not met"}[row.get("met")]
    if "moment" in row:
        asked = f"   asked p50 {row['asked_p50_ms']:,}" if row["asked_p50_ms"] else ""
        figures = f"n {row['n']:3}   p50 {row['p50_ms']:6,.0f} ms   p95 {row['p95_ms']:6,.0f} ms"
        return f"{row['way']:<10} {row['moment']:<22} {figures}{asked}{met}"
    if "server" in row:
        all_held = [held for held in (row["server"], *row["children"]) if held]
        each = ", ".join(f"{held['rss_mb']:,.0f} ({held['pss_mb']:,.0f})" for held in all_held)
        together = sum(held["pss_mb"] for held in all_held)
        return f"{row['way']:<10} memory, RSS (PSS) in MB: {each or 'unknown'}; together {together:,.0f}"
    ratio = row["page_change_p95_of_thread"]
    return f"p95 of a page change in processes: {ratio:.2f} of that in the thread, asked at most {row['asked_at_most']:g}{met}"
