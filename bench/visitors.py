"""What visitors cost: those who watch one run, those who watch fifty different selections, clients without manners, a class.

    python -m bench.visitors [one-run] [selections] [clients] [class] [--seconds 20] [--rounds 3] [--class-seconds 300]
                             [--quick] [--json]

Without a name all four, each in a real server of its own. A visitor (``bench/visitor.py``) opens the Train page of his runs by
Streamlit's own protocol, keeps that connection, and then looks once a second as the page's moving part does; a tick is from
asking until all of the answer is here.
one-run: a CNN trains and N visitors watch it. In every round each number of visitors has its turn, beside "alone" (nobody
connected, the run trains) and the bare engine (the same training in a process of its own without store and server, while the
server's run pauses), in an order that rotates. Images per second are counted over wall time between events of the store.
selections: the same with a thousand runs in the store, and fifty visitors each of whom watches the run that trains and up to
seven others, no two the same ones; in turn with "alone".
clients: the same with four of them who ask for the next answer as soon as the last is here; in turn with "alone" and 1 visitor.
class: ``bench/class_hour.py``.
Visitors and training share the machine, as the load generator does; its own share of a core is printed beside. --growth: N
short trainings one after the other, and the server's memory after each. --quick: few visitors, short turns, one round, about
a minute; says whether it runs, and no more than that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bench import class_hour
from bench.serving import Follower, Server, about, about_line, best_dataset, folder, percentile, report, serving
from bench.stored import fill
from bench.visitor import Visitor
from core.config import RunConfig, run_config

PARTS = ("one-run", "selections", "clients", "class")
ENGINE, ALONE = "engine", 0  # the turns without visitors
DIFFERENT = "different"  # the turn of visitors with different selections
HASTY, HASTY_CLIENTS = "hasty", 4  # the turn of clients who ask without a pause, and how many they are
MOST_RUNS = 8  # of a selection
MIN_SHARE_OF_ALONE: Mapping[int | str, float] = {
    1: 0.95,
    20: 0.85,
    50: 0.80,
    DIFFERENT: 0.90,
    HASTY: 0.90,
}  # visitors -> share of the training speed that stays
MAX_TICK_P95_MS: Mapping[int | str, float] = {50: 200.0, DIFFERENT: 200.0}  # visitors -> p95 of a tick, ms
MAX_TRAINING_MB, GROWTH_MB = 900.0, 0.2  # above idle; per run: less is the wobble of any allocator
SETTLE_SECONDS = 1.0
Turn = str | int


class Took(NamedTuple):
    """One turn: images_per_s of training · ticks in ms · rss of the server in MB, and before the visitors came · own share of
    a core that the load generator took · visitors who came · refused: looks that came too often"""

    images_per_s: float
    ticks: list[float]
    rss: float
    rss_before: float
    own: float
    visitors: int = 0
    refused: int = 0


class Effort(NamedTuple):
    """seconds of a turn · rounds · visitors with different selections, and runs in the store for them"""

    seconds: float
    rounds: int
    different: int = 50
    stored: int = 1_000


def config(dataset: str, **values: Any) -> RunConfig:
    """The CNN that trains; nothing held out, so that its speed is the same in every second of an epoch."""
    return run_config("cnn", {"dataset": dataset, "val_fraction": 0.0, "epochs": 1_000, **values})


def engine(dataset: str, seconds: float) -> dict[str, float]:
    """Images per second of the same training where somebody only takes its events, and its threads."""
    from core import data
    from core.engine.events import EpochEnd, Progress, Started
    from core.engine.seeds import WithOwnRng
    from core.engine.train import train
    from core.machine.threads import use_training_threads

    threads, n_train, marks = use_training_threads(), 0, list[tuple[float, float]]()
    wanted = config(dataset)
    for event in WithOwnRng(train(wanted, data.load(wanted.data.dataset))):
        if isinstance(event, Started):
            n_train = event.n_train
        if isinstance(event, (Progress, EpochEnd)):
            marks.append((time.perf_counter(), event.epoch))
        if len(marks) > 2 and marks[-1][0] - marks[1][0] >= seconds:  # the first is that of the untrained network
            break
    (began, first), (ended, last) = marks[1], marks[-1]
    return {"images_per_s": (last - first) * n_train / (ended - began), "threads": threads}


def engine_elsewhere(dataset: str, seconds: float) -> dict[str, float]:
    """The same in a fresh process. Raises RuntimeError when it fails."""
    code = f"import json; from bench.visitors import engine; print(json.dumps(engine({dataset!r}, {seconds})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the bare engine failed:\n{done.stderr.strip()[-2000:]}")
    speeds: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return speeds


def selections(run_id: str, others: Sequence[str], n: int) -> list[list[str]]:
    """n different choices of 1 to 8 runs, each with the one that trains."""
    chance, beside = random.Random(0), dict[tuple[str, ...], None]({(): None})
    while len(beside) < n:
        beside.setdefault(tuple(sorted(chance.sample(others, chance.randint(1, MOST_RUNS - 1)))))
    return [[run_id, *more] for more in list(beside)[:n]]


async def watched(
    server: Server, follower: Follower, run_id: str, selected: Sequence[Sequence[str]], seconds: float, *, hasty: bool
) -> Took:
    """A turn with a visitor for each selection of runs, who come first and are counted from then on.

    hasty: they ask without a pause
    """
    before, n = server.rss(), len(selected)
    visitors = [await Visitor.arrive(server.url, "train", f"run={','.join(run_ids)}") for run_ids in selected]
    try:
        await asyncio.sleep(SETTLE_SECONDS)
        began, own = time.time(), time.process_time()
        looks = await asyncio.gather(
            *(one.hurry(seconds) if hasty else one.watch(seconds, i / n) for i, one in enumerate(visitors))
        )
        await asyncio.sleep(max(0.0, began + seconds - time.time()))
        ended, own = time.time(), time.process_time() - own
        rss = server.rss()
    finally:
        await asyncio.gather(*(one.leave() for one in visitors))
    speed = follower.images_per_s(server.store.run(run_id).started["n_train"], began, ended)
    ticks = [tick for took in looks for tick in took]
    return Took(speed, ticks, rss, before, own / (ended - began), n, sum(one.refused for one in visitors))


def paused(server: Server, run_id: str, dataset: str, seconds: float) -> Took:
    """A turn of the bare engine, while the server's run waits."""
    server.store.request(run_id, "pause")
    time.sleep(SETTLE_SECONDS)
    rss = server.rss()
    speed = engine_elsewhere(dataset, seconds)["images_per_s"]
    server.store.request(run_id, "run")
    time.sleep(SETTLE_SECONDS)
    return Took(speed, [], rss, rss, 0.0)


def one_round(
    server: Server, dataset: str, turns: Sequence[Turn], effort: Effort, stored: Sequence[str] = ()
) -> Iterator[tuple[Turn, Took]]:
    """A run of its own for every round; each turn and what it came to. stored: the runs to choose from beside it"""
    seconds = effort.seconds
    run_id = server.train(config(dataset))
    with Follower(server.store, run_id) as follower:
        while sum(one.kind == "progress" for one in follower.seen) < 2:
            if server.store.run(run_id).has_ended:
                raise RuntimeError(f"the training ended at once: {server.store.run(run_id).reason}")
            time.sleep(0.1)
        for turn in turns:
            if turn == ENGINE:
                yield turn, paused(server, run_id, dataset, seconds)
                continue
            n = {DIFFERENT: effort.different, HASTY: HASTY_CLIENTS}.get(str(turn), 0)
            selected = [[run_id]] * turn if isinstance(turn, int) else selections(run_id, stored, n)
            yield turn, asyncio.run(watched(server, follower, run_id, selected, seconds, hasty=turn == HASTY))
    server.store.request(run_id, "stop")
    server.ended(run_id)


def rows(turns: Mapping[Turn, Sequence[Took]]) -> Iterator[dict[str, Any]]:
    """One row per turn. Shares are of the same round, then the median over rounds; "met" is None where nothing was asked."""
    for turn, took in turns.items():
        n = took[0].visitors
        ticks = [tick for one in took for tick in one.ticks]
        p50, p95 = (percentile(ticks, share) if ticks else None for share in (0.5, 0.95))
        share, min_share, max_tick = _share(took, turns[ALONE]), MIN_SHARE_OF_ALONE.get(turn), MAX_TICK_P95_MS.get(turn)
        more = statistics.median(one.rss - one.rss_before for one in took)
        yield {
            "turn": turn, "visitors": n, "rounds": len(took),
            "images_per_s": statistics.median(one.images_per_s for one in took), "of_alone": share,
            "of_engine": _share(took, turns[ENGINE]) if ENGINE in turns else None, "asked_of_alone": min_share,
            "ticks": len(ticks), "tick_p50_ms": p50, "tick_p95_ms": p95, "tick_max_ms": max(ticks, default=None),
            "refused": sum(one.refused for one in took),
            "asked_tick_p95_ms": max_tick, "rss_mb": max(one.rss for one in took),
            "rss_per_visitor_mb": more / n if n else None, "generator_cores": statistics.median(one.own for one in took),
            "met": None if min_share is None else share >= min_share and (max_tick is None or (p95 or 0.0) < max_tick),
        }  # fmt: skip


def _share(took: Sequence[Took], of: Sequence[Took]) -> float:
    return statistics.median(one.images_per_s / other.images_per_s for one, other in zip(took, of, strict=True))


def growth(server: Server, dataset: str, n: int) -> Iterator[dict[str, Any]]:
    """Memory after each of n short trainings, then the slope over their second half, least squares."""
    held: list[float] = []
    for number in range(1, n + 1):
        server.ended(server.train(config(dataset, epochs=1, n_train=1_000, seed=number)))
        held.append(server.rss())
        yield {"after_runs": number, "rss_mb": held[-1]}
    late = held[n // 2 :]
    slope = statistics.linear_regression(range(len(late)), late).slope if len(late) > 1 else 0.0
    yield {"growth_mb_per_run": slope, "runs": len(late), "asked": GROWTH_MB, "met": slope <= GROWTH_MB}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for bad input or when the server does not do its part."""
    parser = argparse.ArgumentParser(prog="python -m bench.visitors", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "parts", nargs="*", choices=[[], *PARTS], metavar="part", help=f"{', '.join(PARTS)}; default all"
    )
    parser.add_argument("--visitors", default="1,20,50", metavar="N,N", help="of one run, default 1,20,50")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each turn, default 20")
    parser.add_argument("--rounds", type=int, default=3, help="default 3")
    parser.add_argument("--class-seconds", type=float, default=300.0, help="how long the class works, default 300")
    parser.add_argument("--class-visitors", type=int, default=60, help="default 60")
    parser.add_argument(
        "--growth", type=int, default=0, metavar="N", help="also N short trainings, and memory after each"
    )
    parser.add_argument("--quick", action="store_true", help="few visitors, short turns, one round, about a minute")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    effort = Effort(options.seconds, options.rounds)
    if options.quick:
        options.visitors, options.class_visitors, options.class_seconds = "1,5", 6, 10.0
        effort = Effort(4.0, 1, different=8, stored=200)
    numbers = options.visitors.split(",")
    if (
        not all(number.isdecimal() and int(number) > 0 for number in numbers)
        or min(effort.seconds, options.class_seconds) < 2
        or min(effort.rounds, options.class_visitors) < 1
    ):
        print(
            "--visitors is a list of whole numbers above 0, all --seconds at least 2, --rounds and --class-visitors at least 1",
            file=sys.stderr,
        )
        return 2
    dataset, parts = best_dataset(), options.parts or PARTS
    facts = about("websockets") | {
        "dataset": dataset,
        "DIGIT_LAB_THREADS": os.environ.get("DIGIT_LAB_THREADS", "not set"),
    }
    print(json.dumps({"about": facts}) if options.json else about_line(facts), flush=True)
    of_one_run: list[Turn] = [ENGINE, ALONE, *dict.fromkeys(map(int, numbers))]
    measured = {
        "one-run": lambda: _of_one_run(dataset, of_one_run, effort, options.growth),
        "selections": lambda: _of_selections(dataset, effort, [ALONE, DIFFERENT]),
        "clients": lambda: _of_selections(dataset, effort, [ALONE, 1, HASTY]),
        "class": lambda: _of_class(dataset, options.class_visitors, options.class_seconds),
    }
    return report((row for part in parts for row in measured[part]()), _text, as_json=options.json)


def _of_one_run(dataset: str, turns: Sequence[Turn], effort: Effort, runs: int) -> Iterator[dict[str, Any]]:
    with folder() as place, serving(place) as server:
        asyncio.run(_warm(server, dataset))
        idle = server.rss()
        measured = _turns(server, dataset, turns, effort)
        yield from rows(measured)
        most = max(one.rss for one in measured[ALONE])
        yield {
            "idle_mb": idle, "training_mb": most, "above_idle_mb": most - idle, "asked": MAX_TRAINING_MB,
            "met": most - idle <= MAX_TRAINING_MB,
        }  # fmt: skip
        if runs > 0:
            yield from growth(server, dataset, runs)


def _of_selections(dataset: str, effort: Effort, turns: Sequence[Turn]) -> Iterator[dict[str, Any]]:
    with folder() as place, serving(place) as server:
        stored = fill(server.store, effort.stored)
        asyncio.run(_warm(server, dataset))
        yield from rows(_turns(server, dataset, turns, effort, stored))


def _of_class(dataset: str, n: int, seconds: float) -> Iterator[dict[str, Any]]:
    with folder() as place, serving(place) as server:
        fill(server.store, class_hour.STORED_RUNS)
        asyncio.run(_warm(server, dataset))
        yield from class_hour.measured(server, dataset, n, seconds)


def _turns(
    server: Server, dataset: str, turns: Sequence[Turn], effort: Effort, stored: Sequence[str] = ()
) -> Mapping[Turn, Sequence[Took]]:
    measured: dict[Turn, list[Took]] = {turn: [] for turn in turns}
    for number in range(effort.rounds):
        cut = number % len(turns)  # every round begins with another turn
        for turn, took in one_round(server, dataset, [*turns[cut:], *turns[:cut]], effort, stored):
            measured[turn].append(took)
    return measured


async def _warm(server: Server, dataset: str) -> None:
    """One visitor opens the pages that load torch, plotly and the images, and starts the worker; then nobody is there."""
    visitor = await Visitor.arrive(server.url, "train", f"architecture=cnn&dataset={dataset}")
    await visitor.leave()
    await asyncio.to_thread(server.rested)


def _text(row: Mapping[str, Any]) -> str:
    if "class" in row:
        return class_hour.text(row)
    met = {None: "", True: "   met", False: "   not met"}[row.get("met")]
    if "idle_mb" in row:
        return (
            f"memory: {row['idle_mb']:,.0f} MB idle, {row['training_mb']:,.0f} MB while training, "
            f"{row['above_idle_mb']:,.0f} MB above idle (asked {row['asked']:,.0f}){met}"
        )
    if "after_runs" in row:
        return f"after {row['after_runs']:3} short trainings {row['rss_mb']:7,.1f} MB"
    if "growth_mb_per_run" in row:
        return f"growth over the last {row['runs']} runs: {row['growth_mb_per_run']:+.2f} MB a run (asked {row['asked']}){met}"
    names = {
        ENGINE: "engine alone, no server", ALONE: "server, nobody watching", 1: "1 visitor",
        DIFFERENT: f"{row['visitors']} selections", HASTY: f"{row['visitors']} clients without a pause",
    }  # fmt: skip
    text = f"{names.get(row['turn'], str(row['turn']) + ' visitors'):<25}{row['images_per_s']:9,.0f} images/s"
    text += f"   {row['of_engine']:6.1%} of the engine" if row["of_engine"] else ""
    text += f"   {row['of_alone']:6.1%} of alone"
    if row["asked_of_alone"]:
        text += f" (asked {row['asked_of_alone']:.0%})"
    if row["ticks"]:
        text += (
            f"   tick p50 {row['tick_p50_ms']:.0f} p95 {row['tick_p95_ms']:.0f} max {row['tick_max_ms']:.0f} ms "
            f"(n {row['ticks']})   {row['rss_mb']:,.0f} MB, {row['rss_per_visitor_mb']:.1f} a visitor   "
            f"generator {row['generator_cores']:.2f} cores"
        )
    if row["refused"]:
        text += f'   {row["refused"]:,} times "too often"'
    return text + met


if __name__ == "__main__":
    sys.exit(main())
