"""Runs of earlier versions were split inside a writer's form: they keep their figures, say so, and stand apart."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from core import data
from core.cli.app import main
from core.compare.leaderboard import leaderboard
from core.compare.same_images import image_sets
from core.config import run_config
from core.data import DATASETS
from core.data.dataset import Dataset
from core.experiments.presets import PRESETS
from core.runs.checksums import seal
from core.runs.groups import PlannedRun, create_group
from core.runs.repeats import repeats
from core.runs.rows import Run
from core.runs.store import Store
from core.runs.worker import drive

FIXTURE = Path(__file__).parents[1] / "fixtures" / "store_format_2.tar.xz"
QUICK = {"dataset": "digits", "n_train": 100, "epochs": 1}


def older(name: str) -> Dataset:
    """The embedded digits as earlier versions split them."""
    dataset = data.load(name).older
    assert dataset is not None
    return dataset


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    root = tmp_path / "old"
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(root, filter="data")
    monkeypatch.setenv("DIGIT_LAB_RUNS", str(root))
    return Store(root)


@pytest.fixture
def old_run(store: Store) -> Run:
    return next(run for run in store.runs() if run.status == "finished" and run.config["data"]["dataset"] == "digits")


@pytest.fixture
def new_run(store: Store) -> Run:
    return drive(store, store.create(run_config("softmax", QUICK), request="pause"), data.load)


def test_an_old_run_says_which_split_it_was_judged_on_and_gives_its_answers_again(
    old_run: Run, new_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = DATASETS["digits"].older_split
    assert (old_run.older_split, old_run.dataset_title) == (sentence, "Embedded digits, older split")
    assert (new_run.older_split, new_run.dataset_title, new_run.summary["n_test"]) == ("", "Embedded digits", 382)
    assert main(["show", old_run.run_id]) == 0
    title, second, *_ = capsys.readouterr().out.splitlines()
    assert "on 360 images (older split)" in title
    assert second == sentence
    assert main(["runs"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert sum("(older split)" in line for line in listed if new_run.run_id in line) == 0
    assert all("(older split)" in line for line in listed if "on 360 images" in line)
    assert main(["evaluate", old_run.run_id, "--json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert evaluated["n"] == 360
    assert evaluated["acc"] == pytest.approx(old_run.summary["test_acc"], abs=0.01)  # processors round otherwise


def test_runs_on_different_splits_are_never_ranked_or_compared(
    store: Store, old_run: Run, new_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    table = leaderboard(store, store.runs())
    best = table[table["rank"] == 1].set_index("run_id")["n_test"].to_dict()
    assert sorted(best.values()) == [360, 382]
    assert best[new_run.run_id] == 382
    assert [images.title for images in image_sets(store.runs())] == ["Embedded digits", "Embedded digits, older split"]
    assert main(["compare", old_run.run_id, new_run.run_id]) == 2
    assert "did not read the same images" in capsys.readouterr().err


def test_a_comparison_that_began_with_the_older_split_ends_with_it(store: Store) -> None:
    planned = [PlannedRun(run_config("softmax", QUICK | {"seed": seed}), 0) for seed in (0, 1)]
    _, run_ids = create_group(store, planned, name="a race", kind="race", plan={}, request="pause")
    assert drive(store, run_ids[0], older).summary["n_test"] == 360
    assert drive(store, run_ids[1], data.load).summary["n_test"] == 360
    alone = store.create(planned[1].config, group=store.run(run_ids[0]).group, request="pause")
    assert drive(store, alone, data.load).summary["n_test"] == 382, "it is of no plan"


def test_a_further_seed_is_not_averaged_with_runs_on_the_older_split(store: Store) -> None:
    (config, _) = PRESETS["first-look"].configs(epochs=1, n_train=100)
    first = store.create(config, request="pause")
    drive(store, first, older)
    assert not repeats(store.runs(), config)
    drive(store, store.create(config, request="pause"), data.load)
    assert [run.run_id != first for run in repeats(store.runs(), config).values()] == [True]


def test_other_files_of_one_name_stand_apart_and_a_run_that_has_not_begun_with_the_newest(store: Store) -> None:
    def changed(run_id: str, manifest: dict[str, object]) -> None:
        with store.database.write() as db:
            query = (
                "UPDATE runs SET config = json_set(config, '$.data.dataset', 'kaggle'), manifest = ? WHERE run_id = ?"
            )
            db.execute(query, (json.dumps(manifest), run_id))
            seal(db, "runs", "run_id = ?", run_id)

    waiting, second, first = [run.run_id for run in store.runs()[:3]]
    changed(waiting, {})
    changed(second, {"dataset_hashes": {"train.csv": "b"}})
    changed(first, {"dataset_hashes": {"train.csv": "a"}})
    sets = {images.title: [run.run_id for run in images.runs] for images in image_sets(store.runs())}
    assert sets.pop("Embedded digits, older split")
    assert sets == {
        "Kaggle Digit Recognizer": [waiting, second], "Kaggle Digit Recognizer, earlier files 1": [first],
    }  # fmt: skip
