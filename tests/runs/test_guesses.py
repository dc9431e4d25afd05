"""Guesses in the store: one before the reveal, tries after it, nobody else's, in the backup, and no owner on a board."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from core.data.class_set import Digits
from core.errors import ConfigError, RunError
from core.runs import backup, class_set, guesses
from core.runs.store import Store

ANA, BEN = "a" * 32, "b" * 32


class Lesson:
    """Asks for one of two words."""

    id = "made"

    def check_guess(self, value: object) -> guesses.Value:
        if value not in ("left", "right") and value != (1.0, 2.0):
            raise ConfigError("The guess has to be left or right", ("guess",))
        return value if isinstance(value, tuple) else str(value)


def test_a_second_guess_before_the_reveal_replaces_the_first(store: Store, root: Path) -> None:
    lesson = Lesson()
    first = guesses.save(store, ANA, lesson, "left", " because ", class_code="8b", name="Ana")
    guesses.attach_runs(store, ANA, first, ["c" * 32])
    assert guesses.save(store, ANA, lesson, (1.0, 2.0), "no", class_code="8b", name="Ana") == first
    (guess,) = guesses.of_visitor(store, ANA)
    assert (guess.value, guess.reason, guess.run_ids, guess.result, guess.revealed_utc) == (
        (1.0, 2.0),
        "no",
        ("c" * 32,),
        None,
        None,
    )
    guesses.mark_revealed(store, ANA, first, {"n": 3})
    revealed = guesses.of_visitor(store, ANA)[0]
    guesses.mark_revealed(store, ANA, first)
    assert guesses.of_visitor(store, ANA)[0] == revealed, "the first reveal and its result stay"
    second = guesses.save(store, ANA, lesson, "right", run_ids=["d" * 32])
    assert guesses.of_visitor(store, ANA)[-1].run_ids == ("d" * 32,), "with the guess, in one step"
    assert second != first
    again = Store(root)
    assert [(guess.value, guess.result) for guess in guesses.of_visitor(again, ANA)] == [
        ((1.0, 2.0), {"n": 3}),
        ("right", None),
    ]
    again.close()
    assert guesses.of_visitor(store, BEN) == ()


def test_nobody_changes_what_another_guessed_and_bounds_hold(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    lesson = Lesson()
    guess_id = guesses.save(store, ANA, lesson, "left")
    for change in (
        lambda: guesses.attach_runs(store, BEN, guess_id, ["c" * 32]),
        lambda: guesses.mark_revealed(store, BEN, guess_id),
    ):
        with pytest.raises(RunError, match="not there any more"):
            change()
    with pytest.raises(ConfigError, match="left or right"):
        guesses.save(store, BEN, lesson, "<b>left</b>")
    with pytest.raises(ConfigError, match="reason has 301 characters"):
        guesses.save(store, BEN, lesson, "left", "x" * 301)
    with pytest.raises(ConfigError, match="name has 31"):
        guesses.save(store, BEN, lesson, "left", name="x" * 31)
    for code in ("8 B", "x" * 25, "8b\n", "../8b"):
        with pytest.raises(ConfigError, match="at most 24"):
            guesses.save(store, BEN, lesson, "left", class_code=code)
    with pytest.raises(RunError, match="whole id"):
        guesses.attach_runs(store, ANA, guess_id, ["c" * 31])
    with pytest.raises(RunError, match="characters, allowed"):
        guesses.mark_revealed(store, ANA, guess_id, {"text": "x" * guesses.MAX_RESULT_BYTES})
    monkeypatch.setattr(guesses, "MAX_GUESSES", 1)
    guesses.save(store, ANA, lesson, "right")
    guesses.mark_revealed(store, ANA, guess_id)
    with pytest.raises(RunError, match="1 guesses, and each visitor may keep 1"):
        guesses.save(store, ANA, lesson, "right")
    monkeypatch.setenv("DIGIT_LAB_MAX_DISK_GB", "0.000001")
    with pytest.raises(RunError, match="DIGIT_LAB_MAX_DISK_GB"):
        guesses.save(store, BEN, lesson, "left")


def test_a_class_sees_guesses_and_not_whose_they_are(store: Store) -> None:
    lesson = Lesson()
    with ThreadPoolExecutor(8) as pool:  # thirty at once, each clicking twice
        owners = [f"{place:032x}" for place in range(30)]
        list(pool.map(lambda owner: guesses.save(store, owner, lesson, "left", class_code="8b"), owners * 2))
    guesses.save(store, ANA, lesson, "right", class_code="other")
    first = guesses.save(store, owners[0], lesson, "right", class_code="8b", name="Zoe")
    guesses.mark_revealed(store, owners[0], first)
    guesses.save(store, owners[0], lesson, "left", class_code="8b", name="Zoe")
    board = guesses.of_class(store, "8b", "made")
    assert [guess.value for guess in board].count("left") == 30
    assert len(board) == 31
    named = [guess for guess in board if guess.name == "Zoe"]
    assert [(guess.value, guess.is_revealed) for guess in named] == [("right", True), ("left", False)]
    assert len({guess.visitor for guess in named}) == 1
    assert sorted({guess.visitor for guess in board}) == list(range(1, 31))
    assert not any(owner in str(dataclasses.asdict(guess)) for guess in board for owner in owners)
    assert guesses.of_class(store, "", "made") == ()
    assert guesses.of_class(store, "8b", "another") == ()


def test_the_backup_carries_guesses_and_damage_is_seen(store: Store, root: Path, tmp_path: Path) -> None:
    guesses.save(store, ANA, Lesson(), "left", "why")
    backup.back_up(root, tmp_path / "all.zip")
    backup.restore(tmp_path / "all.zip", tmp_path / "restored")
    restored = Store(tmp_path / "restored")
    assert guesses.of_visitor(restored, ANA) == guesses.of_visitor(store, ANA)
    restored.close()
    class_set.add(store, Digits(np.zeros((1, 28, 28), np.uint8), np.array([3])))
    guess = guesses.of_visitor(store, ANA)
    store.close()
    content = bytearray((root / "runs.sqlite3").read_bytes())
    content[:200] = bytes(200)  # the first page: nobody knows the tables any more
    (root / "runs.sqlite3").write_bytes(content)
    rescued = Store(root)
    assert guesses.of_visitor(rescued, ANA) == guess
    assert len(class_set.class_set(rescued)) == 1
    with rescued.database.write() as db:
        db.execute("UPDATE guesses SET value = '\"right\"'")
    assert guesses.of_visitor(rescued, ANA) == ()
    rescued.close()
