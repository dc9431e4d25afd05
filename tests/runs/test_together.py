"""Several runs of a command line: each is said as it ends, one's misfortune stays its own, nothing is lost when it is cut."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from made_training import MadeTraining, asked, kinds

from core.config import run_config
from core.data.dataset import Dataset
from core.engine.events import Event
from core.errors import RunError
from core.runs.rows import Run
from core.runs.store import Store
from core.runs.together import drive_together, gain
from core.runs.worker import drive


def created(store: Store, n: int = 3) -> list[str]:
    """As a race of the command line creates them: no server takes them."""
    return [store.create(asked(seed=seed), request="pause") for seed in range(n)]


class Heard:
    """What a command line would say."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.ends: list[tuple[str, Run | RunError]] = []

    def on_saved(self, run_id: str, event: Event) -> None:
        self.events.append((run_id, event.kind))

    def on_end(self, run_id: str, end: Run | RunError) -> None:
        self.ends.append((run_id, end))

    def train(self, store: Store, run_ids: list[str], dataset: Dataset, **options: Any) -> None:
        options = {"processes": 1, "on_saved": self.on_saved, "on_end": self.on_end} | options
        drive_together(store, run_ids, lambda name: dataset, **options)


def test_every_event_and_every_end_is_said_and_a_deleted_run_costs_the_others_nothing(
    store: Store, dataset: Dataset, training: MadeTraining
) -> None:
    first, gone, last = run_ids = created(store)
    store.delete(gone)
    heard = Heard()
    heard.train(store, run_ids, dataset)
    assert [run_id for run_id, _ in heard.ends] == run_ids
    (_, a), (_, b), (_, c) = heard.ends
    assert isinstance(a, Run)
    assert isinstance(b, RunError)
    assert isinstance(c, Run)
    assert (a.status, c.status) == ("finished", "finished")
    assert "deleted" in str(b)
    for run_id in (first, last):
        events = [kind for other, kind in heard.events if other == run_id]
        assert [kind for kind in events if kind in ("started", "epoch", "finished")] == [
            kind for kind in kinds(store, run_id) if kind in ("started", "epoch", "finished")
        ]
    assert not list((store.root / "workers").iterdir())


def test_a_stop_reaches_those_that_train_and_those_that_wait(
    store: Store, dataset: Dataset, training: MadeTraining
) -> None:
    run_ids, heard = created(store), Heard()
    heard.train(store, run_ids, dataset, should_stop=lambda: len(heard.events) > 3)
    assert {run_id: end.status for run_id, end in heard.ends if isinstance(end, Run)} == dict.fromkeys(
        run_ids, "stopped"
    )
    assert [store.run(run_id).never_began for run_id in run_ids] == [False, True, True]


def test_ctrl_c_leaves_all_of_them_resumable(store: Store, dataset: Dataset, training: MadeTraining) -> None:
    first, *rest = run_ids = created(store)

    def cut(run_id: str, event: Event) -> None:
        if event.kind == "checkpoint":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Heard().train(store, run_ids, dataset, on_saved=cut)
    assert (store.run(first).status, store.run(first).checkpoint_epoch) == ("interrupted", 1)
    assert [store.run(run_id).status for run_id in rest] == ["paused", "paused"]
    heard = Heard()
    heard.train(store, run_ids, dataset)
    assert [end.status for _, end in heard.ends if isinstance(end, Run)] == ["finished"] * 3


def test_only_several_runs_that_are_not_short_train_at_a_time(dataset: Dataset) -> None:
    short, long = asked(epochs=1), run_config("cnn", {"epochs": 500})
    load = {"digits": dataset}.__getitem__
    assert gain([short, long], load, 2)
    assert not gain([short, short], load, 2)
    assert not gain([short, long], load, 1)
    assert not gain([long], load, 2)


@pytest.mark.alone
@pytest.mark.slow
def test_runs_at_a_time_get_the_bits_of_one_after_the_other(
    store: Store, tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGIT_LAB_THREADS", "1")
    configs = [run_config("mlp", {"epochs": 400, "n_train": 200, "shift": 2.0, "seed": seed}) for seed in range(4)]
    run_ids = [store.create(config, request="pause") for config in configs]
    agents: set[str] = set()
    heard = Heard()

    def note(run_id: str, event: Event) -> None:
        running = [run.run_id for run in store.runs() if run.status == "running"]
        if len(running) > 1:
            agents.update(running)

    heard.train(store, run_ids, dataset, processes=2, on_saved=note)
    assert {run_id for run_id, end in heard.ends if isinstance(end, Run) and end.status == "finished"} == set(run_ids)
    assert agents, "two trained at a time"
    with closing(Store(tmp_path / "alone")) as alone:
        for run_id, config in list(zip(run_ids, configs, strict=True))[1:3]:
            whole = drive(alone, alone.create(config), lambda name: dataset)
            (kept, other) = (each.checkpoint(name) for each, name in ((store, run_id), (alone, whole.run_id)))
            assert kept is not None
            assert other is not None
            assert {name: array.tobytes() for name, array in kept.weights.items()} == {
                name: array.tobytes() for name, array in other.weights.items()
            }
