"""A row that is no longer what was written is noticed, said, and costs nothing but itself."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from run_material import checkpoint, epoch_end, finished, made_evaluation, progress, started

from core.cli.app import main
from core.config import RunConfig, run_config
from core.data.class_set import Digits
from core.engine.events import Snapshot, ValidationHits, pack
from core.errors import RunError
from core.runs import challenges, class_set, groups, guesses, measurements, reading
from core.runs.checksums import COLUMNS, checksum
from core.runs.lease import Lease
from core.runs.store import Store


def ended_run(store: Store, config: RunConfig, name: str) -> str:
    run_id = store.create(config, name=name, request="pause")
    hits = ValidationHits(1, 8, pack(np.ones(8, bool)))
    store.commit(
        run_id, [started(), epoch_end(0), epoch_end(1), hits, progress(1.5), checkpoint(1)], manifest={"seed": 0}
    )
    store.finish(run_id, [finished(2)], {"test": made_evaluation()})
    return run_id


def by_hand(root: Path, query: str, *values: object) -> None:
    """Change the file as somebody else would: another program, without a checksum."""
    with sqlite3.connect(root / "runs.sqlite3") as db:
        assert db.execute(query, values).rowcount == 1
    db.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE runs SET config = '{broken' WHERE run_id = ?", "its settings can no longer be read"),
        ("UPDATE runs SET config = '[]' WHERE run_id = ?", "changed or damaged after it was written"),
        ("UPDATE runs SET config = replace(config, '64', '65') WHERE run_id = ?", "changed or damaged"),
        ("UPDATE runs SET manifest = '{' WHERE run_id = ?", "the record of how it was trained can no longer be read"),
        ("UPDATE runs SET tags = 'mine' WHERE run_id = ?", "its tags can no longer be read"),
        ("UPDATE runs SET name = 'better' WHERE run_id = ?", "changed or damaged after it was written"),
        ("UPDATE runs SET notes = CAST(x'ff41' AS TEXT) WHERE run_id = ?", "changed or damaged after it was written"),
        ("UPDATE runs SET created_utc = 7 WHERE run_id = ?", "changed or damaged after it was written"),
        (
            "UPDATE summaries SET payload = replace(payload, '0.75', '0.95') WHERE run_id = ?",
            "its results were changed",
        ),
        ("UPDATE summaries SET payload = '' WHERE run_id = ?", "its results were changed"),
        ("UPDATE summaries SET status = 'stopped' WHERE run_id = ?", "its results were changed"),
    ],
)
def test_a_damaged_run_is_listed_as_damaged_and_the_others_live(
    store: Store, root: Path, config: RunConfig, change: str, words: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    damaged_id, sound_id = ended_run(store, config, "first"), ended_run(store, config, "second")
    by_hand(root, change, damaged_id)
    assert [run.run_id for run in store.runs()] == [sound_id]
    (damaged,) = store.damaged_runs()
    assert (damaged.run_id, damaged.number) == (damaged_id, 1)
    assert words.lower() in damaged.reason.lower()
    for use in (store.run, lambda run_id: store.annotate(run_id, name="sound again")):
        with pytest.raises(RunError, match="is damaged"):
            use(damaged_id)

    monkeypatch.setenv("DIGIT_LAB_RUNS", str(root))
    assert main(["runs"]) == 0
    assert f"{damaged_id}  {damaged.name}: damaged. {damaged.reason}" in capsys.readouterr().out.splitlines()
    assert main(["show", damaged_id]) == 2
    assert damaged.reason in capsys.readouterr().err
    assert main(["compare", damaged_id, sound_id]) == 2
    assert main(["show", sound_id]) == 0

    store.delete(damaged_id)
    assert store.damaged_runs() == []
    store.restore(damaged_id)
    assert len(store.damaged_runs()) == 1
    by_hand(root, "UPDATE runs SET deleted_utc = '2020-01-01' WHERE run_id = ?", damaged_id)
    store.purge()
    assert [row["run_id"] for row in store.database.read("SELECT run_id FROM runs WHERE number > 0")] == [sound_id]
    assert store.snapshot(sound_id)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET payload = replace(payload, '\"val_acc\": 0.5', '\"val_acc\": 0.9') WHERE seq = 3",
        "UPDATE events SET payload = '{' WHERE seq = 3",
        "UPDATE events SET payload = CAST(x'ff' AS TEXT) WHERE seq = 3",
        "UPDATE events SET epoch = 7 WHERE seq = 3",
        "UPDATE events SET step = step + 1 WHERE seq = 3",
        "UPDATE events SET checksum = NULL WHERE seq = 3",
    ],
)
def test_a_damaged_event_is_left_out_and_said(store: Store, root: Path, config: RunConfig, change: str) -> None:
    run_id = ended_run(store, config, "run")
    assert reading.damaged_events_sentence(store, run_id) == ""
    by_hand(root, change)
    assert [event.get("epoch") for _, event in store.history(run_id)] == [0, 0, 1.5, 2]
    assert [end["epoch"] for end in reading.epoch_ends(store, [run_id])[run_id]] == [0]
    assert reading.damaged_events_sentence(store, run_id) == "1 of the 6 events of this run is damaged and left out."
    assert store.run(run_id).status == "finished"


def test_damaged_hits_and_a_damaged_newest_event_are_left_out(store: Store, root: Path, config: RunConfig) -> None:
    run_id = store.create(config, request="pause")
    hits = ValidationHits(1, 8, pack(np.ones(8, bool)))
    store.commit(run_id, [started(), epoch_end(1), hits, progress(1.5)])
    for kind in ("judged", "progress"):
        by_hand(root, "UPDATE events SET payload = replace(payload, '1', '2') WHERE kind = ?", kind)
    assert reading.validation_hits(store, run_id)[0].tolist() == []
    assert store.run(run_id).epoch == 0
    store.finish(run_id, [finished(2)], {})  # the speed and the epoch are taken from what is sound
    assert store.run(run_id).summary["images_per_s"] == 1000


def test_a_damaged_event_is_said_by_show(
    store: Store, root: Path, config: RunConfig, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = ended_run(store, config, "run")
    by_hand(root, "UPDATE events SET payload = replace(payload, '5', '6') WHERE seq = 3")
    monkeypatch.setenv("DIGIT_LAB_RUNS", str(root))
    assert main(["show", run_id]) == 0
    assert "1 of the 6 events of this run is damaged and left out." in capsys.readouterr().out


@pytest.mark.parametrize("change", ["plan = '{'", "plan = '{}'", "name = 'other'", "kind = 'tuning'"])
def test_a_damaged_race_is_left_out_of_the_list(store: Store, root: Path, config: RunConfig, change: str) -> None:
    planned = [groups.PlannedRun(config, 0)]
    damaged_id, run_ids = groups.create_group(store, planned, name="Mine", kind="race", plan={"contestants": []})
    other_id, _ = groups.create_group(store, planned, name="Other", kind="race", plan={"contestants": []})
    by_hand(root, f"UPDATE groups SET {change} WHERE group_id = ?", damaged_id)
    assert [group.group_id for group in groups.groups(store)] == [other_id]
    assert len(groups.damaged_groups(store)) == 1
    for use in (lambda: groups.group(store, damaged_id), lambda: groups.rename_group(store, damaged_id, "Sound")):
        with pytest.raises(RunError, match="race is damaged"):
            use()
    assert store.run(run_ids[0]).group == damaged_id


def test_a_damaged_name_of_a_file_costs_no_file(store: Store, root: Path, config: RunConfig) -> None:
    run_id, other = ended_run(store, config, "first"), ended_run(store, run_config("softmax", {"epochs": 4}), "second")
    files = sorted((root / "artefacts").glob("*/*"))
    by_hand(root, "UPDATE artefacts SET sha256 = ? WHERE run_id = ? AND role = 'best'", "0" * 64, run_id)
    with pytest.raises(RunError, match="changed or damaged"):
        store.snapshot(run_id)
    store.purge()
    assert sorted((root / "artefacts").glob("*/*")) == files
    assert store.snapshot(other)
    assert run_id not in reading.weight_bytes(store)


def test_a_damaged_run_is_neither_trained_nor_written_about(store: Store, root: Path, config: RunConfig) -> None:
    run_id = store.create(config)
    store.commit(run_id, [started()])
    by_hand(root, "UPDATE runs SET manifest = '{' WHERE run_id = ?", run_id)
    for write in (
        lambda: store.commit(run_id, [progress(0.5)], manifest={"seed": 1}),
        lambda: store.finish(run_id, [finished()], {}),
    ):
        with pytest.raises(RunError, match="damaged"):
            write()
    with Lease(root) as lease:
        assert store.claim(lease.id) == run_id  # whoever opens it says why it does not begin
    assert len(store.history(run_id)) == 1


def test_every_writer_leaves_rows_that_fit_their_checksum(store: Store, config: RunConfig) -> None:
    run_id = ended_run(store, config, "")
    store.create(config, request="pause")  # its default name is taken, and it gets another
    store.annotate(run_id, name="new", tags=["a"], notes="b")
    keeping = store.create(config)
    store.commit(keeping, [Snapshot(0, 0, {"weight": np.ones(3, np.float16)})])
    group_id, _ = groups.create_group(store, [groups.PlannedRun(config, 0)], name="Mine", kind="race", plan={"a": 1})
    groups.rename_group(store, group_id, "Yours")
    measurements.write(store, run_id, "key", {"n_right": 1})
    class_set.add(store, Digits(np.zeros((1, 28, 28), np.uint8), np.array([3])), writer="Ana")
    asks = SimpleNamespace(id="same-weights", check_guess=lambda value: value)
    guess_id = guesses.save(store, "f" * 32, asks, 0, "as I think")
    guesses.mark_revealed(store, "f" * 32, guess_id, {"values": [0.9]})
    challenge_id = challenges.make(store, "f" * 32, "Two points", "8b", config, challenges.Terms())
    taking_part = store.create(challenges.get(store, challenge_id).config, owner="e" * 32)
    challenges.enter(store, "e" * 32, challenge_id, [taking_part], "Ana")
    for table, columns in COLUMNS.items():
        rows = store.database.read(f"SELECT * FROM {table}")
        assert rows
        assert [row["checksum"] for row in rows] == [checksum(*(row[name] for name in columns)) for row in rows]
