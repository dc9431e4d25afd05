"""Reference runs: files that come with the program and become runs of every store, once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import zlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_material import finished, started

from core import data
from core.config import RunConfig, parse, run_config
from core.data.dataset import Dataset
from core.data.drawn import to_digit
from core.data.own_digits import own_digits
from core.data.split import split as split_images
from core.data.strokes import rasterise
from core.engine.evaluate import Predictor, evaluate
from core.engine.events import Started
from core.errors import DataError, InputError, RunError
from core.experiments import presets
from core.experiments import reference_runs as reference
from core.inspect.activations import activations
from core.inspect.layer_pictures import as_pictures, softmax
from core.runs import answers, artefacts, first_looks, shipped, snapshots
from core.runs import store as store_module
from core.runs.lease import Lease
from core.runs.manifest import own_images
from core.runs.schema import StorageError
from core.runs.store import Store

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "assets" / "reference_runs"
LABELS = {"dense": "MLP, embedded digits", "line": "Softmax regression, embedded digits"}
LIMIT = 9_000_000  # bytes, of all files together but the answers and the layers
ANSWERS_LIMIT = 2_000_000  # bytes, of all answers together
LAYERS_LIMIT = 1_500_000  # bytes, of what all layers make of the digits that come with the program
MAX_SNAPSHOTS = 8
SMALL = {"dataset": "digits", "epochs": 2, "n_train": 300}


@pytest.fixture(scope="session")
def reference_folder(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> Path:
    """A folder with two small reference runs, made as the real ones are."""
    folder = tmp_path_factory.mktemp("reference")
    for name, values in (("dense", {"widths": (16,)}), ("line", {})):
        config = run_config("mlp" if values else "softmax", SMALL | values)
        *_, last = reference.make(reference.Plan(name, config, digits, n_snapshots=2 if name == "line" else 0), folder)
        assert last["written"], last
    return folder


@pytest.fixture
def folder(reference_folder: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(reference_folder, tmp_path / "reference"))


def rewritten(folder: Path, name: str, **changes: Any) -> None:
    """The JSON file with other values, its hash made to fit."""
    path = folder / f"{name}.json"
    record = json.loads(path.read_text("utf-8")) | changes
    del record["sha256"]
    path.write_text(json.dumps({"sha256": shipped._digest(record), **record}), "utf-8")


def test_an_empty_store_takes_them_in_as_ended_runs(store: Store, folder: Path) -> None:
    shipped.adopt(store, folder)
    runs = store.runs()
    assert {run.name for run in runs} == {"dense", "line"}
    for run in runs:
        record = shipped.read(folder, run.name)
        assert (run.run_id, run.status, run.shipped, run.label) == (
            record.run_id, "finished", True, f"{LABELS[run.name]} (shipped)",
        )  # fmt: skip
        assert run.summary.items() >= record.figures.items()
        assert run.manifest == record.manifest
        assert [event["event"] for _, event in store.history(run.run_id)] == [
            "started", "epoch", "epoch", "epoch", "finished",
        ]  # fmt: skip
        about, weights = store.snapshot(run.run_id)
        assert about["architecture"] == run.architecture
        assert (about["mean"], about["std"]) == (run.started["mean"], run.started["std"])
        assert weights.keys() == record.weights.keys()
        for name, array in weights.items():
            assert array.dtype == np.float32
            np.testing.assert_array_equal(array, record.weights[name])
        assert store.evaluation(run.run_id, "test") is None
    assert store.notice == ""


def test_taking_them_in_again_changes_nothing_and_every_store_gives_them_the_same_ids(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    shipped.adopt(store, folder)
    before = store.runs()
    shipped.adopt(store, folder)
    assert store.runs() == before
    for path in folder.glob("*.json"):  # as git writes it on Windows
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    other = Store(tmp_path / "other")
    shipped.adopt(other, folder)
    assert [run.run_id for run in other.runs()] == [run.run_id for run in before]


def test_some_bring_weights_of_the_way_to_theirs_also_to_a_store_that_has_the_run_already(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    shipped.adopt(store, folder)
    runs = {run.name: run.run_id for run in store.runs()}
    steps = [kept.step for kept in snapshots.kept(store, runs["line"])]
    assert steps == [0, 1, 10]
    assert snapshots.kept(store, runs["line"])[-1].epoch == store.run(runs["line"]).summary["best_epoch"]
    weights = {step: snapshots.load(store, runs["line"], step)[1]["head.weight"] for step in steps}
    np.testing.assert_array_equal(weights[10], store.snapshot(runs["line"])[1]["head.weight"])
    assert not np.array_equal(weights[0], weights[1])
    assert snapshots.kept(store, runs["dense"]) == ()

    older = Path(shutil.copytree(folder, tmp_path / "older"))
    (older / "line.snapshots.safetensors").unlink()
    record = json.loads((older / "line.json").read_text("utf-8"))
    del record["snapshots"]
    (older / "line.json").write_text(json.dumps(record), "utf-8")
    with_it = Store(tmp_path / "other")
    shipped.adopt(with_it, older)
    assert (with_it.notice, snapshots.kept(with_it, runs["line"])) == ("", ())
    shipped.adopt(with_it, folder)
    before = with_it.runs()
    shipped.adopt(with_it, folder)
    assert [kept.step for kept in snapshots.kept(with_it, runs["line"])] == steps
    assert (with_it.notice, with_it.runs()) == ("", before)


def test_they_count_as_the_oldest_and_wait_in_no_queue(store: Store, root: Path, folder: Path) -> None:
    shipped.adopt(store, folder)
    best, second = store.runs()
    assert best.summary["test_acc"] >= second.summary["test_acc"]
    run_id = store.create(run_config("softmax", {}))
    run = store.run(run_id)
    assert (run.number, run.name, run.queue_position, run.shipped, run.label) == (
        1, "Softmax regression", 1, False, "Softmax regression",
    )  # fmt: skip
    assert run.architecture_place == 1, "the shipped one of its architecture has place 0"
    assert [one.run_id for one in store.runs()] == [run_id, best.run_id, second.run_id]
    assert best.run_id < run_id
    for what in ("run", "stop", "pause"):
        store.request(best.run_id, what)  # type: ignore[arg-type]
        assert store.run(best.run_id).status == "finished"
    with Lease(root) as lease:
        assert [store.claim(lease.id), store.claim(lease.id), store.claim(lease.id, best.run_id)] == [
            run_id, None, None,
        ]  # fmt: skip


def test_a_deleted_one_stays_deleted_and_can_be_brought_back(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped.adopt(store, folder)
    run = store.runs()[0]
    monkeypatch.setattr(store_module, "_now", lambda: datetime.now(UTC) - timedelta(days=30))
    store.delete(run.run_id)
    monkeypatch.undo()
    for _ in range(2):
        store.purge()
        shipped.adopt(store, folder)
        assert run.run_id not in {one.run_id for one in store.runs()}
    store.restore(run.run_id)
    assert store.run(run.run_id) == run
    assert store.snapshot(run.run_id)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a flipped bit in the weights": lambda folder: flip(folder / "line.safetensors"),
    "a flipped bit in the record": lambda folder: flip(folder / "line.json"),
    "a cut record": lambda folder: (folder / "line.json").write_text('{"sha256": '),
    "a record of another kind": lambda folder: (folder / "line.json").write_text("[]"),
    "no weights": lambda folder: (folder / "line.safetensors").unlink(),
    "a flipped bit in the weights on the way": lambda folder: flip(folder / "line.snapshots.safetensors"),
    "no weights on the way": lambda folder: (folder / "line.snapshots.safetensors").unlink(),
    "no record": lambda folder: (folder / "line.json").unlink(),
    "another's weights": lambda folder: shutil.copy(folder / "dense.safetensors", folder / "line.safetensors"),
    "an unknown event": lambda folder: rewritten(folder, "line", events=[{"event": "sang"}]),
    "an unknown architecture": lambda folder: rewritten(folder, "line", config={"architecture": "perceptron"}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_not_as_it_was_shipped_is_a_notice_and_the_others_are_taken_in(
    store: Store, folder: Path, damage: str
) -> None:
    DAMAGES[damage](folder)
    shipped.adopt(store, folder)
    assert [run.name for run in store.runs()] == ["dense"]
    assert store.notice.startswith("The reference run line can not be used: ")
    assert str(folder) not in store.notice


def test_a_folder_that_is_not_there_means_none(store: Store, tmp_path: Path) -> None:
    shipped.adopt(store, tmp_path / "nowhere")
    assert (store.runs(), store.notice) == ([], "")


def test_a_disk_that_refuses_is_a_notice_and_the_store_can_be_browsed(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise StorageError("storage problem: the disk is full.")

    monkeypatch.setattr(store.database, "write", refuse)
    shipped.adopt(store, folder)
    assert "could not be taken in: storage problem: the disk is full." in store.notice
    assert store.runs() == []


def test_the_folder_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(tmp_path))
    assert shipped.shipped_root() == tmp_path
    monkeypatch.delenv("DIGIT_LAB_REFERENCE_RUNS")
    assert shipped.shipped_root() == ASSETS


def test_many_stores_that_open_at_once_take_in_each_one_once(root: Path, folder: Path) -> None:
    stores = [Store(root) for _ in range(4)]
    barrier = threading.Barrier(len(stores))

    def take_in(store: Store) -> None:
        barrier.wait()
        shipped.adopt(store, folder)

    threads = [threading.Thread(target=take_in, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.notice for store in stores] == [""] * len(stores)
    assert sorted(run.name for run in stores[0].runs()) == ["dense", "line"]


def test_two_processes_at_once_and_neither_waits_for_torch(root: Path, folder: Path) -> None:
    code = (
        "import sys; from core.runs.shipped import open_store; store = open_store(); names = [r.name for r in store.runs()];"
        "print(sorted(names), repr(store.notice), 'torch' in sys.modules)"
    )
    environment = {**os.environ, "DIGIT_LAB_RUNS": str(root), "DIGIT_LAB_REFERENCE_RUNS": str(folder)}
    openers = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [one.communicate(timeout=60)[0].strip() for one in openers] == ["['dense', 'line'] '' False"] * 2
    assert len(Store(root).runs()) == 2


def test_weights_travel_in_16_bits_and_whole_numbers_stay() -> None:
    weights = {"weight": np.array([1 / 3, -2.0], np.float32), "count": np.array(70_000)}
    half = shipped.rounded(weights)
    assert (half["weight"].dtype, half["count"]) == (np.float16, 70_000)
    back = shipped.restored(half)
    assert back["weight"].dtype == np.float32
    np.testing.assert_allclose(back["weight"], weights["weight"], rtol=2**-11)
    with pytest.raises(RunError, match="wide holds a weight that 16 bits can not hold"):
        shipped.rounded({"wide": np.array([7e4], np.float32)})


@pytest.mark.parametrize("split", ["val", "test"])
def test_asked_for_the_first_time_they_answer_and_the_answers_are_kept(
    store: Store, folder: Path, digits: Dataset, split: str
) -> None:
    import torch

    shipped.adopt(store, folder)
    before = torch.random.get_rng_state()

    def no_images(name: str) -> Dataset:
        raise AssertionError("the answers were kept")

    for run in store.runs():
        so_far: list[int] = []
        made_now = shipped.evaluation(store, run, split, lambda name: digits, so_far.append)
        assert so_far == sorted(set(so_far))
        assert so_far[-1] == run.summary[f"n_{split}"]
        kept = shipped.evaluation(store, run, split, no_images, so_far.clear)  # type: ignore[arg-type] # never called
        assert so_far
        assert made_now is not None
        assert kept is not None
        np.testing.assert_array_equal(made_now.logits, kept.logits)
        figures = (kept.score.accuracy, kept.score.loss, kept.score.n)
        assert figures == pytest.approx(
            tuple(run.summary[key] for key in (f"{split}_acc", f"{split}_loss", f"n_{split}"))
        )
    assert torch.equal(torch.random.get_rng_state(), before), "a run in training shares this generator"


@pytest.fixture(scope="session")
def views_folder(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> Path:
    """A folder with a small reference run that looks at each image five times, and what it answers."""
    folder = tmp_path_factory.mktemp("views")
    config = run_config("softmax", SMALL | {"tta_views": 5})
    *_, last = reference.make(reference.Plan("many", config, digits), folder)
    assert last["bytes"] == sum(path.stat().st_size for path in folder.glob("*"))
    return folder


def spoil_nothing(folder: Path, dataset: Dataset) -> Dataset:
    return dataset


def spoil_image(folder: Path, dataset: Dataset) -> Dataset:
    images = dataset.test_images.copy()
    images[0, 14, 14] ^= 1
    return replace(dataset, test_images=images)


def spoil_label(folder: Path, dataset: Dataset) -> Dataset:
    return replace(dataset, test_labels=np.roll(dataset.test_labels, 1))


def spoil_logits(folder: Path, dataset: Dataset) -> Dataset:
    content = bytearray((folder / "many.answers").read_bytes())
    content[-1] ^= 1
    (folder / "many.answers").write_bytes(content)
    return dataset


def spoil_file(folder: Path, dataset: Dataset) -> Dataset:
    (folder / "many.answers").write_bytes(b"no answers")
    return dataset


def spoil_weights(folder: Path, dataset: Dataset) -> Dataset:
    about, arrays = artefacts.unpack((folder / "many.answers").read_bytes())
    (folder / "many.answers").write_bytes(artefacts.pack(about | {"weights": "0" * 64}, arrays))
    return dataset


def remove_file(folder: Path, dataset: Dataset) -> Dataset:
    (folder / "many.answers").unlink()
    return dataset


def damage_another_run(folder: Path, dataset: Dataset) -> Dataset:
    for name in ("another.json", "another.answers"):
        (folder / name).write_bytes(b"{")
    return dataset


@pytest.mark.parametrize(
    ("spoil", "is_used"),
    [(spoil_nothing, True), (damage_another_run, True), (spoil_image, False), (spoil_label, False), (spoil_logits, False),
     (spoil_file, False), (spoil_weights, False), (remove_file, False)],
)  # fmt: skip
def test_answers_that_came_with_a_run_are_used_for_its_weights_and_images_alone(
    spoil: Callable[[Path, Dataset], Dataset], is_used: bool, views_folder: Path, store: Store, digits: Dataset,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    folder = Path(shutil.copytree(views_folder, tmp_path / "reference"))
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(folder))
    shipped.adopt(store, folder)
    (run,) = store.runs()
    dataset, read = spoil(folder, digits), []
    answered = shipped.evaluation(store, run, "test", lambda name: dataset, read.append)
    assert answered is not None
    assert bool(read) != is_used
    config = run.run_config()
    anew = evaluate(config, store.snapshot(run.run_id)[1], dataset, "test")
    assert anew is not None
    np.testing.assert_array_equal(answered.logits, anew.logits)
    np.testing.assert_array_equal(answered.labels, dataset.test_labels)
    kept = store.evaluation(run.run_id, "test")
    assert kept is not None
    np.testing.assert_array_equal(kept.logits, anew.logits)


def test_a_run_of_one_view_brings_no_answers_along(folder: Path, digits: Dataset) -> None:
    assert shipped.write_answers(folder, "dense", lambda name: digits) == 0
    assert not list(folder.glob("*.answers"))


def test_without_its_own_images_a_run_gives_no_answer(store: Store, folder: Path, dataset: Dataset) -> None:
    shipped.adopt(store, folder)
    run = store.runs()[0]
    with pytest.raises(DataError, match="not those"):
        shipped.evaluation(store, run, "test", lambda name: dataset)
    assert store.evaluation(run.run_id, "test") is None


def test_a_run_made_here_is_never_judged_later(store: Store, config: RunConfig, dataset: Dataset) -> None:
    run_id = store.create(config)
    store.finish(run_id, [started(), finished()], {})
    assert shipped.evaluation(store, store.run(run_id), "test", lambda name: dataset) is None


# ---- the real ones


def references() -> list[Any]:
    outcomes = []
    for name in shipped.names(ASSETS):
        dataset = json.loads((ASSETS / f"{name}.json").read_text("utf-8"))["config"]["data"]["dataset"]
        outcomes.append(pytest.param(name, marks=[pytest.mark.mnist] if dataset == "mnist" else [], id=name))
    return outcomes


def test_each_shipped_run_has_a_label_of_its_own(store: Store) -> None:
    shipped.adopt(store, ASSETS)
    labels = [run.label for run in store.runs()]
    assert len(set(labels)) == len(labels)
    assert {"CNN (shipped)", "CNN, embedded digits (shipped)"} <= set(labels)


def test_what_is_shipped_is_small_whole_and_no_more_than_what_is_asked_for() -> None:
    n_bytes = {path: path.stat().st_size for path in ASSETS.glob("*")}
    by_suffix: dict[str, int] = defaultdict(int)
    for path, n in n_bytes.items():
        by_suffix[path.suffix] += n
    assert by_suffix.pop(answers.ANSWERS) <= ANSWERS_LIMIT
    assert by_suffix.pop(first_looks.LAYERS) <= LAYERS_LIMIT
    assert sum(by_suffix.values()) <= LIMIT
    records = {name: shipped.read(ASSETS, name) for name in shipped.names(ASSETS)}
    assert {"digits-mlp", "digits-cnn"} <= records.keys() <= {record.name for record in reference.REFERENCES}
    slow = {name for name, record in records.items() if parse(record.config).training.tta_views >= answers.MIN_VIEWS}
    assert {path.stem for path in n_bytes if path.suffix == answers.ANSWERS} == slow
    assert {path.stem for path in n_bytes if path.suffix == first_looks.LAYERS} == records.keys()
    for name, record in records.items():
        assert record.name == name
        steps = [kept.step for kept in record.snapshots]
        assert steps == sorted(set(steps))
        assert len(steps) <= MAX_SNAPSHOTS
        assert all(
            kept.weights.keys() == record.weights.keys() and kept.epoch < record.figures["best_epoch"]
            for kept in record.snapshots
        )
        reference_run = next(reference_run for reference_run in reference.REFERENCES if reference_run.name == name)
        assert parse(record.config) in presets.get(reference_run.preset).configs(snapshots="none"), (
            "its preset has changed: train it again"
        )
        assert record.events[-1].kind == "finished"
        assert record.figures["best_epoch"] == record.events[-1].best_epoch  # type: ignore[attr-defined]
        assert record.figures["seconds"] == record.events[-1].seconds  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", references())
def test_the_recorded_figures_are_those_of_the_shipped_weights(name: str) -> None:
    record = shipped.read(ASSETS, name)
    config = parse(record.config)
    dataset = own_images(record.manifest, data.load(config.data.dataset))
    splits = ("val", "test") if config.data.val_fraction else ("test",)
    for split in splits:
        evaluation = evaluate(config, record.weights, dataset, split)  # type: ignore[arg-type]
        assert evaluation is not None
        assert (evaluation.score.accuracy, evaluation.score.n) == (
            record.figures[f"{split}_acc"],
            record.figures[f"n_{split}"],
        )
        assert evaluation.score.loss == pytest.approx(record.figures[f"{split}_loss"], abs=1e-4)
    if (ASSETS / f"{name}{answers.ANSWERS}").exists():
        weights = json.loads((ASSETS / f"{name}.json").read_text("utf-8"))["weights"]
        shipped_answers = answers.read(ASSETS, name, weights, dataset)
        assert shipped_answers is not None
        np.testing.assert_allclose(shipped_answers.logits, evaluation.logits, atol=1e-3)


@pytest.mark.parametrize("name", shipped.names(ASSETS))
def test_each_network_reads_the_digits_that_come_with_the_program_and_its_kept_layers_are_its_own(name: str) -> None:
    record = shipped.read(ASSETS, name)
    begun = next(event for event in record.events if isinstance(event, Started))
    network = Predictor(parse(record.config), record.weights, begun.mean, begun.std)
    kept = first_looks.read(ASSETS, name, json.loads((ASSETS / f"{name}.json").read_text("utf-8"))["weights"])
    assert len(kept) == len(own_digits()) == 5
    for digit in own_digits():
        look = kept[digit.image.tobytes()]
        probs = network.probabilities(digit.image[None])[0]
        assert look.probs.argmax() == probs.argmax() == digit.label
        np.testing.assert_allclose(look.probs, probs, atol=1e-3)
        made = activations(network.module, digit.image, network.mean, network.std)
        np.testing.assert_allclose(look.logits, made[-1].values, atol=1e-3)
        if parse(record.config).training.tta_views == 1:
            np.testing.assert_allclose(softmax(look.logits), look.probs, atol=1e-3)
        assert [(layer.title, layer.shape) for layer in look.layers] == [
            (layer.title, layer.values.shape) for layer in made
        ]
        for shown, layer in zip(look.layers, made, strict=True):
            pictures = as_pictures(layer)
            largest = np.abs(layer.values).max()
            assert (shown.n_pictures, len(shown.pictures)) == (len(pictures), min(16, len(pictures)))
            np.testing.assert_allclose(shown.pictures, pictures[:16], atol=0.51 * largest / 127 + 1e-3)


def test_kept_layers_are_used_for_their_own_weights_alone(
    folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(folder))
    shipped.adopt(store, folder)
    run = next(run for run in store.runs() if run.architecture == "mlp")
    image = own_digits()[0].image.tobytes()
    assert image in shipped.first_looks(run)
    path = folder / "dense.layers"
    content = path.read_bytes()
    about, arrays = artefacts.unpack(zlib.decompress(content))
    for damaged in (
        zlib.compress(artefacts.pack(about | {"weights": "0" * 64}, arrays)), content[:-9], b"", b"layers",
        zlib.compress(artefacts.pack(about, {"images": arrays["images"]})),
        zlib.compress(artefacts.pack(about | {"layers": 3}, arrays)),
    ):  # fmt: skip
        path.write_bytes(damaged)
        assert not shipped.first_looks(run)
    assert shipped.write_first_looks(folder, "dense") == len(content)
    assert path.read_bytes() == content, "made anew, the same"
    path.unlink()
    assert not shipped.first_looks(run)


@pytest.mark.parametrize("name", ["digits-mlp", "digits-cnn"])
def test_a_drawn_bar_is_read_as_a_one(name: str) -> None:
    """Once it was a 3 for the MLP: the embedded ones are thick, and many have a base."""
    record = shipped.read(ASSETS, name)
    config = parse(record.config)
    parts = split_images(own_images(record.manifest, data.load("digits")), config.data)
    predictor = Predictor(config, record.weights, parts.mean, parts.std)
    bars = [
        to_digit(rasterise([[[100 * slant, 0], [0, 100]]], width=width)).image
        for slant in (-0.15, 0.0, 0.15, 0.3)
        for width in (8, 12, 18, 24)
    ]
    assert set(predictor.logits(np.stack(bars)).argmax(axis=1)) == {1}


def test_a_name_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nobody\.json is missing"):
        shipped.read(tmp_path, "nobody")


WRITTEN_ELSEWHERE = {
    "one-with-a-long-flag": (1, [[[0, 9], [12, 0], [8, 20]]]),
    "one-leaning-with-a-flag": (1, [[[0, 10], [10, 0], [6, 20]]]),
    "seven-with-a-low-bar": (7, [[[0, 3], [3, 0], [9, 1], [9, 6], [4, 20]], [[0, 15], [13, 14]]]),
    "nine-with-a-hook": (9, [[[8, 2], [5, 0], [3, 2], [5, 5], [8, 3], [10, 11], [8, 18], [3, 20], [-3, 19]]]),
    "narrow-four": (4, [[[4, 0], [0, 13], [8, 12]], [[6, 8], [5, 20]]]),
}


def test_the_compact_network_reads_digits_that_mnist_hardly_has() -> None:
    record = shipped.read(ASSETS, "compact")
    started_event = next(event for event in record.events if isinstance(event, Started))
    predictor = Predictor(parse(record.config), record.weights, started_event.mean, started_event.std)
    images = np.stack([to_digit(rasterise(strokes)).image for _, strokes in WRITTEN_ELSEWHERE.values()])
    probabilities = predictor.probabilities(images)
    sure = {
        name: probs[digit] for (name, (digit, _)), probs in zip(WRITTEN_ELSEWHERE.items(), probabilities, strict=True)
    }
    assert min(sure.values()) > 0.7, sure
