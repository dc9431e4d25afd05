"""The class set in the store: kept once, by any number at once, taken back and brought back, in the backup."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from core.data.class_set import Digits
from core.data.class_set_files import as_idx, read_files
from core.errors import ConfigError, RunError
from core.runs import backup, class_set
from core.runs import store as store_module
from core.runs.store import Store


def made(n: int = 30, seed: int = 5) -> Digits:
    random = np.random.default_rng(seed)
    return Digits(random.integers(0, 256, (n, 28, 28)).astype(np.uint8), np.arange(n) % 10)


def test_each_digit_is_kept_once_and_comes_back_as_it_was(store: Store, root: Path) -> None:
    digits = made()
    assert len(class_set.add(store, digits, writer=" Ana ", owner="a" * 32).numbers) == 30
    assert class_set.add(store, digits) == class_set.Added((), 30), "pressed twice"
    other_label = Digits(digits.images[:1], digits.labels[:1] + 1)
    assert len(class_set.add(store, other_label).numbers) == 1, "the same picture may be kept with another label"
    kept = class_set.class_set(store)
    assert kept.digits.part(np.arange(31) < 30).hash == digits.hash
    assert (kept.writers[0], kept.writers[30], kept.owners[0], kept.n_damaged) == ("Ana", "", "a" * 32, 0)
    assert class_set.kept_numbers(store) == kept.numbers
    again = Store(root)
    assert class_set.class_set(again).digits.hash == kept.digits.hash
    again.close()


def test_what_is_deleted_comes_back_for_a_day(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = class_set.add(store, made()).numbers
    everything = class_set.class_set(store).digits.hash
    class_set.delete(store, numbers[3:5])
    assert class_set.class_set(store).numbers == (*numbers[:3], *numbers[5:])
    class_set.restore(store, numbers[3:4])
    assert class_set.add(store, made()) == class_set.Added(numbers[4:5], 29), "kept again, it has its old number"
    assert class_set.class_set(store).digits.hash == everything
    class_set.delete(store, numbers[:2])
    store.free_room()
    assert len(store.database.read("SELECT 1 FROM class_set")) == 30
    monkeypatch.setattr(store_module, "UNDO_TIME", -store_module.UNDO_TIME)
    store.free_room()
    assert len(store.database.read("SELECT 1 FROM class_set")) == 28
    assert class_set.class_set(store).numbers == numbers[2:]


def test_a_set_has_its_limits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_set, "MAX_DIGITS", 30)
    numbers = class_set.add(store, made(29)).numbers
    with pytest.raises(RunError, match="at most 30 digits, and these would make it 39"):
        class_set.add(store, made(10, seed=6))
    assert class_set.class_set(store).numbers == numbers, "all or none"
    class_set.delete(store, numbers[:1])
    class_set.add(store, made(2, seed=6))
    with pytest.raises(RunError, match="31"):
        class_set.restore(store, numbers[:1])
    monkeypatch.setattr(class_set, "MAX_ROWS", 31)
    with pytest.raises(RunError, match="deleted today"):
        class_set.delete(store, numbers[:10]) or class_set.add(store, made(3, seed=7))
    with pytest.raises(ConfigError, match="nickname has 25 characters"):
        class_set.add(store, made(1, seed=8), writer="x" * 25)
    with pytest.raises(ConfigError, match="can not be shown"):
        class_set.add(store, made(1, seed=8), writer="a\u202eb")


def test_backup_and_export_carry_it_elsewhere(store: Store, root: Path, tmp_path: Path) -> None:
    class_set.add(store, made(), writer="Ana")
    kept = class_set.class_set(store)
    backup.back_up(root, tmp_path / "all.zip")
    backup.restore(tmp_path / "all.zip", tmp_path / "restored")
    elsewhere, third = Store(tmp_path / "restored"), Store(tmp_path / "third")
    restored = class_set.class_set(elsewhere)
    assert (restored.digits.hash, restored.numbers, restored.writers) == (kept.digits.hash, kept.numbers, kept.writers)
    class_set.add(third, read_files(list(zip("ab", as_idx(kept.digits), strict=True))))
    assert class_set.class_set(third).digits.hash == kept.digits.hash
    elsewhere.close()
    third.close()


def test_a_damaged_digit_is_left_out_and_a_rescue_saves_the_others(store: Store, root: Path) -> None:
    numbers = class_set.add(store, made()).numbers
    store.close()
    with sqlite3.connect(root / "runs.sqlite3") as db:
        db.execute("UPDATE class_set SET label = 9 WHERE number = ?", (numbers[0],))
    db.close()
    again = Store(root)
    kept = class_set.class_set(again)
    assert (kept.numbers, kept.n_damaged) == (numbers[1:], 1)
    again.close()
    content = bytearray((root / "runs.sqlite3").read_bytes())
    content[:200] = bytes(200)  # the first page: nobody knows the tables any more
    (root / "runs.sqlite3").write_bytes(content)
    rescued = Store(root)
    assert class_set.class_set(rescued).numbers == numbers[1:]
    np.testing.assert_array_equal(class_set.class_set(rescued).digits.images, made().images[1:])
    rescued.close()


def test_several_keep_at_once(store: Store, root: Path) -> None:
    def keep_some(seed: int) -> None:
        own = Store(root)
        for digit in range(10):
            class_set.add(own, made(digit + 1, seed=seed))
        own.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(keep_some, (1, 1, 2)))
    assert len(class_set.class_set(store)) == 10 * 2
