"""What a comparison reads of many runs at once."""

from __future__ import annotations

from run_material import checkpoint, epoch_end, finished, made_evaluation, progress, started

from core.config import RunConfig
from core.runs import reading
from core.runs.store import Store


def test_the_ends_of_epochs_of_several_runs_come_in_order_and_alone(store: Store, config: RunConfig) -> None:
    first, other, waiting = (store.create(config, request="pause") for _ in range(3))
    store.commit(first, [started(), epoch_end(0.0), progress(0.5), epoch_end(1.0)])
    store.commit(other, [started(), epoch_end(0.0)])
    store.commit(first, [progress(1.5), epoch_end(2.0), checkpoint(2.0)])
    ends_by_run = reading.epoch_ends(store, [first, waiting, other])
    assert {run_id: [end["epoch"] for end in ends] for run_id, ends in ends_by_run.items()} == {
        first: [0, 1, 2], waiting: [], other: [0],
    }  # fmt: skip
    assert ends_by_run[first] == [event for _, event in store.history(first) if event["event"] == "epoch"]
    assert reading.epoch_ends(store, []) == {}


def test_epochs_that_were_taken_back_are_not_read(store: Store, config: RunConfig) -> None:
    run_id = store.create(config, request="pause")
    store.commit(run_id, [started(), epoch_end(1.0), checkpoint(1.0), epoch_end(2.0)])
    store.commit(run_id, [started(epoch=1)])
    assert [end["epoch"] for end in reading.epoch_ends(store, [run_id])[run_id]] == [1]


def test_the_bytes_of_the_weights_are_those_of_the_file(store: Store, config: RunConfig) -> None:
    run_id, waiting = (store.create(config, request="pause") for _ in range(2))
    store.commit(run_id, [started(), epoch_end(1.0), checkpoint(1.0)])
    store.finish(run_id, [finished(1)], {"test": made_evaluation()})
    sizes = reading.weight_bytes(store)
    assert waiting not in sizes
    assert sizes[run_id] in [path.stat().st_size for path in store.root.rglob("*") if path.is_file()]


def test_runs_are_read_by_their_ids_and_what_has_not_ended_by_itself(store: Store, config: RunConfig) -> None:
    ended, waiting, deleted = (store.create(config, request="pause", group="a race") for _ in range(3))
    other = store.create(config)
    store.commit(ended, [started(), epoch_end(1.0)])
    store.finish(ended, [finished(1)], {})
    store.delete(deleted)
    assert store.claim("somebody") == other
    assert [run.run_id for run in store.runs(run_ids=[deleted, ended, other, "f" * 32])] == [other, ended]
    assert store.runs(run_ids=[]) == []
    assert [run.run_id for run in store.runs(group="a race", run_ids=[other, waiting])] == [waiting]
    assert reading.unended(store) == {other: True, waiting: False}
    assert reading.ids_of_group(store, "a race") == [waiting, ended]
    assert reading.count_runs(store) == 3


def test_the_newest_weights_come_with_those_before_until_the_run_has_ended(store: Store, config: RunConfig) -> None:
    run_id = store.create(config, request="pause")
    assert reading.newest_weights(store, run_id) is None
    moments = []
    for epoch in (1.0, 2.0, 3.0):
        store.commit(run_id, [started(), epoch_end(epoch), checkpoint(epoch)])
        moments.append(reading.newest_weights(store, run_id))
    store.finish(run_id, [finished(3)], {})
    moments.append(reading.newest_weights(store, run_id))
    pairs = [(newest.epoch, before and before.epoch) for newest, before in filter(None, moments)]
    assert pairs == [(1, None), (2, 1), (3, 2), (3, None)]
    assert moments[2] is not None
    assert moments[2][0].step == 30
    assert moments[2][0].weights["weight"].max() == 3
