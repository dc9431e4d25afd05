"""A class on one lesson: everybody opens the link, guesses, locks it in and waits for what comes out, and a board counts along.

    python -m bench.lesson_class [--pupils 30] [--lesson same-weights] [--rush] [--quick] [--json]

One server with an empty store, warm. Pupils and the teacher are visitors without a browser (``bench/visitor.py``), each with a
cookie of his own. Pupils come within ten seconds; between two clicks each takes two to eight. A click is from what is sent
until the page's script has ended. The teacher's board draws itself anew every two seconds, as in a browser; "on the board" is
from the end of a pupil's last click until the board has counted it. At the end the board has to say what every pupil sent: as
many guesses, as many for each option, as many right ones; and the runs of the lesson have to be there once, for the class
shares them. --rush: all lock in within the same second. --quick: four pupils in a hurry; says whether it runs, and no more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode

from bench.serving import (
    Server,
    about,
    about_line,
    clicks_line,
    errors_line,
    folder,
    met_words,
    percentile,
    report,
    serving,
)
from bench.visitor import Visitor
from core.errors import InputError
from core.experiments import lessons
from core.experiments.class_board import class_board, class_result, outcomes
from core.experiments.lessons import Lesson
from core.runs.guesses import of_class
from pages.shared.visitor import COOKIE

CLASS, QUICK_PUPILS = "7b", 4
MAX_CLICK_P95_MS = 1_000.0
BOARD_SECONDS = 2.0  # between two drawings of the board, as on the page
PATIENCE_SECONDS = 300.0  # for what comes out
POLL_SECONDS = 0.05
ALL = "all clicks"
REASONS = ("A feeling", "It sees more of the image at once", "")


class Pace(NamedTuple):
    """arrival: seconds within which all come · pause: shortest and longest between two clicks of a pupil"""

    arrival: float
    pause: tuple[float, float]


CLASS_PACE, RUSH_PACE = Pace(10.0, (2.0, 8.0)), Pace(1.0, (0.2, 0.5))


@dataclass
class Log:
    """clicks: kind -> milliseconds of each · locked: number of a pupil -> option, and when · waited: seconds until each reveal
    redrawn: milliseconds of each drawing of a page by itself · board: of the board · counted: when it had how many guesses"""

    clicks: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    locked: dict[int, tuple[str, float]] = field(default_factory=dict)
    waited: list[float] = field(default_factory=list)
    redrawn: list[float] = field(default_factory=list)
    board: list[float] = field(default_factory=list)
    counted: list[tuple[float, int]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


async def _pupil(server: Server, lesson: Lesson, number: int, pace: Pace, log: Log) -> None:
    """One pupil from the link to the reveal."""
    chance = random.Random(number)
    await asyncio.sleep(chance.uniform(0, pace.arrival))
    at, key = time.perf_counter(), f"guess_{lesson.id}"
    query = urlencode({"lesson": lesson.id, "class": CLASS})
    visitor = await Visitor.arrive(server.url, "lessons", query, f"{COOKIE}={number + 1:032x}")
    log.clicks["lesson opened"].append((time.perf_counter() - at) * 1000)
    try:
        option = chance.choice(lesson.guess.options)
        fields: dict[str, str] = {}
        for kind, name, text in (
            ("option chosen", key, option), ("reason typed", f"{key}_reason", chance.choice(REASONS)),
            ("name typed", "lessons_name", f"Pupil {number}" if number % 2 else ""),
        ):  # fmt: skip
            await asyncio.sleep(chance.uniform(*pace.pause))
            fields[name] = text
            if text:
                log.clicks[kind].append(await visitor.fill(fields))
        await asyncio.sleep(chance.uniform(*pace.pause))
        log.clicks["guess locked in"].append(await visitor.fill(fields, press="lock"))
        log.locked[number] = option, time.monotonic()
        following = asyncio.create_task(visitor.follow(PATIENCE_SECONDS, []))
        while not visitor.has("lesson_again"):
            if following.done():
                await following
                raise RuntimeError(f"nothing came out within {PATIENCE_SECONDS:g} s")
            await asyncio.sleep(POLL_SECONDS)
        log.waited.append(time.monotonic() - log.locked[number][1])
        log.redrawn += visitor.redrawn
        following.cancel()
    finally:
        await visitor.leave()


async def _guarded(server: Server, lesson: Lesson, number: int, pace: Pace, log: Log) -> None:
    try:
        await _pupil(server, lesson, number, pace, log)
    except (OSError, RuntimeError, KeyError, StopIteration, TimeoutError, EOFError) as error:
        log.errors.append(f"pupil {number}: {type(error).__name__}: {error}"[:200])


async def _teacher(server: Server, lesson: Lesson, ended: asyncio.Event, log: Log) -> Visitor:
    """The board from before the first guess until all are through; then the result is shown on it."""
    query = urlencode({"view": "guesses", "lesson": lesson.id, "class": CLASS})
    visitor = await Visitor.arrive(server.url, "teachers", query, f"{COOKIE}={10**9:032x}")
    is_last = False
    while not is_last:
        is_last = ended.is_set()
        log.board.append(await visitor.redraw())
        log.counted.append((time.monotonic(), int(visitor.metrics["Guesses"].replace(",", ""))))
        await asyncio.sleep(BOARD_SECONDS)
    log.clicks["result shown"].append(await visitor.press("guesses_show"))
    return visitor


async def _class(server: Server, lesson: Lesson, n: int, pace: Pace, log: Log) -> Visitor:
    await (await Visitor.arrive(server.url, "lessons", "")).leave()
    await asyncio.to_thread(server.rested)
    ended = asyncio.Event()
    board = asyncio.create_task(_teacher(server, lesson, ended, log))
    await asyncio.gather(*(_guarded(server, lesson, number, pace, log) for number in range(n)))
    ended.set()
    return await board


def measured(server: Server, lesson: Lesson, n: int, pace: Pace) -> Iterator[dict[str, Any]]:
    """A row for each kind of click, one for the waiting, one for what drew itself, one for the board."""
    log = Log()
    board = asyncio.run(_class(server, lesson, n, pace, log))
    every = [milliseconds for took in log.clicks.values() for milliseconds in took]
    by_itself = {"pupil's page drew itself": log.redrawn, "board drew itself": log.board}
    for kind, took in {**log.clicks, ALL: every, **by_itself}.items():
        if took:
            limit_ms = MAX_CLICK_P95_MS if kind == ALL else None
            p95 = percentile(took, 0.95)
            yield {
                "part": kind, "n": len(took), "p50_ms": percentile(took, 0.5), "p95_ms": p95, "max_ms": max(took),
                "asked_p95_ms": limit_ms, "met": None if limit_ms is None else p95 < limit_ms,
            }  # fmt: skip
    waits = {
        "locked in until the reveal": log.waited,
        "locked in until on the board": until_counted(log.locked, log.counted),
    }
    for kind, seconds in waits.items():
        if seconds:
            yield {
                "part": kind,
                "n": len(seconds),
                "p50_s": percentile(seconds, 0.5),
                "max_s": max(seconds),
                "met": None,
            }
    yield _board_row(server, lesson, n, log, board)
    yield {"part": "errors", "n": len(log.errors), "first": log.errors[:5], "met": not log.errors}


def until_counted(locked: Mapping[int, tuple[str, float]], counted: Sequence[tuple[float, int]]) -> list[float]:
    """Seconds from the end of each pupil's last click until the board first had as many guesses as were locked in by then.

    counted: (time, guesses on the board), ascending
    """
    ends = sorted(at for _, at in locked.values())
    seconds = []
    for place, at in enumerate(ends, 1):
        seen = next((time_seen for time_seen, n_seen in counted if n_seen >= place and time_seen >= at), None)
        if seen is not None:
            seconds.append(seen - at)
    return seconds


def _board_row(server: Server, lesson: Lesson, n: int, log: Log, board: Visitor) -> dict[str, Any]:
    """Whether the board says what the pupils sent, and whether the class has shared its runs."""
    sent = Counter(option for option, _ in log.locked.values())
    text = "\n".join(board.words).replace("\\", "")
    kept = of_class(server.store, CLASS, lesson.id)
    result = class_result(lesson, kept)
    judged = Counter(outcomes(lesson, class_board(lesson, kept), result) if result else ())
    n_runs = sum(not run.shipped for run in server.store.runs())
    facts = {
        "counts": all(f"“{option}” {sent[option]}" in text for option in lesson.guess.options),
        "guesses": board.metrics["Guesses"] == str(n) == str(len(kept)),
        "revealed": board.metrics["Have seen what came out"] == str(n),
        "judged": all(str(count) in text for count in judged.values()) and "What came out is" in text,
        "shared runs": n_runs == len(lesson.configs()),
    }
    return {
        "part": "board", "n": len(kept), "runs": n_runs, "asked_runs": len(lesson.configs()),
        "wrong": [name for name, is_so in facts.items() if not is_so], "met": all(facts.values()),
    }  # fmt: skip


def text(row: Mapping[str, Any]) -> str:
    """A row for people."""
    name = f"{row['part'] + ':':<30}"
    if "p50_ms" in row:
        return clicks_line(name, row)
    if "p50_s" in row:
        return f"{name} n {row['n']:6,}   p50 {row['p50_s']:.1f} max {row['max_s']:.1f} s"
    if row["part"] == "errors":
        return errors_line(name, row)
    board_words = f", wrong: {', '.join(row['wrong'])}" if row["wrong"] else ", all as the pupils sent it"
    return (
        f"{name} {row['n']:,} guesses, {row['runs']:,} runs (asked {row['asked_runs']:,}){board_words}{met_words(row)}"
    )


def _rows(lesson: Lesson, n: int, pace: Pace) -> Iterator[dict[str, Any]]:
    with folder() as place, serving(place) as server:
        yield from measured(server, lesson, n, pace)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for bad input or when the server does not do its part."""
    parser = argparse.ArgumentParser(prog="python -m bench.lesson_class", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pupils", type=int, default=30, help="default 30")
    parser.add_argument("--lesson", default="same-weights", help="one whose guess is a choice (default same-weights)")
    parser.add_argument("--rush", action="store_true", help="all lock in within a second or two")
    parser.add_argument("--quick", action="store_true", help="four pupils in a hurry, a minute")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    try:
        lesson = lessons.get(options.lesson)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    if options.pupils < 1 or lesson.guess.kind != "choice" or lesson.experiment.kind != "train":
        print(
            "--pupils must be at least 1, and the guess of --lesson a choice between what is trained", file=sys.stderr
        )
        return 2
    n, pace = (
        QUICK_PUPILS if options.quick else options.pupils,
        RUSH_PACE if options.quick or options.rush else CLASS_PACE,
    )
    facts = about("websockets") | {
        "lesson": lesson.id, "pupils": n, "DIGIT_LAB_THREADS": os.environ.get("DIGIT_LAB_THREADS", "not set"),
    }  # fmt: skip
    print(json.dumps({"about": facts}) if options.json else about_line(facts), flush=True)
    return report(_rows(lesson, n, pace), text, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
