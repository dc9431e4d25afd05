"""Who takes the next run, without starting any process: the thread, a child, or nobody yet."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from made_training import asked

from core import data
from core.config import RunConfig, run_config
from core.data.dataset import Dataset
from core.errors import DataError
from core.machine import throughput
from core.machine.processor import SideBySide
from core.machine.threads import training_threads
from core.runs.agents import AgentLost, crew, measuring, short_runs
from core.runs.agents.crew import Crew, waiting_in
from core.runs.agents.processes import Measured
from core.runs.agents.thread import InThisThread
from core.runs.lease import Lease
from core.runs.store import Store

QUARTER_BYTES = 1000


class Children:
    """Stands for ``Processes``. wanted: how many were asked for · free: those that are ready"""

    def __init__(self, *about: Any) -> None:
        self.can_start, self.wanted, self.free = True, 0, list[object]()

    def grow(self, n: int) -> None:
        self.wanted = n

    def idle(self, promised: list[object]) -> object | None:
        return next((child for child in self.free if child not in promised), None)


@pytest.fixture
def four(store: Store, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> tuple[Crew, Children]:
    """A crew on a machine with four cores, for which eight runs wait."""
    monkeypatch.setattr(crew, "Processes", Children)
    monkeypatch.setattr(crew, "memory_bytes", lambda: 4 * QUARTER_BYTES)
    monkeypatch.setattr(crew, "n_cores", lambda: 4)
    for seed in range(8):
        store.create(asked(seed=seed))
    monkeypatch.setattr(short_runs, "START_SECONDS", 0.0)
    with Lease(store.root) as lease:
        made = Crew(store, lease.id, lambda name: dataset, 2, 4, waiting_in(store), lambda: None)
    children = made._children
    assert isinstance(children, Children)
    return made, children


def job(agent: object, n_bytes: int = 1, threads: int = 1, *, waiting: bool = False) -> Any:
    return SimpleNamespace(agent=agent, n_bytes=n_bytes, threads=threads, waiting=waiting, done=False)


def test_the_thread_begins_and_children_follow_as_they_are_ready(four: tuple[Crew, Children]) -> None:
    made, children = four
    first = made.free_place([])
    assert first is not None
    assert isinstance(first.agent, InThisThread)
    assert (first.threads, children.wanted) == (1, 4)
    in_thread = job(first.agent)
    assert made.free_place([in_thread]) is None, "a child is on its way"
    children.free = ["a", "b", "c", "d"]
    places = [in_thread]
    for name in ("a", "b", "c"):
        place = made.free_place(places)
        assert place is not None
        assert place.agent == name
        places.append(job(name))
    assert made.free_place(places) is None, "four train"
    assert made.free_place([job("a"), job("b", waiting=True)]) is not None, "a paused run frees its place"


def test_what_a_child_told_while_the_thread_computed_is_taken_together(four: tuple[Crew, Children]) -> None:
    made, _ = four
    place = made.free_place([])
    assert place is not None
    assert made.events_in_a_row(job(place.agent)) == 1
    assert made.events_in_a_row(job("a")) > 10, "one for each step of the thread would hold a fast child up"


def test_a_run_alone_stays_in_the_thread(four: tuple[Crew, Children], store: Store) -> None:
    made, children = four
    for run in store.runs()[1:]:
        store.request(run.run_id, "pause")
    children.free = ["a"]
    place = made.free_place([])
    assert place is not None
    assert isinstance(place.agent, InThisThread)
    assert (place.threads, children.wanted) == (training_threads(), 0)


@pytest.mark.parametrize(
    ("active", "expected"),
    [
        ([job("b", 400), job("c", 600)], True),
        ([job("b", 401), job("c", 600)], False),  # with one more that needs a quarter it would be more than half
        ([job("b", 0), job("c", 1)], False),  # nobody knows yet
        ([job("b", threads=2), job("c")], True),
        ([job("b", threads=3), job("c")], False),
        ([job("b", 900, threads=4)], True),  # two always have room
    ],
)
def test_more_than_two_train_only_where_memory_and_cores_are_left(
    four: tuple[Crew, Children], active: list[Any], expected: bool
) -> None:
    made, children = four
    children.free = ["a"]
    assert (made.free_place(active) is not None) is expected


def test_where_no_child_comes_up_the_thread_trains_two_in_turn(four: tuple[Crew, Children]) -> None:
    made, children = four
    children.can_start = False
    assert (made.places, made.side_by_side.processes) == (2, 1)
    place = made.free_place([job("x")])
    assert place is not None
    assert isinstance(place.agent, InThisThread)
    assert made.free_place([job(place.agent), job(place.agent)]) is None


# ---- short runs


def test_no_process_is_started_for_runs_that_are_over_before_it_would_be_ready(
    store: Store, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "Processes", Children)
    times = {1: 0.3 * short_runs.START_SECONDS, 2: 0.4 * short_runs.START_SECONDS}
    timed: list[int] = []

    def seconds(config: RunConfig, images: Any) -> float:
        timed.append(config.training.epochs)
        return times[config.training.epochs]

    monkeypatch.setattr(short_runs, "_seconds", seconds)
    with Lease(store.root) as lease:
        made = Crew(store, lease.id, lambda name: dataset, 2, 2, waiting_in(store), lambda: None)
        children = made._children
        assert isinstance(children, Children)
        run_ids = [store.create(asked(seed=seed, epochs=1)) for seed in range(3)]
        first = made.free_place([])
        assert first is not None
        assert isinstance(first.agent, InThisThread)
        assert (first.threads, children.wanted) == (1, 0), "no process is even started"
        assert made.free_place([job(first.agent)]) is None, "the thread computes one at a time"
        assert timed == [1], "once for all seeds"
        children.free = ["a"]  # of an earlier race
        second = made.free_place([job(first.agent)])
        assert second is not None
        assert second.agent == "a"

        children.free = []
        for run_id in run_ids:
            store.request(run_id, "stop")
        for seed in range(3):
            store.create(asked(seed=seed, epochs=2))
        assert made.free_place([]) is not None
        assert children.wanted == 2


def test_what_is_surely_long_is_not_timed_and_what_is_not_here_is_not_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short_runs, "_seconds", lambda *about: 0.0)
    digits = data.load("digits")
    runs = short_runs.ShortRuns(lambda name: digits)
    assert runs.are_short(asked(epochs=1), 2)
    assert not runs.are_short(run_config("cnn", {"epochs": 100}), 2)

    looked_for: list[str] = []

    def lost(name: str) -> Dataset:
        looked_for.append(name)
        raise DataError("not here")

    runs = short_runs.ShortRuns(lost)
    assert not any(runs.are_short(asked(epochs=1, seed=seed), 2) for seed in range(3))
    assert len(looked_for) == 1, "asked after every event, it would read files all the time"


def test_what_can_not_be_timed_is_tried_once_and_a_large_network_never(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def fail(config: RunConfig, images: Any) -> float:
        tried.append(config.architecture)
        raise RuntimeError("no kernel")

    monkeypatch.setattr(short_runs, "_seconds", fail)
    digits = data.load("digits")
    runs = short_runs.ShortRuns(lambda name: digits)
    for seed in range(3):
        assert not runs.are_short(asked(epochs=1, seed=seed), 2)
    assert len(tried) == 1, "asked after every event, it would hold up the thread and fill the log"
    assert not runs.are_short(run_config("mlp", {"widths": "4096,4096", "epochs": 1, "n_train": 60}), 2)
    assert len(tried) == 1, "to build it would take longer than to train a small one"


def test_the_time_of_a_run_is_that_of_its_own_network_and_images() -> None:
    images = short_runs.Images(1_000, 200)
    short, long = (short_runs._seconds(asked(epochs=epochs), images) for epochs in (1, 400))
    assert 0 < 10 * short < long


# ---- what idle children measure


class Measuring:
    """Stands for a child that measures: what it is told, and what it answers."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.answer: Measured | None = None
        self.is_lost = self.has_ended = False

    def measure(self, *about: Any) -> None:
        self.told.append(about)

    def measured(self) -> Measured | None:
        if self.is_lost:
            raise AgentLost("gone")
        answer, self.answer = self.answer, None
        return answer

    def end(self) -> None:
        self.has_ended = True

    def free(self) -> None:
        pass


@pytest.fixture
def measured(
    four: tuple[Crew, Children], store: Store, monkeypatch: pytest.MonkeyPatch
) -> tuple[Crew, list[Measuring]]:
    """A crew whose race is over, and whose idle time has just passed."""
    made, children = four
    rule = SideBySide(2, 1)
    monkeypatch.setattr(made, "_plan", rule)
    monkeypatch.setattr(made, "_is_fixed", False)
    monkeypatch.setattr(throughput, "plans", lambda: [rule, SideBySide(1, 1)])
    monkeypatch.setattr(throughput, "ways", lambda: [rule, SideBySide(1, 1)])
    monkeypatch.setattr(measuring, "_precision", lambda architecture: "fp32")
    monkeypatch.setattr(crew, "IDLE_SECONDS", 0.0)
    idle = [Measuring(), Measuring()]
    monkeypatch.setattr(children, "all_idle", lambda: idle, raising=False)
    kept: dict[str, str] = {}
    monkeypatch.setattr(throughput, "recall", kept.get)
    monkeypatch.setattr(throughput, "remember", kept.__setitem__)
    assert made.free_place([]) is not None
    return made, idle


def answers(made: Crew, idle: list[Measuring], speeds: dict[int, float], cores: float = 1.0) -> None:
    """Let the children answer until nobody asks. speeds: how many are at it -> images per second of each"""
    made.measure([])
    while any(len(child.told) for child in idle):
        busy = [child for child in idle if child.told]
        for child in busy:
            child.told.clear()
            child.answer = Measured(speeds[len(busy)], cores)
        made.measure([])


def test_idle_children_measure_once_and_the_crew_goes_by_it(measured: tuple[Crew, list[Measuring]]) -> None:
    made, idle = measured
    assert made._plan_for("softmax", to_measure=True) == SideBySide(2, 1)
    made.measure([])
    assert [child.told for child in idle] == [[("softmax", "fp32", 1, measuring.MEASURED_SECONDS)]] * 2
    answers(made, idle, {2: 100.0, 1: 150.0})
    assert throughput.plan_for("softmax") == (SideBySide(2, 1), 200 / 150)
    made.measure([])
    assert not any(child.told for child in idle), "it is known now"


def test_where_processes_gain_nothing_the_thread_trains(measured: tuple[Crew, list[Measuring]]) -> None:
    made, idle = measured
    answers(made, idle, {2: 50.0, 1: 150.0})
    assert throughput.plan_for("softmax") == (SideBySide(1, 1), 1.0)
    place = made.free_place([])
    assert place is not None
    assert isinstance(place.agent, InThisThread)


@pytest.mark.parametrize("why", ["a run begins", "another program computes", "a child is lost"])
def test_a_measurement_that_was_disturbed_is_not_kept(measured: tuple[Crew, list[Measuring]], why: str) -> None:
    made, idle = measured
    made.measure([])
    assert all(child.told for child in idle)
    if why == "a run begins":
        made.measure([job("x")])
    elif why == "a child is lost":
        idle[1].is_lost = True
    answers(made, idle, {2: 50.0, 1: 150.0}, cores=0.5 if why == "another program computes" else 1.0)
    assert not throughput.is_measured("softmax")
    assert made._plan_for("softmax", to_measure=True) == SideBySide(2, 1)
    assert [child.has_ended for child in idle] == [why == "a child is lost"] * 2
