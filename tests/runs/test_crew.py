"""Who takes the next run, without starting any process: the thread, a child, or nobody yet."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from made_training import asked

from core.data.dataset import Dataset
from core.machine.threads import training_threads
from core.runs.agents import crew, short_runs
from core.runs.agents.crew import Crew, waiting_in
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
    monkeypatch.setattr(short_runs, "SHORT_SECONDS", 0.0)
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
