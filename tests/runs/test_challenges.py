"""Challenges in the store: what is locked, what counts, who may change one, and the answers on images that nobody has seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config import RunConfig, run_config
from core.data.dataset import Dataset
from core.data.subset import images_set_aside, subset
from core.errors import ConfigError, DataError, RunError
from core.runs import backup, challenges, set_aside
from core.runs.challenges import Terms
from core.runs.robustness import predictor
from core.runs.store import Store
from core.runs.worker import drive

ANA, BEN, TEACHER = "a" * 32, "b" * 32, "c" * 32


def base(**values: Any) -> RunConfig:
    return run_config("softmax", {"n_train": 300, "epochs": 1} | values)


def pupils(challenge: challenges.Challenge, **values: Any) -> RunConfig:
    return run_config("softmax", challenge.config.flat() | values)


@pytest.fixture
def challenge(store: Store) -> challenges.Challenge:
    return challenges.get(store, challenges.make(store, TEACHER, "Two points", "8b", base(), Terms(max_epochs=3)))


def test_a_challenge_sets_images_aside_and_asks_for_its_base_run(store: Store, challenge: challenges.Challenge) -> None:
    assert challenge.config.data.set_aside == challenges.SET_ASIDE
    (run,) = store.runs()
    assert (run.run_id, run.owner, run.run_config()) == (challenge.base_run_id, TEACHER, challenge.config)
    assert challenges.challenges(store) == (challenge,)
    kept = challenges.get(store, challenges.make(store, TEACHER, "More", "", base(set_aside=0.3), Terms()))
    assert kept.config.data.set_aside == 0.3


def test_what_is_locked_stays_and_what_is_beyond_the_budget_may_not_take_part(
    store: Store, challenge: challenges.Challenge
) -> None:
    for values in ({"lr": 0.1}, {"epochs": 3}, {"shift": 2.0}, {"snapshots": "few"}):
        challenge.check(pupils(challenge, **values))
    for values, words in (
        ({"epochs": 4}, "at most 3 epochs, and this is 4"),
        ({"set_aside": 0.0}, "Set aside .set_aside. is 0.2 for everybody"),
        ({"seed": 1}, "Seed .seed. is 0 for everybody"),
        ({"n_train": 0}, "n_train. is 300 images for everybody"),
        ({"start_from": "a" * 12}, "start_from. is scratch for everybody"),
    ):
        with pytest.raises(ConfigError, match=words):
            challenge.check(pupils(challenge, **values))
    with pytest.raises(ConfigError, match="the network is Softmax regression for everybody"):
        challenge.check(run_config("mlp", {"set_aside": 0.2, "n_train": 300, "epochs": 1}))
    free = Terms(is_network_free=True, max_n_params=10_000, max_steps=50)
    small = challenges.get(store, challenges.make(store, TEACHER, "Small", "", base(), free))
    assert small.config.training.max_steps == 50, "what is beyond no limit of its own gets the challenge's"
    shared = {"set_aside": 0.2, "n_train": 300, "epochs": 1, "max_steps": 20}
    small.check(run_config("mlp", shared | {"widths": "8"}))
    with pytest.raises(ConfigError, match="at most 10,000 parameters, and this one has 101,"):
        small.check(run_config("mlp", shared | {"widths": "128"}))
    with pytest.raises(ConfigError, match="at most 50 steps"):
        small.check(run_config("mlp", shared | {"widths": "8", "max_steps": 0}))


def test_what_can_be_no_challenge_is_refused_and_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for title, code, config, terms, words in (
        ("", "", base(), Terms(), "needs a title"),
        ("x" * 61, "", base(), Terms(), "has 61 characters"),
        ("a\u202eb", "", base(), Terms(), "can not be shown"),
        ("T", "8 B", base(), Terms(), "at most 24"),
        ("T", "", base(epochs=9), Terms(max_epochs=8), "base run itself is beyond the budget"),
        ("T", "", base(start_from="a" * 12), Terms(), "from scratch"),
    ):
        with pytest.raises(ConfigError, match=words):
            challenges.make(store, TEACHER, title, code, config, terms)
    with pytest.raises(ConfigError, match=r"Goal \(goal\) is 0"):
        challenges.terms_of({"goal": 0})
    monkeypatch.setattr(challenges, "MAX_CHALLENGES", 0)
    with pytest.raises(RunError, match="may keep 0"):
        challenges.make(store, TEACHER, "T", "", base(), Terms())
    assert not store.runs()
    assert not challenges.challenges(store)


def test_only_own_runs_take_part_and_pupils_are_numbers_unless_they_give_a_name(
    store: Store, challenge: challenges.Challenge
) -> None:
    ben = store.create(pupils(challenge, lr=0.1), owner=BEN)
    ana = [store.create(pupils(challenge, lr=lr), owner=ANA) for lr in (0.01, 0.02)]
    with pytest.raises(RunError, match="of your own"):
        challenges.enter(store, ANA, challenge.challenge_id, [ben])
    other = store.create(pupils(challenge, split_seed=4), owner=BEN)
    with pytest.raises(ConfigError, match="for everybody"):
        challenges.enter(store, BEN, challenge.challenge_id, [other])
    with pytest.raises(ConfigError, match="name has 31"):
        challenges.enter(store, BEN, challenge.challenge_id, [ben], "x" * 31)
    challenges.enter(store, BEN, challenge.challenge_id, [ben])
    challenges.enter(store, ANA, challenge.challenge_id, ana[:1], "Ana")
    challenges.enter(store, ANA, challenge.challenge_id, ana)
    assert challenges.entries(store, challenge.challenge_id) == (
        challenges.Entry(ben, 1, ""), challenges.Entry(ana[0], 2, "Ana"), challenges.Entry(ana[1], 2, "Ana"),
    )  # fmt: skip
    store.delete(ben)
    assert [entry.pupil for entry in challenges.entries(store, challenge.challenge_id)] == [1, 1]


def test_only_its_maker_deletes_a_challenge_which_can_be_undone_for_a_day(
    store: Store, challenge: challenges.Challenge, root: Path, tmp_path: Path
) -> None:
    run_id = store.create(pupils(challenge, lr=0.1), owner=ANA)
    challenges.enter(store, ANA, challenge.challenge_id, [run_id], "Ana")
    with pytest.raises(RunError, match="Only who has made"):
        challenges.delete(store, ANA, challenge.challenge_id)
    challenges.delete(store, TEACHER, challenge.challenge_id)
    with pytest.raises(RunError, match="not there any more"):
        challenges.enter(store, ANA, challenge.challenge_id, [run_id])
    store.free_room()
    challenges.restore(store, TEACHER, challenge.challenge_id)
    backup.back_up(root, tmp_path / "all.zip")
    backup.restore(tmp_path / "all.zip", tmp_path / "again")
    again = Store(tmp_path / "again")
    assert challenges.challenges(again) == (challenge,)
    with again.database.write() as db:
        db.execute("UPDATE challenges SET deleted_utc = '2020-01-01'")
    again.free_room()
    assert not again.database.read("SELECT * FROM challenge_runs")
    with pytest.raises(RunError, match="for a day"):
        challenges.restore(again, TEACHER, challenge.challenge_id)
    with store.database.write() as db:
        db.execute("""UPDATE challenges SET terms = '{"goal": 0.1}'""")
    assert challenges.challenges(store) == ()
    again.close()


def test_a_damaged_store_gives_its_challenges_back(store: Store, challenge: challenges.Challenge, root: Path) -> None:
    run_id = store.create(pupils(challenge, lr=0.1), owner=ANA)
    challenges.enter(store, ANA, challenge.challenge_id, [run_id], "Ana")
    store.close()
    file = root / "runs.sqlite3"
    content = bytearray(file.read_bytes())
    content[:100] = b"\0" * 100  # the header alone
    file.write_bytes(content)
    rescued = Store(root)
    assert "could be rescued" in rescued.notice
    assert challenges.challenges(rescued) == (challenge,)
    assert challenges.entries(rescued, challenge.challenge_id) == (challenges.Entry(run_id, 1, "Ana"),)
    rescued.close()


def test_no_run_knows_the_images_it_is_judged_by_and_its_answers_are_kept(
    store: Store, challenge: challenges.Challenge, dataset: Dataset
) -> None:
    config = challenge.config.data
    images, labels = images_set_aside(dataset, config)
    assert len(labels) == round(config.set_aside * len(dataset.train_labels))
    learned_from = {image.tobytes() for image in subset(dataset, config).train_images}
    assert not learned_from & {image.tobytes() for image in images}
    run = drive(store, challenge.base_run_id, lambda name: dataset)
    assert set_aside.right_before(store, [run]) == {}
    assert list(set_aside.measure(store, [run], lambda name: dataset, should_stop=lambda: True)) == []
    assert list(set_aside.measure(store, [run], lambda name: dataset)) == [run.run_id]
    right = set_aside.right_before(store, [run])[run.run_id]
    np.testing.assert_array_equal(right, predictor(store, run).answers(images) == labels)
    other = store.create(run_config("softmax", {"n_train": 300, "epochs": 1}), request="pause")
    with pytest.raises(RunError, match="has not ended"):
        list(set_aside.measure(store, [store.run(other)], lambda name: dataset))
    changed = replace(dataset, hashes={"train": "other"})
    with pytest.raises(DataError, match="not those that this run began with"):
        list(set_aside.measure(store, [run], lambda name: changed))
