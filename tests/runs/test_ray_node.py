"""What a cluster does, without one: the process on a node, what a run asks for, and addresses where no cluster is."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from agent_material import assigned, bits, demanding, told

from core.cli.app import main
from core.data.dataset import Dataset
from core.engine.events import Event, Stopped
from core.errors import DataError
from core.runs.agents import Assignment, Ended, wire
from core.runs.agents.ray_actor import Demand
from core.runs.agents.ray_cluster import Room, demand_of, room_of
from core.runs.agents.ray_node import Computer
from core.runs.agents.shared import ARRAYS, content_hash, words_of
from core.runs.agents.thread import InThisThread


def sent(assignment: Assignment) -> bytes:
    hashes = {name: content_hash(getattr(assignment.dataset, name)) for name in ARRAYS}
    return wire.packed(*wire.assignment_message(assignment, {**words_of(assignment.dataset), "arrays": hashes}))


def received(messages: list[bytes]) -> list[Event | Ended]:
    unpacked = [wire.unpacked(message) for message in messages]
    assert [message.values["message"] for message in unpacked][:: len(unpacked) - 1] == ["ready", "ended"]
    return [wire.ended_of(m) if m.values["message"] == "ended" else wire.event_of(m) for m in unpacked[1:]]


def test_a_node_gives_the_bits_of_the_thread_checks_what_it_gets_and_stops(dataset: Dataset) -> None:
    arrays = [getattr(dataset, name) for name in ARRAYS]
    assignment = assigned(demanding(epochs=2), dataset)
    node = Computer()
    assert bits(received(list(node.compute(1, sent(assignment), *arrays)))) == bits(told(InThisThread(), assignment))
    node.say(2, "pause")
    node.say(2, "stop")  # before it has begun; a stop is no pause any more
    (*_, last) = received(list(node.compute(2, sent(assigned(demanding(epochs=1000), dataset)), *arrays)))
    assert isinstance(last, Ended)
    assert isinstance(last.event, Stopped)
    other = replace(dataset, train_labels=dataset.train_labels[::-1].copy())
    with pytest.raises(DataError, match="train_labels"):
        next(node.compute(3, sent(assigned(demanding(), other)), *arrays))
    assert list(node.compute(4, sent(assignment), *arrays)), "what was said of another run is not meant for this one"


@contextlib.contextmanager
def http2_server() -> Iterator[int]:
    """A server of HTTP/2 that is not Ray: it greets as one does, and answers nothing. Its port"""
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as connections:

        def serve() -> None:
            with contextlib.suppress(OSError):  # closed
                while True:
                    connection = connections.enter_context(server.accept()[0])
                    connection.sendall(bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))  # an empty frame of settings

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_a_run_asks_for_a_gpu_or_for_as_many_cores_as_it_has_threads() -> None:
    nodes = [
        {"Alive": True, "Resources": {"CPU": 4.0, "memory": 1.0}},
        {"Alive": True, "Resources": {"CPU": 8.0, "GPU": 2.0}},
        {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}},
        {"Alive": True, "Resources": {}},
    ]
    assert room_of(nodes) == (with_gpus := Room(cpus=12, gpus=2, largest=8))
    without = Room(12, 0, 8)
    assert [demand_of(device, 2, with_gpus) for device in ("auto", "cuda", "cpu")] == [(0, 1), (0, 1), (2, 0)]
    assert [demand_of(device, 2, without) for device in ("auto", "cuda", "cpu")] == [(2, 0)] * 3
    assert demand_of("cpu", 16, without) == Demand(8, 0), "more than any node has would never begin"
    assert room_of([]) == Room(0, 0, 0)
    assert demand_of("cpu", 1, room_of([])) == Demand(1, 0), "no node, no room"


def test_without_ray_or_a_cluster_one_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(address: str) -> str:
        assert main(["agent", "--ray", address]) == 2
        output, error = capsys.readouterr()
        assert not output
        assert len(error.splitlines()) == 1
        return error

    with monkeypatch.context() as context:
        context.setitem(sys.modules, "ray", None)
        assert 'pip install "digit-lab[ray]"' in refused("auto")
        assert "requirements-ray.txt" in refused("127.0.0.1:6379")
    pytest.importorskip("ray", reason="ray stands in requirements-ray.txt")
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as closed:
        port, closed_port = silent.getsockname()[1], closed.getsockname()[1]
        closed.close()
        monkeypatch.setattr("core.runs.agents.ray_connection.ANSWER_SECONDS", 0.2)
        assert f"No Ray cluster at 127.0.0.1:{port}" in refused(f"127.0.0.1:{port}")
        gone = f"127.0.0.1:{closed_port}"
        assert f"No Ray cluster at {gone}" in refused(gone)
        # What "auto" stands for, which Ray itself would try for two minutes.
        for address in (gone, f"ray://{gone}"):
            monkeypatch.setenv("RAY_ADDRESS", address)
            assert gone in refused("auto")
        monkeypatch.delenv("RAY_ADDRESS")
        monkeypatch.setattr("ray._private.services.find_gcs_addresses", set)
        monkeypatch.setattr("ray._private.services.find_bootstrap_address", lambda folder: gone)
        assert f":{closed_port}" in refused("auto")
    monkeypatch.setattr("core.runs.agents.ray_connection.RPC_SECONDS", 1)
    with http2_server() as port:
        error = refused(f"127.0.0.1:{port}")
        assert f"No Ray cluster at 127.0.0.1:{port}: what listens there is something else" in error
        assert "ray start --head" in error
    for nonsense in ("somewhere", "host:", "host:99999", "host:²", ":6379", "a\nb:1"):
        assert "No Ray cluster" in (error := refused(nonsense)) or "HOST:PORT" in error
    assert "--ray auto" in refused("ray://127.0.0.1:10001")
