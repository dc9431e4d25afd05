"""Several runs at once: the thread of the server with one thread and with several, and a process for every core.

    python -m bench.race [FAMILY ...] [--rounds N] [--epochs N] [--no-all-cores] [--ray] [--quick] [--json]
    python -m bench.race --pages [--quick] [--json]

Twelve MLPs, four LSTMs and six CNNs, 5 epochs of 10,000 images of MNIST each, are queued at once and trained by the dashboard's
own worker; the clock on the wall counts from there to the last test figure. The ways take turns, round by round. "processes":
its children are there already, as in the second race of a visitor; "processes, cold" counts their start too. Asked: how many
times as fast as one thread, which is the default on two cores without processes. Memory is what all processes of a way hold
together at the end of a race, shared pages counted once (Linux). Other work on the machine is in the figures; the load is
printed. --ray: also a Ray cluster of as many local nodes as there are cores, a core each, once its processes are there
(``requirements-ray.txt``). --pages: what a race costs those who look at pages meanwhile, in a real browser
(``bench/race_pages.py``).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from bench.serving import about, about_line, best_dataset, children_of, folder, memory, report
from core import data
from core.config import RunConfig, run_config
from core.data.dataset import Dataset
from core.machine.processor import n_cores
from core.runs.agents.ray_cluster import Cluster
from core.runs.groups import create_runs
from core.runs.store import Store
from core.runs.worker import Worker

POLL_SECONDS = 0.02  # between two looks at the store
N_TRAIN, EPOCHS = 10_000, 5
BASE, ALL_CORES, PROCESSES, COLD = "one thread", "a thread per core", "processes", "processes, cold"
RAY = "Ray, local nodes"
NODE_OBJECTS_BYTES = 200_000_000  # room of a Ray node for datasets


class Family(NamedTuple):
    """goal: how many times as fast as one thread"""

    runs: int
    goal: float


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {"mlp": Family(12, 1.7), "lstm": Family(4, 1.7), "cnn": Family(6, 1.4)}
)


class Length(NamedTuple):
    """Of each run. n_train: images; all that there are, where there are fewer"""

    n_train: int
    epochs: int


QUICK = Length(300, 1)


def configs(name: str, runs: int, dataset: Dataset, length: Length) -> list[RunConfig]:
    values = {"dataset": dataset.name, **length._asdict()}
    return [run_config(name, {**values, "seed": seed}) for seed in range(runs)]


class Team:
    """A worker with a store of its own. processes: 1 for its thread alone · threads: of each operation
    address: of the Ray cluster that computes, "" for this machine
    """

    def __init__(self, place: Path, processes: int, threads: int, address: str = "") -> None:
        self._store, self._threads = Store(place), threads
        with self._environment():
            cluster = Cluster(self._store, address) if address else None
            self._worker = Worker(self._store, load_dataset=data.load, processes=processes, cluster=cluster)
            self._worker.start()

    def seconds(self, trainings: Sequence[RunConfig]) -> float:
        """By the clock on the wall until all have ended. Raises RuntimeError when one does not finish."""
        with self._environment():
            began = time.perf_counter()
            run_ids = create_runs(self._store, trainings)
            self._worker.wake()
            while any(not self._store.run(run_id).has_ended for run_id in run_ids):
                time.sleep(POLL_SECONDS)
            seconds = time.perf_counter() - began
        runs = [self._store.run(run_id) for run_id in run_ids]
        if bad := [run for run in runs if run.status != "finished"]:
            raise RuntimeError(f"{bad[0].name}: {bad[0].status}. {bad[0].reason}")
        return seconds

    def close(self) -> None:
        self._worker.shutdown()
        self._store.close()

    @contextmanager
    def _environment(self) -> Iterator[None]:
        before = dict(os.environ)
        os.environ["DIGIT_LAB_THREADS"] = str(self._threads)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


@contextmanager
def ray_address(*, wanted: bool) -> Iterator[str]:
    """Of a cluster on this machine with a node for each core, which lasts as long as the context; "" where none is wanted."""
    if not wanted:
        yield ""
        return
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster as Nodes

    node = {"num_cpus": 1, "object_store_memory": NODE_OBJECTS_BYTES}
    nodes = Nodes(initialize_head=True, head_node_args=node | {"include_dashboard": False})
    for _ in range(n_cores() - 1):
        nodes.add_node(**node)
    try:
        yield str(nodes.address)
    finally:
        nodes.shutdown()


def ways(*, all_cores: bool) -> list[tuple[str, int, int]]:
    """(way, processes, threads of each)"""
    return [(BASE, 1, 1), *([(ALL_CORES, 1, n_cores())] if all_cores else []), (PROCESSES, n_cores(), 1)]


def measured(
    name: str,
    runs: int,
    dataset: Dataset,
    rounds: int,
    asked_ways: Sequence[tuple[str, int, int]],
    length: Length,
    address: str = "",
) -> Iterator[dict[str, Any]]:
    """One row per way: family, runs, way, seconds (the median), least, most, times (as fast as one thread), asked, met, mb."""
    trainings, took, memory = (
        configs(name, runs, dataset, length),
        dict[str, list[float]](),
        dict[str, float | None](),
    )
    for _ in range(rounds):
        for way, processes, threads in asked_ways:
            with folder() as place, closing(Team(place, processes, threads)) as team:
                if way == PROCESSES:  # starts the children
                    took.setdefault(COLD, []).append(team.seconds(trainings))
                else:  # loads the digits
                    team.seconds(configs(name, 1, dataset, QUICK))
                took.setdefault(way, []).append(team.seconds(trainings))
                memory[way] = memory[COLD if way == PROCESSES else way] = _megabytes()
        if address:
            with folder() as place, closing(Team(place, n_cores(), 1, address)) as team:
                team.seconds(configs(name, n_cores(), dataset, QUICK))  # until the processes of the nodes are there
                took.setdefault(RAY, []).append(team.seconds(trainings))
                memory[RAY] = None  # its processes are no children of this one
    base = statistics.median(took[BASE])
    for way, seconds in took.items():
        times = base / statistics.median(seconds)
        goal = FAMILIES[name].goal if way == PROCESSES else None
        yield {
            "family": name, "runs": runs, "way": way, "seconds": statistics.median(seconds), "least": min(seconds),
            "most": max(seconds), "times": times, "asked": goal, "met": None if goal is None else times >= goal,
            "mb": memory[way], "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        }  # fmt: skip


def _megabytes() -> float | None:
    """Of this process and its children together, each shared page counted once; None where the system does not tell."""
    held = [memory(pid) for pid in [os.getpid(), *children_of(os.getpid())]]
    return None if None in held else sum(each["pss_mb"] for each in held if each is not None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m bench.race", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("families", nargs="*", metavar="FAMILY", help=f"default: {' '.join(FAMILIES)}")
    parser.add_argument("--rounds", type=int, default=3, help="how often every way has its turn; default 3")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"of each run; default {EPOCHS}")
    parser.add_argument(
        "--no-all-cores",
        action="store_true",
        help="not with a thread per core, which takes minutes where others compute",
    )
    parser.add_argument(
        "--pages", action="store_true", help="what a race costs those who look at pages; needs Chromium"
    )
    parser.add_argument("--ray", action="store_true", help="also a Ray cluster of local nodes")
    parser.add_argument("--quick", action="store_true", help="two short runs of an MLP; says whether it runs")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    if options.pages:
        from bench.race_pages import main as pages  # needs a browser

        return pages(quick=options.quick, as_json=options.json)
    names = ["mlp"] if options.quick else options.families or list(FAMILIES)
    if strangers := [name for name in names if name not in FAMILIES]:
        print(f"not a family: {', '.join(strangers)}; allowed are {', '.join(FAMILIES)}", file=sys.stderr)
        return 2
    import_module("torch._dynamo")  # as the dashboard's warm-up does
    dataset = data.load(data.EMBEDDED if options.quick else best_dataset())
    facts = about() | {"dataset": dataset.name, "processes": n_cores()}
    print(json.dumps({"about": facts}) if options.json else about_line(facts), flush=True)

    length = QUICK if options.quick else Length(N_TRAIN, options.epochs)
    sides = ways(all_cores=not options.no_all_cores)

    def rows() -> Iterator[dict[str, Any]]:
        with ray_address(wanted=options.ray) as address:
            for name in names:
                runs, rounds = (2, 1) if options.quick else (FAMILIES[name].runs, options.rounds)
                yield from measured(name, runs, dataset, rounds, sides, length, address)

    return report(rows(), _text, as_json=options.json)


def _text(row: Mapping[str, Any]) -> str:
    goal = "" if row["asked"] is None else f"   asked {row['asked']:g}: {'met' if row['met'] else 'not met'}"
    memory = "" if row["mb"] is None else f"   {row['mb']:,.0f} MB"
    load = "" if row["load"] is None else f"   load {row['load']:.1f}"
    return (
        f"{row['runs']:>2} {row['family']:<5} {row['way']:<18} {row['seconds']:6.1f} s"
        f" ({row['least']:.1f} to {row['most']:.1f})   {row['times']:.2f} times{goal}{memory}{load}"
    )


if __name__ == "__main__":
    sys.exit(main())
