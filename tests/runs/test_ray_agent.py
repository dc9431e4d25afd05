"""A Ray cluster of two nodes on this machine: the bits of the thread, orders that reach them, and what is lost with one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agent_material import assigned, bits, demanding, is_quiet, outcome, rest, wait_for

from core import data
from core.config import run_config
from core.data.dataset import Dataset
from core.engine.events import Checkpoint, EpochEnd, Event, Stopped
from core.runs import job
from core.runs.agents import AgentLost, Assignment, Computation, Ended
from core.runs.agents.ray_actor import Demand
from core.runs.agents.ray_cluster import Cluster, Seat
from core.runs.agents.thread import InThisThread
from core.runs.store import Store
from core.runs.worker import Worker

ray: Any = pytest.importorskip("ray", reason="ray stands in requirements-ray.txt")
pytestmark = [
    pytest.mark.alone,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for the processes of nodes in /proc"),
]
NODE = {"num_cpus": 1, "object_store_memory": 200_000_000}
ONE_CORE = Demand(1, 0)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The first node; what it notes about its machine, and what Ray writes, goes into folders of its own."""
    from ray.cluster_utils import Cluster as Nodes

    # A short name: Ray puts sockets below it, whose paths may have 107 characters.
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
            patch.setenv("RAY_TMPDIR", folder)
            patch.setenv("DIGIT_LAB_RUNS", str(tmp_path_factory.mktemp("node")))
            local = Nodes(initialize_head=True, head_node_args=NODE | {"include_dashboard": False})
        yield local
        local.shutdown()


@pytest.fixture
def cluster(nodes: Any, store: Store) -> Iterator[Cluster]:
    """Joined through the first node, so that the second one may go."""
    with closing(Cluster(store, nodes.address)) as joined:
        nodes.add_node(**NODE)
        yield joined
        for node in list(nodes.worker_nodes):
            nodes.remove_node(node)
        nodes.wait_for_nodes()  # who joins next must not do so through one that has gone


def computers() -> list[tuple[int, int]]:
    """The processes that compute, and the node that each is a child of: process ids."""
    pairs = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::Computer"):
                pairs.append(
                    (int(path.parent.name), int((path.parent / "stat").read_text().rsplit(")")[-1].split()[1]))
                )
        except OSError:  # it has ended meanwhile
            continue
    return pairs


def events_of(cluster: Cluster, *assignments: Assignment) -> list[list[Event | Ended]]:
    """What the cluster tells of several runs that it computes side by side."""
    computations = [Seat(cluster, ONE_CORE).begin(assignment, lambda: False) for assignment in assignments]
    return [rest(computation) for computation in computations]


def test_the_nodes_give_the_bits_of_the_thread_and_obey(cluster: Cluster, dataset: Dataset) -> None:
    wait_for(lambda: cluster.room == (2, 0, 1))
    assignments = [assigned(demanding(name, epochs=2), dataset) for name in ("mlp", "lstm")]
    wholes = [rest(InThisThread().begin(assignment, lambda: False)) for assignment in assignments]
    assert [bits(events) for events in events_of(cluster, *assignments)] == [bits(whole) for whole in wholes]
    assert len(set(dict(computers()).values())) == 2, "on both nodes"

    (cut, *_) = [event for event in wholes[0] if isinstance(event, Checkpoint) and event.epoch == 1]
    (rest_of_it,) = events_of(cluster, replace(assignments[0], resume=replace(cut, best_logits=None)))
    went_on = bits(rest_of_it)
    del went_on["started 1"]
    assert went_on == {name: bits(wholes[0])[name] for name in went_on}
    assert "epoch 2" in went_on

    stop: list[bool] = []
    long = assigned(demanding(epochs=1000), dataset)
    computation: Computation = Seat(cluster, ONE_CORE).begin(long, lambda: bool(stop))
    wait_for(lambda: isinstance(computation.take(), EpochEnd))
    assert set(computation.machine) == {"cpu", "versions"}
    held = computation.pause()
    wait_for(lambda: is_quiet(computation, held))
    assert not computation.pause(), "a paused run computes nothing"
    stop.append(True)
    began = time.monotonic()
    last = rest(computation)[-1]
    assert time.monotonic() - began < 2.0
    assert isinstance(last, Ended)
    assert isinstance(last.event, Stopped)
    assert set(last.evaluations) == {"val", "test"}

    others = [Seat(cluster, ONE_CORE).begin(long, lambda: False) for _ in range(2)]
    wait_for(lambda: all(isinstance(other.take(), EpochEnd) for other in others))
    waiting = Seat(cluster, ONE_CORE).begin(long, lambda: True)  # no core is free for it
    assert isinstance(rest(waiting)[-1], Ended)
    for other in others:
        other.close()
    with pytest.raises(AgentLost, match="told to end"):
        rest(others[0])


def test_a_killed_process_and_a_lost_node_cost_one_run_its_time_and_nothing_else(
    nodes: Any, cluster: Cluster, store: Store, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "CHECKPOINT_SECONDS", 0.0)
    configs = [demanding(widths="32", epochs=400, seed=seed) for seed in range(2)]
    runs = [store.create(config, group="race") for config in configs]
    worker = Worker(store, lambda name: dataset, cluster=cluster)
    worker.start()

    def have_begun(epochs: dict[str, float]) -> bool:
        return all((store.run(run_id).epoch or 0) > epoch + 10 for run_id, epoch in epochs.items())

    def lost_one() -> str:
        (lost,) = wait_for(lambda: [run.run_id for run in store.runs() if run.status == "interrupted"])
        return str(lost)

    wait_for(lambda: have_begun(dict.fromkeys(runs, 0.0)))
    os.kill(computers()[0][0], signal.SIGKILL)
    lost = lost_one()
    (other,) = [run_id for run_id in runs if run_id != lost]
    store.request(other, "pause")  # on a fast machine it would end before a new process is there for the lost one
    wait_for(lambda: store.run(other).status == "paused")
    epochs = {run_id: store.run(run_id).epoch or 0 for run_id in runs}
    assert epochs[lost] > 10
    store.request(lost, "run")
    wait_for(lambda: have_begun({lost: epochs[lost]}))
    store.request(other, "run")
    wait_for(lambda: (store.run(other).epoch or 0) > epochs[other])
    assert all(store.run(run_id).status == "running" for run_id in runs)
    assert max(event["epoch"] for _, event in store.history(lost) if event["event"] == "started") > 10

    (second,) = nodes.worker_nodes
    nodes.remove_node(second, allow_graceful=False)
    lost = lost_one()
    assert store.run(next(run_id for run_id in runs if run_id != lost)).status in ("running", "finished")
    nodes.add_node(**NODE)
    store.request(lost, "run")
    wait_for(lambda: all(store.run(run_id).has_ended for run_id in runs))
    assert worker.shutdown()
    assert {store.run(run_id).status for run_id in runs} == {"finished"}
    for run_id, config in zip(runs, configs, strict=True):
        whole = rest(InThisThread().begin(assigned(config, dataset), lambda: False))
        *_, last = [event for event in whole if isinstance(event, Checkpoint)]
        expected = {f"epoch {event.epoch}": event.val_loss for event in whole if isinstance(event, EpochEnd)}
        assert outcome(store, run_id) == expected | {name: array.tobytes() for name, array in last.weights.items()}
        assert "changed_on_resume" not in store.run(run_id).manifest


def test_the_command_shares_the_queue_with_a_dashboard_and_leaves_resumable_runs(nodes: Any, store: Store) -> None:
    """Each run is trained once, whoever takes it, and what pages read of one on the cluster grows as of any other."""
    configs = [run_config("softmax", {"epochs": 2, "n_train": 300, "seed": seed}) for seed in range(8)]
    runs = [store.create(config) for config in configs]
    command = [sys.executable, "-m", "core", "agent", "--ray", nodes.address, "--json"]
    environment = os.environ | {"DIGIT_LAB_RUNS": str(store.root)}
    agent = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True)
    try:
        wait_for(lambda: any(run.version for run in store.runs()) or agent.poll() is not None)
        dashboard = Worker(store, data.load)
        dashboard.start()
        wait_for(lambda: all(run.has_ended for run in store.runs()) or agent.poll() is not None)
        assert dashboard.shutdown()
        assert {run.status for run in store.runs()} == {"finished"}
        long = store.create(run_config("mlp", {"epochs": 1000, "n_train": 300}))
        version = wait_for(lambda: store.run(long).version)
        wait_for(lambda: store.run(long).version > version)
        store.request(long, "pause")
        wait_for(lambda: store.run(long).status == "paused")
        store.request(long, "run")
        wait_for(lambda: store.run(long).checkpoint_epoch)
        agent.send_signal(signal.SIGINT)
        output, error = agent.communicate(timeout=30)
    finally:
        agent.kill()
        agent.wait()
    assert (agent.returncode, error) == (0, "")
    assert store.run(long).status == "interrupted"
    assert store.run(long).checkpoint_epoch
    lines = [json.loads(line) for line in output.splitlines()]
    by_agent = {line["run_id"] for line in lines if line["status"] == "finished"}
    assert by_agent
    assert by_agent <= set(runs)
    assert [line["status"] for line in lines if line["run_id"] == long] == ["sent to the cluster"]
