from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from run_material import checkpoint, finished, started

from core.config import RunConfig, run_config
from core.errors import ConfigError, RunError
from core.runs import store as store_module
from core.runs.lease import Lease
from core.runs.names import default_name
from core.runs.store import Store


def files(root: Path) -> int:
    return len(list((root / "artefacts").glob("*/*")))


def test_a_unique_beginning_of_an_id_is_enough(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    assert store.run(run_id[:6]).run_id == run_id
    other = store.create(config)
    with pytest.raises(RunError, match="More than one run"):
        store.run(run_id[:6])
    assert store.run(other).run_id == other


@pytest.mark.parametrize("run_id", [
    "", "abc", "../../../../etc/passwd", "a/../b", "0" * 32 + "\0", "\0", "a" * 10_000, "․․/․․", "٠" * 32, "G" * 32,
    "%", "0'; DROP TABLE runs; --", "\ud800" * 8, "a" * 32 + "\n", "<b>aaaaaa</b>",
])  # fmt: skip
def test_a_hostile_id_is_refused_in_one_short_sentence(store: Store, root: Path, run_id: str) -> None:
    before = sorted(root.rglob("*"))
    for call in (
        store.run, store.history, store.checkpoint, store.snapshot, store.delete, store.restore,
        lambda hostile_id: store.evaluation(hostile_id, "test"), lambda hostile_id: store.request(hostile_id, "stop"),
        lambda hostile_id: store.annotate(hostile_id, name="x"), lambda hostile_id: store.claim("0" * 32, hostile_id),
    ):  # fmt: skip
        with pytest.raises(RunError) as refused:
            call(run_id)
        assert len(str(refused.value)) < 100
    assert sorted(root.rglob("*")) == before


@pytest.mark.parametrize("name", ["Größe 3 · ✓", "a" * 80, "<script>alert(1)</script>", "e\u0301", "  spaced  "])
def test_a_run_can_be_called_anything_printable(store: Store, config: RunConfig, name: str) -> None:
    run_id = store.create(config)
    store.annotate(run_id, name=name)
    assert store.run(run_id).name in (name.strip(), "é")
    store.annotate(run_id, name="")
    assert store.run(run_id).name == "Softmax regression, 3 epochs"


@pytest.mark.parametrize(
    "name", ["a" * 81, "a\0b", "a\nb", "a\x1b[31m", "\u202eevil", "\u2066x\u2069", "a\u200bb", "\ud800"]
)
def test_a_name_that_can_not_be_shown_is_refused(store: Store, config: RunConfig, name: str) -> None:
    run_id = store.create(config)
    for call in (lambda: store.annotate(run_id, name=name), lambda: store.create(config, name=name)):
        with pytest.raises(ConfigError):
            call()
    with pytest.raises(ConfigError):
        store.create(config, group=name)
    assert store.run(run_id).name == "Softmax regression, 3 epochs"
    assert len(store.runs()) == 1


def test_a_deleted_run_is_out_of_sight_and_can_be_brought_back(store: Store, root: Path, config: RunConfig) -> None:
    run_id = store.create(config)
    store.delete(run_id)
    assert store.runs() == []
    with pytest.raises(RunError, match="deleted"):
        store.run(run_id)
    with Lease(root) as lease:
        assert store.claim(lease.id) is None
    store.restore(run_id)
    assert store.run(run_id).status == "queued"


def test_deleting_a_run_in_training_tells_its_worker_to_stop(store: Store, root: Path, config: RunConfig) -> None:
    run_id = store.create(config)
    with Lease(root) as lease:
        store.claim(lease.id)
        store.delete(run_id)
        assert store.requested(run_id) == "stop"
        store.finish(run_id, [started(), finished()], {})
    store.restore(run_id)
    assert store.run(run_id).status == "finished"


def test_purge_takes_old_tombstones_and_their_files_and_nothing_else(
    store: Store, root: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, fresh, kept, training = (store.create(config) for _ in range(4))
    for epoch, run_id in enumerate((old, fresh, kept, training)):
        store.commit(run_id, [started(), checkpoint(epoch)])
    with Lease(root) as lease:
        store.claim(lease.id, training)
        monkeypatch.setattr(store_module, "_now", lambda: datetime.now(UTC) - timedelta(days=2))
        store.delete(old)
        store.delete(training)
        monkeypatch.undo()
        store.delete(fresh)
        store.purge()
        assert files(root) == 6
        with pytest.raises(RunError, match="no run"):
            store.restore(old)
        for run_id in (fresh, training):
            store.restore(run_id)
            assert store.checkpoint(run_id) is not None


@pytest.mark.parametrize(
    ("architecture", "values", "name"),
    [
        ("mlp", {}, "MLP"),
        ("cnn", {"lr": 0.01, "seed": 3}, "CNN, lr 0.01, seed 3"),
        ("mlp", {"widths": "64,32", "batch_size": 32, "seed": 1}, "MLP, batch 32, 64-32, seed 1"),
        ("lstm", {"n_train": 3000, "epochs": 7}, "LSTM, 3,000 images, 7 epochs"),
        (
            "vit",
            {"l1": 0.001, "rotation": 5, "epochs": 9},
            "ViT, random rotation 5 degrees, L1 penalty 0.001",
        ),
        ("compact", {"dataset": "mnist", "device": "cpu", "snapshots": "epochs"}, "Compact CNN, MNIST"),
    ],
)
def test_a_run_without_a_name_is_called_by_what_it_does_otherwise_than_usual(architecture, values, name: str) -> None:
    assert default_name(run_config(architecture, values)) == name


def test_no_two_runs_are_called_the_same_unless_somebody_says_so(store: Store, config: RunConfig) -> None:
    ids = [store.create(config) for _ in range(3)]
    store.delete(ids[1])
    names = [run.name for run in store.runs()]
    assert names == ["Softmax regression, 3 epochs, run 3", "Softmax regression, 3 epochs"]
    store.annotate(ids[0], name="mine")
    assert (store.run(ids[0]).name, store.run(ids[0]).is_named) == ("mine", True)


def test_a_run_keeps_its_place_among_those_of_its_architecture(store: Store, config: RunConfig) -> None:
    """Its look on every chart hangs on it."""
    first, second = store.create(config), store.create(config)
    other = store.create(run_config("mlp", {}))
    store.delete(first)
    third = store.create(config)
    with store.database.write() as db:
        db.execute("DELETE FROM runs WHERE run_id = ?", (first,))
    assert [store.run(run_id).architecture_place for run_id in (second, other, third)] == [1, 0, 2]
