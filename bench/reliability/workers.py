"""Rows about a worker process, which is what trains inside a dashboard: killed, and without room on its disk."""

from __future__ import annotations

import os
import random
import resource
import signal
import time
from functools import partial
from pathlib import Path

from bench.reliability.card import Row, Tally
from bench.reliability.children import can_fork, ended, wait_for
from bench.reliability.processes import config_of, have_begun, have_ended, is_claimed, worker_process
from bench.reliability.trainings import CASES, alone, ending, opened
from core.runs import job

LEVELS = (0.2, 0.4, 0.6, 0.8)  # of the largest array in the files of an undisturbed run
STALL_SECONDS = 0.5  # without anything new in the store, until there is room again


def killed(tally: Tally, folder: Path) -> None:
    """SIGKILL at random moments while two runs train and a third waits; another process then goes on with them."""
    chance = random.Random(tally.seed)
    wholes = {name: alone(name, folder.parent) for name in CASES}
    while tally.tried < tally.asked:
        root, where = folder / str(tally.tried), f"kill {tally.tried}"
        with opened(root) as store:
            run_ids = {store.create(config_of(name)): name for name in ("mlp", "gru", "cnn")}
            child = worker_process(root)
            with ended(child):
                wait_for(partial(have_begun, store, list(run_ids)[:2]), "two runs")
                time.sleep(chance.uniform(0, 0.3))
            left = [store.run(run_id).status for run_id in run_ids]
            tally.count("shown_as_running", left.count("running"))
            tally.check(set(left) <= {"interrupted", "queued", "finished"}, f"{where}: the runs are {', '.join(left)}")
            for run_id in run_ids:
                store.request(run_id, "run")
            after = worker_process(root)
            with ended(after):
                wait_for(partial(have_ended, store, list(run_ids)), "the runs of a killed worker")
                os.kill(after.pid, signal.SIGTERM)
                tally.check(after.wait() == 0, f"{where}: exit code {after.code}, {after.complaint()}")
            for run_id, name in run_ids.items():
                equal = ending(store, run_id).equals(wholes[name])
                tally.count("equal", int(equal))
                tally.check(equal, f"{where}: {name} is not as it would have been")
        tally.tried += 1


def disk_full(tally: Tally, folder: Path) -> None:
    """A run whose files find no room stays as it is, and goes on by itself when there is some."""
    whole = alone("mlp", folder.parent)
    longest = max(len(array.tobytes()) for array in whole.arrays.values())
    while tally.tried < tally.asked:
        level = LEVELS[tally.tried % len(LEVELS)]
        root, where = folder / str(tally.tried), f"files limited to {level:.0%}"
        with opened(root) as store:
            run_id = store.create(config_of("mlp"))
            child = worker_process(root, partial(_limit, int(level * longest)))
            with ended(child):
                wait_for(partial(is_claimed, store, run_id), "the run")
                version = -1
                while version != (version := store.run(run_id).version):
                    time.sleep(STALL_SECONDS)
                run = store.run(run_id)
                tally.check(run.status == "running", f"{where}: the run is {run.status}, {run.reason}")
                resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                wait_for(partial(have_ended, store, [run_id]), "a run that has room again")
                os.kill(child.pid, signal.SIGTERM)
                tally.check(child.wait() == 0, f"{where}: exit code {child.code}, {child.complaint()}")
            tally.check(ending(store, run_id).equals(whole), f"{where}: not as it would have been")
        tally.tried += 1


def _limit(limit_bytes: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails instead
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, resource.RLIM_INFINITY))
    job.RETRY_SECONDS = 0.2


def needs_limits() -> str:
    """Why no limit of another process can be changed here, "" where it can."""
    return can_fork() or (
        "" if hasattr(resource, "prlimit") else "needs Linux, where a limit can be raised from outside"
    )


ROWS = (
    Row("worker-kills", "kill -9 of a worker with two runs", killed, 10, 1, can_fork),
    Row("disk-full-worker", "disk full under a worker, and free again", disk_full, 8, 2, needs_limits),
)
