"""``python -m core agent``: queued runs are computed by a cluster, until somebody ends it."""

from __future__ import annotations

import argparse
import contextlib
import sys
from functools import lru_cache

from core.cli.output import BAD_RESULT, accuracy_words, open_store, result, say, stop_on_signal
from core.errors import RunError

HELP = "Claim queued runs and compute them on a Ray cluster, until Ctrl-C. Needs the package ray."
POLL_SECONDS = 0.2  # between two looks whether to end
LEAVE_SECONDS = 30.0  # for what was computed to be saved
CACHED_DATASETS = 4


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ray", metavar="ADDRESS", required=True,
        help="of the cluster: auto for the one that this machine is part of, or HOST:PORT of its head, such as 10.0.0.5:6379",
    )  # fmt: skip


def agent(options: argparse.Namespace) -> int:
    """A worker of this store whose runs are computed elsewhere; says a line when it takes a run and when it is done with it."""
    from core import data
    from core.runs.agents.ray_cluster import Cluster
    from core.runs.worker import Worker

    store = open_store()
    cluster = Cluster(store, options.ray)
    taken: set[str] = set()

    def show(run_id: str) -> None:
        with contextlib.suppress(RunError):  # it was deleted meanwhile
            run = store.run(run_id)
            status = run.status if run_id in taken else "sent to the cluster"
            taken.symmetric_difference_update({run_id})
            figures = result(run) | {"status": status}
            say(figures, options.json, f"{run.label}: {status}" + (accuracy_words(figures) or f"; id {run_id}"))

    with stop_on_signal() as stop:
        worker = Worker(store, lru_cache(CACHED_DATASETS)(data.load), cluster=cluster, on_run=show)
        room = cluster.room
        if not options.json:
            print(
                f"Computing on {room.cpus} cores and {room.gpus} GPUs. Ctrl-C ends it; runs can be resumed then.",
                flush=True,
            )
        worker.start()
        while not stop.wait(POLL_SECONDS) and not cluster.failure and worker.is_alive:
            pass
        worker.shutdown(LEAVE_SECONDS)
    if stop.is_set():
        return 0
    print(cluster.failure or "The cluster can not be reached any more; its runs can be resumed.", file=sys.stderr)
    return BAD_RESULT
