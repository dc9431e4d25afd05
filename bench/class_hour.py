"""A class on one server: everybody watches other runs, draws digits and starts trainings of his own, all at the same time.

A CNN trains all the time, and is in every selection. A visitor opens the Train page of a selection, looks at what moves there
once a second, lets the page draw itself anew when a status changes (as a browser does), and every 15 seconds on average does
one of three things: opens another selection, opens Draw and draws a digit that five networks read, or opens the form by a
link and presses Train. An interaction is from what is sent until the page's script has ended. Errors are
pages that show one, answers that are none (429 too) and connections that break. Fairness is Jain's index of the share of each
visitor's trainings that has ended a minute after the class: 1 when all got the same share, 1/n when one got everything.
"""

from __future__ import annotations

import asyncio
import base64
import io
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from PIL import Image

from bench.serving import Server, clicks_line, errors_line, met_words, percentile
from bench.visitor import Visitor
from core.config import run_config
from core.data.strokes import rasterise
from core.runs.rows import Run
from pages.shared.visitor import COOKIE

STORED_RUNS = 100  # from before, to choose from
MOST_RUNS, DRAWING_RUNS = 8, 5  # of a selection, and of those that read a digit
MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 5.0, 25.0  # between two interactions of a visitor
KINDS, WEIGHTS = ("another selection", "drawing", "start"), (5, 4, 1)  # of interactions, and how often each
ALL = "all interactions"
SAMPLE_SECONDS = 1.0  # between two looks at the server's memory
END_SECONDS = 60.0  # for which trainings that still go on at the end are waited for
MAX_INTERACTION_P95_MS, MIN_JAIN = 1_000.0, 0.95
STROKES: Mapping[str, Sequence[Sequence[Sequence[float]]]] = {
    "seven": [[[0, 0], [10, 0], [4, 16]]],
    "one": [[[2, 3], [5, 0], [5, 16]]],
    "four": [[[6, 0], [0, 10], [10, 10]], [[7, 5], [7, 16]]],
}


@dataclass
class Log:
    """interactions: kind -> milliseconds of each · ticks: milliseconds of each look · errors: in words
    memory: (seconds since the beginning, MB of the server) · took: run id -> seconds from the press to the end"""

    interactions: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    ticks: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    took: dict[str, float] = field(default_factory=dict)


def measured(server: Server, dataset: str, n: int, seconds: float) -> Iterator[dict[str, Any]]:
    """One row per kind of interaction, one for the looks, one for errors, memory and fairness."""
    log = Log()
    asyncio.run(_class(server, dataset, n, seconds, log))
    every = [milliseconds for took in log.interactions.values() for milliseconds in took]
    for kind, took in {**log.interactions, ALL: every, "looks": log.ticks}.items():
        if took:
            p95, asked = percentile(took, 0.95), MAX_INTERACTION_P95_MS if kind == ALL else None
            yield {
                "class": kind, "n": len(took), "p50_ms": percentile(took, 0.5), "p95_ms": p95, "max_ms": max(took),
                "asked_p95_ms": asked, "met": None if asked is None else p95 < asked,
            }  # fmt: skip
    yield {"class": "errors", "n": len(log.errors), "first": log.errors[:5], "met": not log.errors}
    late = log.memory[len(log.memory) // 2 :]
    slope = statistics.linear_regression(*zip(*late, strict=True)).slope * 60 if len(late) > 1 else 0.0
    yield {
        "class": "memory",
        "first_mb": log.memory[0][1],
        "last_mb": log.memory[-1][1],
        "mb_per_minute": slope,
        "met": None,
    }
    yield _fairness(server, log)


class Room(NamedTuple):
    """What all visitors share. shown: the run that trains all the time · runs: ended ones to choose from beside it
    readers: that read a drawing"""

    server: Server
    dataset: str
    shown: str
    runs: Sequence[str]
    readers: Sequence[str]
    log: Log

    def selection(self, chance: random.Random) -> str:
        """The query of a page of 1 to 8 runs."""
        return f"run={','.join([self.shown, *chance.sample(self.runs, chance.randrange(MOST_RUNS))])}"


async def _class(server: Server, dataset: str, n: int, seconds: float, log: Log) -> None:
    await (await Visitor.arrive(server.url, "draw", "")).leave()  # with the first visit the shipped runs come
    runs = [run.run_id for run in server.store.runs() if not run.shipped]
    readers = [run.run_id for run in server.store.runs() if run.shipped][:DRAWING_RUNS]
    if len(readers) < DRAWING_RUNS:
        raise RuntimeError(f"only {len(readers)} shipped runs are there to read a drawing")
    shown = server.train(run_config("cnn", {"dataset": dataset, "epochs": 1_000}))
    room, began = Room(server, dataset, shown, runs, readers, log), time.monotonic()
    sampling = asyncio.create_task(_sample(server, began, log))
    await asyncio.gather(*(_visitor(room, number, began + seconds) for number in range(n)))
    sampling.cancel()
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline and len(log.took) < len(_started(server)):
        _note_ends(server, log)
        await asyncio.sleep(SAMPLE_SECONDS)
    server.store.request(shown, "stop")


async def _sample(server: Server, began: float, log: Log) -> None:
    while True:
        log.memory.append((time.monotonic() - began, server.rss()))
        _note_ends(server, log)
        await asyncio.sleep(SAMPLE_SECONDS)


def _note_ends(server: Server, log: Log) -> None:
    """How long each run took that has ended since the last look, to a second."""
    now = datetime.now(UTC)
    for run in _started(server):
        if run.has_ended:
            log.took.setdefault(run.run_id, (now - datetime.fromisoformat(run.created_utc)).total_seconds())


async def _visitor(room: Room, number: int, until: float) -> None:
    """One visitor, from the door to the end; who meets an error opens the page anew, as people do."""
    chance, log = random.Random(number), room.log
    await asyncio.sleep(chance.uniform(0, min(MAX_PAUSE_SECONDS, (until - time.monotonic()) / 4)))
    while time.monotonic() < until:
        visitor = looking = None
        try:
            at = time.perf_counter()
            cookie = f"{COOKIE}={number:032x}"
            visitor = await Visitor.arrive(room.server.url, "train", room.selection(chance), cookie)
            log.interactions["first page"].append((time.perf_counter() - at) * 1000)
            looking = asyncio.create_task(visitor.follow(until - time.monotonic(), log.ticks))
            while time.monotonic() < until:
                await asyncio.sleep(min(chance.uniform(MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS), until - time.monotonic()))
                (kind,) = chance.choices(KINDS, WEIGHTS)
                await _act(room, kind, visitor, number, chance)
                if looking.done():
                    await looking
        except (OSError, RuntimeError, KeyError, StopIteration, TimeoutError, EOFError) as error:
            log.errors.append(f"{type(error).__name__}: {error}"[:200])
        finally:
            if looking:
                looking.cancel()
            if visitor:
                await visitor.leave()


async def _act(room: Room, kind: str, visitor: Visitor, number: int, chance: random.Random) -> None:
    interactions = room.log.interactions
    if kind == "another selection":
        interactions[kind].append(await visitor.open("train", room.selection(chance)))
    elif kind == "drawing":
        interactions["Draw opened"].append(await visitor.open("draw", f"run={','.join(room.readers)}"))
        interactions[kind].append(await visitor.send("draw_pad_0", _drawing(chance)))
    else:
        values = {"architecture": "softmax", "dataset": room.dataset, "n_train": 1_000, "epochs": 2}
        query = urlencode({**values, "seed": _seed(number, chance)})
        interactions["form opened"].append(await visitor.open("train", query))
        interactions[kind].append(await visitor.press("train"))


def _drawing(chance: random.Random) -> dict[str, Any]:
    """What the pad sends after a stroke."""
    stream = io.BytesIO()
    Image.fromarray(rasterise(STROKES[chance.choice(list(STROKES))])).convert("RGBA").save(stream, "PNG")
    url = "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
    return {"drawing": {"raw": {"objects": [{}]}, "data": url}, "backgroundFit": None}


def _seed(number: int, chance: random.Random) -> int:
    """By which a run's visitor is told: its thousands."""
    return 1_000 * (number + 1) + chance.randrange(1_000)


def _started(server: Server) -> list[Run]:
    return [run for run in server.store.runs() if not run.shipped and run.config["training"]["seed"] >= 1_000]


def jain(values: Sequence[float]) -> float:
    """Jain's index of values, none below 0 and not all 0: 1 when all are alike, 1/n when one has everything."""
    return sum(values) ** 2 / (len(values) * sum(value * value for value in values))


def _fairness(server: Server, log: Log) -> dict[str, Any]:
    """Jain's index over the shares of their trainings that have ended; beside it the seconds from the press to the end."""
    runs = _started(server)
    ended: dict[int, list[bool]] = defaultdict(list)
    for run in runs:
        ended[run.config["training"]["seed"] // 1_000].append(run.run_id in log.took)
    shares = [statistics.fmean(own) for own in ended.values()]
    index = jain(shares) if any(shares) else None
    took = list(log.took.values())
    owners = len({owner for run in runs if (owner := getattr(run, "owner", ""))})
    return {
        "class": "fairness", "runs": len(runs), "ended": len(took), "visitors": len(ended),
        "jain": index, "mean_s": statistics.fmean(took) if took else None, "owners": owners, "asked": MIN_JAIN,
        "met": None if index is None else index >= MIN_JAIN,
    }  # fmt: skip


def text(row: Mapping[str, Any]) -> str:
    """A row for people."""
    name = f"{'class, ' + row['class'] + ':':<28}"
    if "p50_ms" in row:
        return clicks_line(name, row)
    if row["class"] == "errors":
        return errors_line(name, row)
    if row["class"] == "memory":
        return (
            f"{name} {row['first_mb']:,.0f} MB at first, {row['last_mb']:,.0f} MB at last, "
            f"{row['mb_per_minute']:+.1f} MB a minute in the second half"
        )
    if row["jain"] is None:
        return f"{name} {row['runs']:,} trainings started, {row['ended']:,} have ended: no index"
    owners = f"owners in the store: {row['owners']}" if row["owners"] else "the store knows no owners"
    return (
        f"{name} {row['ended']:,} of {row['runs']:,} trainings of {row['visitors']} visitors ended after "
        f"{row['mean_s']:.1f} s on average; Jain index {row['jain']:.2f} (asked {row['asked']}), {owners}{met_words(row)}"
    )
