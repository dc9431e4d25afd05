"""Processes that compute runs: the same bits as the thread, a death that costs one run and nothing of it, and no orphans."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agent_material import assigned, bits, demanding, is_quiet, outcome, rest, told, wait_for

from core.data.dataset import Dataset
from core.engine.events import Checkpoint, EpochEnd, Event, Stopped
from core.runs import job
from core.runs.agents import AgentLost, Ended, child, crew, processes
from core.runs.agents.processes import Process, Processes
from core.runs.agents.thread import InThisThread
from core.runs.lease import Lease
from core.runs.store import Store
from core.runs.worker import Worker, drive

CHILD = Path(__file__).parent / "child.py"
LINUX = sys.platform == "linux"


@pytest.fixture
def children(root: Path) -> Iterator[Processes]:
    with Lease(root) as lease, closing(Processes(root, lease.id, lambda: None)) as made:
        yield made
    assert not list((root / "workers").iterdir())


def ready(children: Processes) -> Process:
    children.grow(1)
    process = wait_for(lambda: children.idle([]))
    assert isinstance(process, Process)
    return process


@pytest.mark.skipif(
    not LINUX or os.getpriority(os.PRIO_PROCESS, 0) > 0, reason="compares the niceness of another process"
)
def test_a_child_gives_way_only_once_it_is_ready(children: Processes) -> None:
    children.grow(1)
    (process,) = children.children
    starting: list[int] = []
    while not process.ready:
        assert not process.lost
        starting.append(os.getpriority(os.PRIO_PROCESS, process.pid))
        time.sleep(0.01)
    ready = os.getpriority(os.PRIO_PROCESS, process.pid)
    assert ready == min(19, os.getpriority(os.PRIO_PROCESS, 0) + child.NICENESS)
    # With the last niceness it would take a minute to load torch where others compute.
    assert sum(niceness < ready for niceness in starting) > 0.9 * len(starting)


def test_a_child_gives_the_bits_of_the_thread_and_obeys(children: Processes, dataset: Dataset) -> None:
    process = ready(children)
    for architecture, settings in (("mlp", {"dropout": 0.3, "widths": "32"}), ("cnn", {"dropout": 0.4, "epochs": 2})):
        config = demanding(architecture, **settings)
        whole = told(InThisThread(), assigned(config, dataset))
        assert bits(told(process, assigned(config, dataset))) == bits(whole)
        (cut, *_) = [event for event in whole if isinstance(event, Checkpoint) and event.epoch == 1]
        went_on = bits(told(process, assigned(config, dataset, replace(cut, best_logits=None))))
        del went_on["started 1"]
        assert went_on == {name: bits(whole)[name] for name in went_on}
        assert f"epoch {config.training.epochs}" in went_on

    stop: list[bool] = []
    computation = process.begin(assigned(demanding(epochs=1000), dataset), lambda: bool(stop))
    wait_for(lambda: isinstance(computation.take(), EpochEnd))
    held: list[Event | Ended] = computation.pause()
    wait_for(lambda: is_quiet(computation, held))
    assert not computation.pause(), "a paused run computes nothing"
    stop.append(True)
    last = rest(computation)[-1]
    assert isinstance(last, Ended)
    assert isinstance(last.event, Stopped)
    assert set(last.evaluations) == {"val", "test"}

    computation = process.begin(assigned(demanding(epochs=1000), dataset), lambda: False)
    wait_for(lambda: isinstance(computation.take(), EpochEnd))
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(AgentLost, match="signal 9" if LINUX else "has ended"):
        rest(computation)
    computation.close()
    children.tidy()
    assert children.idle([]) is None


def test_to_a_child_that_was_ended_meanwhile_nothing_is_said(children: Processes) -> None:
    children.grow(1)
    (process,) = children.children
    process.end()
    process.measure("mlp", "fp32", 1, 0.1)
    with pytest.raises(AgentLost):
        process.measured()


def test_a_child_that_speaks_nonsense_is_lost(children: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PROGRAM", "print('The banner of a library', flush=True); input()")
    children.grow(1)
    (process,) = children.children
    wait_for(lambda: process.lost)
    children.tidy()
    assert not children.children


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["softmax", "lenet", "resnet", "vit", "lstm", "gru"])
def test_every_family_gets_the_bits_of_the_thread(children: Processes, dataset: Dataset, architecture: str) -> None:
    config = demanding(architecture, epochs=2)
    assert bits(told(ready(children), assigned(config, dataset))) == bits(
        told(InThisThread(), assigned(config, dataset))
    )


# ---- with a worker


@pytest.fixture
def started_children(monkeypatch: pytest.MonkeyPatch) -> list[Processes]:
    made: list[Processes] = []

    class Noted(Processes):
        def __init__(self, *about: Any) -> None:
            super().__init__(*about)
            made.append(self)

    monkeypatch.setattr(crew, "Processes", Noted)
    return made


@pytest.mark.alone
@pytest.mark.slow
def test_a_killed_child_costs_one_run_its_time_and_nothing_else(
    store: Store, tmp_path: Path, dataset: Dataset, started_children: list[Processes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "CHECKPOINT_SECONDS", 0.0)
    configs = [demanding(widths="32", epochs=300, seed=seed) for seed in range(4)]
    runs = [store.create(config, group="race") for config in configs]
    worker = Worker(store, lambda name: dataset, processes=2)
    worker.start()

    def two_are_under_way_and_one_in_a_child() -> Process | None:
        busy = [child for child in started_children[0].children if child.busy] if started_children else []
        epochs = [run.epoch or 0 for run in store.runs() if run.status == "running"]
        return busy[0] if busy and len(epochs) == 2 and all(20 <= epoch < 280 for epoch in epochs) else None

    os.kill(wait_for(two_are_under_way_and_one_in_a_child).pid, signal.SIGKILL)
    (lost,) = wait_for(lambda: [run.run_id for run in store.runs() if run.status == "interrupted"])
    others = [run_id for run_id in runs if run_id != lost]
    wait_for(lambda: all(store.run(run_id).has_ended for run_id in others))
    assert store.run(lost).status == "interrupted", "it waits until somebody asks for it"
    assert (store.run(lost).epoch or 0) >= 20
    store.request(lost, "run")
    worker.wake()
    wait_for(lambda: store.run(lost).has_ended)
    assert worker.shutdown()
    assert {store.run(run_id).status for run_id in runs} == {"finished"}
    assert max(event["epoch"] for _, event in store.history(lost) if event["event"] == "started") >= 19
    for number, (run_id, config) in enumerate(zip(runs, configs, strict=True)):
        if run_id not in (lost, others[-1]):
            continue
        with closing(Store(tmp_path / str(number))) as alone:
            whole = drive(alone, alone.create(config), lambda name: dataset)
            assert outcome(store, run_id) == outcome(alone, whole.run_id)


@pytest.mark.alone
@pytest.mark.slow
def test_one_run_alone_stays_in_the_thread_and_more_are_paused_and_stopped_wherever_they_are(
    store: Store, dataset: Dataset, started_children: list[Processes]
) -> None:
    worker = Worker(store, lambda name: dataset, processes=2)
    worker.start()
    first = store.create(demanding("cnn", epochs=1000))
    worker.wake()
    wait_for(lambda: (store.run(first).epoch or 0) >= 2)
    assert not started_children[0].children
    second = store.create(demanding("cnn", epochs=1000, seed=4))
    worker.wake()
    wait_for(lambda: (store.run(second).epoch or 0) >= 2)
    assert len(started_children[0].children) == 1
    for run_id in (second, first):
        store.request(run_id, "pause")
        worker.wake()
        wait_for(lambda run_id=run_id: store.run(run_id).status == "paused")
    time.sleep(1.0)
    versions = [store.run(run_id).version for run_id in (first, second)]
    time.sleep(0.5)
    assert versions == [store.run(run_id).version for run_id in (first, second)]
    for run_id in (first, second):
        store.request(run_id, "run")
        worker.wake()
        wait_for(lambda run_id=run_id: store.run(run_id).version not in versions)
        store.request(run_id, "stop")
    wait_for(lambda: all(store.run(run_id).status == "stopped" for run_id in (first, second)))
    assert all(store.run(run_id).summary["n_test"] == 200 for run_id in (first, second))
    assert worker.shutdown()
    assert not list((store.root / "workers").iterdir())


def children_of(pid: int) -> list[int]:
    """Their process ids, on Linux."""
    paths = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in paths for child in path.read_text().split()]


def goes_on(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.skipif(not LINUX, reason="looks at children in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_no_child_outlives_the_server(store: Store, dataset: Dataset, how: signal.Signals) -> None:
    runs = [store.create(demanding("cnn", epochs=1000, seed=seed)) for seed in range(3)]
    environment = os.environ | {"DIGIT_LAB_PROCESSES": "2"}
    server = subprocess.Popen([sys.executable, str(CHILD), str(store.root)], env=environment)
    try:
        wait_for(lambda: sum((store.run(run_id).epoch or 0) >= 2 for run_id in runs) == 2)
        pids = children_of(server.pid)
        assert pids
        assert list((store.root / "workers").glob("*.shared/*.npy"))
        server.send_signal(how)
        server.wait()
        wait_for(lambda: not any(map(goes_on, pids)))
    finally:
        server.kill()
        server.wait()
    assert sorted(store.run(run_id).status for run_id in runs) == ["interrupted", "interrupted", "queued"]
    with Lease(store.root) as lease, closing(Processes(store.root, lease.id, lambda: None)):
        assert not list((store.root / "workers").glob("*.shared")), "what a killed server left behind"
