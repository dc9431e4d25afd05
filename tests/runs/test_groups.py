"""Groups: runs of one comparison are queued together or not at all; and what people write about a run."""

from __future__ import annotations

import numpy as np
import pytest
from run_material import checkpoint, epoch_end, started

from core.config import RunConfig, run_config
from core.engine.events import ValidationHits, pack
from core.errors import ConfigError, RunError
from core.runs import groups, reading, writing
from core.runs.schema import StorageError
from core.runs.store import Store

PLANNED = [groups.PlannedRun(run_config("mlp", {"seed": seed}), 0) for seed in range(3)]


def test_a_group_lists_its_runs_in_the_order_they_were_asked_for(store: Store) -> None:
    plan = {"budget": {"kind": "epochs", "amount": 5}, "seeds": [0, 1, 2]}
    group_id, ids = groups.create_group(store, PLANNED, name="Three seeds", kind="race", plan=plan)
    stored = groups.group(store, group_id)
    assert (stored.name, stored.kind, stored.plan, stored.n_runs, stored.number) == ("Three seeds", "race", plan, 3, 1)
    assert [run.run_id for run in reversed(store.runs(group=group_id))] == ids
    assert [run.config["training"]["seed"] for run in reversed(store.runs(group=group_id))] == [0, 1, 2]
    assert {run.contestant for run in store.runs(group=group_id)} == {0}
    assert [store.run(run_id).queue_position for run_id in ids] == [1, 2, 3]


def test_a_double_click_makes_one_group(store: Store) -> None:
    options = {"name": "Race", "kind": "race", "plan": {}, "token": "click"}
    assert groups.create_group(store, PLANNED, **options) == groups.create_group(store, PLANNED, **options)  # type: ignore[arg-type]
    assert len(groups.groups(store)) == 1
    assert len(store.runs()) == 3


def test_a_group_is_queued_wholly_or_not_at_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    real = writing.create

    def second_fails(*values: object) -> str:
        calls.append("asked")
        if len(calls) == 2:
            raise OSError("the disk is gone")
        return real(*values)  # type: ignore[arg-type]

    monkeypatch.setattr(writing, "create", second_fails)
    with pytest.raises(StorageError):
        groups.create_group(store, PLANNED, name="Race", kind="race", plan={})
    assert (store.runs(), groups.groups(store)) == ([], [])


def test_runs_without_a_plan_are_queued_wholly_or_not_at_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    configs = [planned.config for planned in PLANNED]
    with monkeypatch.context() as broken:
        broken.setattr(writing, "new_id", iter(["0" * 32]).__next__)  # a second id is not to be had
        with pytest.raises(StopIteration):
            groups.create_runs(store, configs, group="together", token="click")
    assert store.runs() == []
    run_ids = groups.create_runs(store, configs, group="together", token="click")
    assert groups.create_runs(store, configs, group="together", token="click") == run_ids
    assert [run.run_id for run in reversed(store.runs(group="together"))] == run_ids
    assert {run.contestant for run in store.runs()} == {None}
    assert groups.groups(store) == [], "without a plan it is no comparison"
    with pytest.raises(ConfigError, match="name"):
        groups.create_runs(store, configs, name="x" * 81)


def test_a_kind_of_an_older_store_has_its_present_name(store: Store) -> None:
    for kind, plan, present in (
        ("hunger", {}, "data_efficiency"),
        ("race", {"rematch": True}, "aa_test"),
        ("race", {"rematch": False}, "race"),
        ("tuning", {}, "tuning"),
    ):
        group_id, _ = groups.create_group(store, PLANNED, name="From before", kind=kind, plan=plan)
        assert groups.group(store, group_id).kind == present


def test_the_newest_group_comes_first_and_one_without_runs_is_gone(store: Store) -> None:
    first, ids = groups.create_group(store, PLANNED, name="First", kind="race", plan={})
    groups.create_group(store, PLANNED[:1], name="Second", kind="hunger", plan={})
    assert [one.name for one in groups.groups(store)] == ["Second", "First"]
    store.delete(ids[0])
    assert groups.group(store, first).n_runs == 2
    for run_id in ids[1:]:
        store.delete(run_id)
    assert [one.name for one in groups.groups(store)] == ["Second"]
    store.restore(ids[1])
    assert groups.group(store, first).n_runs == 1


def test_a_group_goes_for_good_with_its_last_run(store: Store) -> None:
    _, kept = groups.create_group(store, PLANNED[:1], name="Kept", kind="race", plan={})
    gone, ids = groups.create_group(store, PLANNED, name="Gone", kind="race", plan={})
    for run_id in [*kept, *ids]:
        store.delete(run_id)
    with store.database.write() as db:
        marks = ", ".join("?" * len(ids))
        db.execute(f"UPDATE runs SET deleted_utc = '2020-01-01' WHERE run_id IN ({marks})", ids)
    store.purge()
    with pytest.raises(RunError):
        groups.group(store, gone)
    store.restore(kept[0])
    assert [one.name for one in groups.groups(store)] == ["Kept"]


def test_a_group_has_a_name_that_can_be_shown(store: Store) -> None:
    with pytest.raises(ConfigError, match="group"):
        groups.create_group(store, PLANNED, name="x" * 81, kind="race", plan={})
    group_id, _ = groups.create_group(store, PLANNED, name="Race", kind="race", plan={})
    groups.rename_group(store, group_id, " Other ")
    assert groups.group(store, group_id).name == "Other"
    with pytest.raises(RunError):
        groups.group(store, "nowhere")


def test_tags_and_notes_are_kept_and_checked(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    store.annotate(run_id, tags=["baseline", " class 7b ", "baseline", ""], notes="First line\n\tsecond line\n")
    run = store.run(run_id)
    assert (run.tags, run.notes) == (("baseline", "class 7b"), "First line\n second line".replace("\n ", "\n"))
    store.annotate(run_id, tags=[])
    assert (store.run(run_id).tags, store.run(run_id).notes) == ((), run.notes)


@pytest.mark.parametrize(
    "wrong", [{"tags": ["x" * 25]}, {"tags": [str(one) for one in range(13)]}, {"tags": ["a\u202eb"]}, {"notes": "x" * 4001},
              {"notes": "a\0b"}, {"notes": "a\u2066b"}],
)  # fmt: skip
def test_what_can_not_be_shown_is_refused_and_nothing_changes(
    store: Store, config: RunConfig, wrong: dict[str, str]
) -> None:
    run_id = store.create(config)
    store.annotate(run_id, tags=["kept"], notes="kept")
    with pytest.raises(ConfigError):
        store.annotate(run_id, **wrong)  # type: ignore[arg-type]
    assert (store.run(run_id).tags, store.run(run_id).notes) == (("kept",), "kept")


def test_what_was_read_correctly_comes_back_epoch_by_epoch_and_is_no_news_for_a_chart(store: Store) -> None:
    run_id = store.create(run_config("mlp", {}), request="pause")
    right = np.random.default_rng(0).random((2, 21)) < 0.5
    store.commit(run_id, [started(), epoch_end(1.0)])
    seen = store.run(run_id).version
    store.commit(run_id, [ValidationHits(1.0, 21, pack(right[0]))])
    assert store.run(run_id).version == seen
    assert [event["event"] for _, event in store.history(run_id)] == ["started", "epoch"]
    store.commit(run_id, [epoch_end(2.0), ValidationHits(2.0, 21, pack(right[1])), checkpoint(2.0)])
    epochs, stored = reading.validation_hits(store, run_id)
    assert epochs.tolist() == [1.0, 2.0]
    assert np.array_equal(stored, right)
    other = store.create(run_config("mlp", {}))
    assert reading.validation_hits(store, other)[1].shape == (0, 0)


def test_what_an_interrupted_run_told_beyond_its_checkpoint_is_taken_back(store: Store) -> None:
    run_id = store.create(run_config("mlp", {}), request="pause")
    hits = [ValidationHits(float(epoch), 3, pack(np.ones(3, bool))) for epoch in (1, 2)]
    store.commit(run_id, [started(), epoch_end(1.0), hits[0], checkpoint(1.0), epoch_end(2.0), hits[1]])
    store.commit(run_id, [started(epoch=1)])
    assert reading.validation_hits(store, run_id)[0].tolist() == [1.0]
