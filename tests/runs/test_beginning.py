"""What a run begins with beside its settings: the same again when it goes on, and a sentence where it is not there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from core.config import RunConfig, run_config
from core.data.class_set import Digits, learned_from
from core.data.dataset import Dataset
from core.engine.events import EpochEnd, Event
from core.errors import ConfigError, RunError
from core.runs import beginning, class_set, groups, job
from core.runs.schema import StorageError
from core.runs.store import Store
from core.runs.worker import drive


def small(**values: object) -> RunConfig:
    return run_config("mlp", {"widths": (16,), "batch_size": 16, "epochs": 3, "dropout": 0.2, **values})


def own(n: int, seed: int = 5) -> Digits:
    random = np.random.default_rng(seed)
    return Digits(random.integers(0, 256, (n, 28, 28)).astype(np.uint8), np.arange(n) % 10)


def dying_at(epoch: float) -> Callable[[Event], None]:
    def on_saved(event: Event) -> None:
        if isinstance(event, EpochEnd) and event.epoch == epoch:
            raise KeyboardInterrupt

    return on_saved


def test_a_run_goes_on_with_the_digits_it_began_with_or_not_at_all(
    store: Store, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "CHECKPOINT_SECONDS", 0.0)
    config = small(class_set=0.2)
    with pytest.raises(ConfigError, match="no kept digits") as refused:
        store.create(config)
    assert refused.value.fields == ("class_set",)
    numbers = class_set.add(store, own(30)).numbers
    n_half = int(learned_from(own(30).images).sum())
    whole = drive(store, store.create(config), lambda name: dataset)
    assert whole.manifest["class_set"]["n"] == n_half
    assert whole.started["n_train"] == 834
    assert (whole.summary["n_val"], whole.summary["n_test"]) == (133, len(dataset.test_labels)), "as without them"
    run_id = store.create(config)
    with pytest.raises(KeyboardInterrupt):
        drive(store, run_id, lambda name: dataset, on_saved=dying_at(2))
    assert store.run(run_id).status == "interrupted"
    assert store.run(run_id).checkpoint_epoch
    class_set.add(store, own(20, seed=6))
    gone = [number for number, is_in in zip(numbers, learned_from(own(30).images), strict=True) if is_in][:1]
    class_set.delete(store, gone)
    with pytest.raises(StorageError, match=f"learned from {n_half} kept digits, and they are not all there any more"):
        drive(store, run_id, lambda name: dataset)
    class_set.restore(store, gone)
    before = {"class_set": whole.manifest["class_set"] | {"n": n_half - 1}}
    with pytest.raises(
        RunError, match=f"learned from {n_half - 1} kept digits, and others that had been deleted by then"
    ):
        beginning.prepare(store, replace(whole, manifest=before), dataset, is_new=False)
    resumed = drive(store, run_id, lambda name: dataset)
    assert resumed.manifest == whole.manifest
    for name, array in store.snapshot(run_id)[1].items():
        np.testing.assert_array_equal(array, store.snapshot(whole.run_id)[1][name])
    plain = drive(store, store.create(small()), lambda name: dataset)
    assert "class_set" not in plain.manifest
    assert [beginning.knows_class_set(run) for run in (whole, plain)] == [True, False]
    # In a comparison all learn from the same, also who begins after more were kept.
    planned = [groups.PlannedRun(small(class_set=0.2, seed=seed), 0) for seed in (0, 1)]
    _, (first, second) = groups.create_group(store, planned, name="two", kind="race", plan={})
    drive(store, first, lambda name: dataset)
    class_set.add(store, own(10, seed=7))
    assert drive(store, second, lambda name: dataset).manifest["class_set"] == store.run(first).manifest["class_set"]


def test_a_run_starts_from_another_that_fits(store: Store, dataset: Dataset) -> None:
    class_set.add(store, own(30))
    first = drive(store, store.create(small(class_set=0.2)), lambda name: dataset)
    queued = store.create(small(), request="pause")
    for values, words in (
        ({"start_from": first.run_id, "widths": (17,)}, "its weights do not fit mlp as it is set here"),
        ({"start_from": "f" * 32}, "there is no run with it that has ended"),
        ({"start_from": queued}, "there is no run with it that has ended"),
    ):
        with pytest.raises(ConfigError, match=words) as refused:
            store.create(small(**values))
        assert refused.value.fields == ("start_from",)
    with pytest.raises(ConfigError, match="do not fit softmax"):
        groups.create_runs(store, [run_config("softmax", {"start_from": first.run_id})])
    other_images = replace(dataset, hashes={"images": "others"})  # another dataset is no hindrance
    config = small(start_from=first.run_id[:12].upper() + " ", epochs=1)
    second = drive(store, store.create(config), lambda name: other_images)
    assert second.manifest["start_from"] == {"run_id": first.run_id, "knows_class_set": True}
    assert beginning.knows_class_set(second)
    assert second.name == f"MLP, from run {first.run_id[:12]}, batch 16"
    (untrained, *_) = [event for _, event in store.history(second.run_id) if event["event"] == "epoch"]
    assert untrained["val_acc"] == first.summary["val_acc"]
    third = store.create(small(start_from=second.run_id))
    store.delete(second.run_id)
    with pytest.raises(StorageError, match="This run was deleted"):
        drive(store, third, lambda name: dataset)
    store.restore(second.run_id)
    assert drive(store, third, lambda name: dataset).status == "finished"


def test_what_it_starts_from_knows_none_of_its_held_out_or_test_images(store: Store, dataset: Dataset) -> None:
    first = drive(store, store.create(small(epochs=1, split_seed=7, val_fraction=0.1)), lambda name: dataset)
    start = {"start_from": first.run_id, "split_seed": 7}
    with pytest.raises(ConfigError, match=r"split seed, 7, and at most its validation share, 0\.1") as refused:
        store.create(small(**start, val_fraction=0.11))
    assert refused.value.fields == ("start_from",)
    for fraction in (0.1, 0.05, 0):
        assert store.create(small(**start, val_fraction=fraction))
    assert store.create(small(**start | {"split_seed": 8}, val_fraction=0.1)), "the last forms, whatever the seed"
    of_mnist = store.create(small(dataset="mnist", epochs=1, val_fraction=0.1, n_train=100))
    drive(store, of_mnist, lambda name: dataset)
    for values, words in (
        ({"dataset": "mnist", "split_seed": 8}, "learned from some of the images that are held out here"),
        ({"dataset": "kaggle"}, "it knows test images of this run"),
    ):
        with pytest.raises(ConfigError, match=words):
            store.create(small(start_from=of_mnist, val_fraction=0.1, **values))
    assert store.create(small(start_from=of_mnist, dataset="mnist", val_fraction=0, split_seed=8))
    assert store.create(small(start_from=of_mnist, dataset="digits"))


def test_a_digit_that_lost_pixels_is_none_to_learn_from(store: Store) -> None:
    class_set.add(store, own(1))
    with store.database.write() as db:
        db.execute("UPDATE class_set SET image = x'00'")
    with pytest.raises(ConfigError, match="no kept digits"):
        store.create(small(class_set=0.2))
