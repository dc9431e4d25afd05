"""Who is served when: owners take turns, whatever one of them asks for; and how much each may ask for."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import pytest

from core.config import RunConfig
from core.errors import ConfigError, RunError
from core.fields import settings
from core.runs import quota, worker
from core.runs.groups import PlannedRun, create_group, create_runs
from core.runs.lease import Lease
from core.runs.quota import COMMAND_LINE
from core.runs.shipped import open_store
from core.runs.store import Store

ANNE, BEN, CLEO = ("a" * 32, "b" * 32, "c" * 32)
GREEDY, POLITE = "0" * 32, [f"{number:032x}" for number in range(1, 10)]


def jain_index(shares: Sequence[float]) -> float:
    """How evenly something is shared: 1 when all have the same, 1/n when one of n has it all (R. Jain, D. Chiu, W. Hawe, A
    Quantitative Measure of Fairness, DEC-TR-301, 1984)."""
    return sum(shares) ** 2 / (len(shares) * sum(share**2 for share in shares))


def ask(store: Store, config: RunConfig, owner: str, n: int = 1) -> list[str]:
    return create_runs(store, [config] * n, owner=owner)


def test_nine_who_ask_for_little_do_not_wait_for_one_who_asks_for_sixty(
    store: Store, root: Path, config: RunConfig
) -> None:
    ask(store, config, GREEDY, 60)
    wanted = {owner: 1 + number % 2 for number, owner in enumerate(POLITE)}
    for owner, n in wanted.items():
        ask(store, config, owner, n)
    n_owners = 1 + len(POLITE)
    waiting = {run.run_id: run for run in store.runs()}
    with Lease(root) as lease:
        claimed = [run_id for _ in waiting if (run_id := store.claim(lease.id))]
    assert claimed == sorted(waiting, key=lambda run_id: waiting[run_id].queue_position or 0)
    served = [waiting[run_id].owner for run_id in claimed]
    waits = {owner: served.index(owner) for owner in POLITE}  # in runs that begin before
    all_want = served[: served.index(POLITE[0]) + n_owners - 1]  # until the first of them has nothing to want any more
    shares = [all_want.count(owner) for owner in (GREEDY, *POLITE)]
    assert jain_index(shares) >= 0.95
    assert median(waits.values()) <= n_owners
    assert max(waits.values()) < n_owners
    assert Counter(served) == {GREEDY: 60, **wanted}


def test_whoever_comes_back_with_more_gets_as_much_as_the_one_who_asked_for_all_at_once(
    store: Store, root: Path, config: RunConfig
) -> None:
    ask(store, config, GREEDY, 20)
    for owner in POLITE:
        ask(store, config, owner)
    served: list[str] = []
    with Lease(root) as lease:
        for _ in range(40):  # four rounds
            run_id = store.claim(lease.id)
            assert run_id
            served.append(store.run(run_id).owner)
            if served[-1] != GREEDY:
                ask(store, config, served[-1])
    assert jain_index([served.count(owner) for owner in (GREEDY, *POLITE)]) >= 0.95


def test_the_place_on_screen_is_the_order_in_which_runs_begin(store: Store, root: Path, config: RunConfig) -> None:
    first = ask(store, config, ANNE, 1) + ask(store, config, BEN, 2) + ask(store, config, ANNE, 2)
    with Lease(root) as lease:
        assert store.claim(lease.id) == first[0]
        last = ask(store, config, CLEO, 2)
        waiting = [run for run in store.runs() if run.queue_position]
        assert {run.queue_length for run in waiting} == {len(waiting)} == {6}
        shown = [run.run_id for run in sorted(waiting, key=lambda run: run.queue_position or 0)]
        assert shown == [first[1], last[0], first[3], first[2], last[1], first[4]]
        assert [store.claim(lease.id) for _ in shown] == shown
    assert store.run(first[0]).queue_position is store.run(first[0]).queue_length is None


def test_what_was_cut_short_keeps_its_place_and_what_is_to_be_wrapped_up_goes_first(
    store: Store, root: Path, config: RunConfig
) -> None:
    (cut,), (wrapped,), others = ask(store, config, ANNE), ask(store, config, BEN), ask(store, config, CLEO, 2)
    with Lease(root) as lease:
        assert [store.claim(lease.id) for _ in range(3)] == [cut, wrapped, others[0]]
    late = ask(store, config, "d" * 32)
    later = ask(store, config, ANNE)
    store.request(wrapped, "stop")
    store.request(cut, "run")
    with Lease(root) as lease:
        assert store.run(cut).queue_position == 1
        claimed = [store.claim(lease.id) for _ in range(5)]
    assert claimed == [wrapped, cut, *late, others[1], *later]


def test_a_run_says_whose_it_is(store: Store, config: RunConfig) -> None:
    alone = store.create(config, owner=ANNE)
    _, compared = create_group(store, [PlannedRun(config, 0)] * 2, name="x", kind="race", plan={}, owner=BEN)
    assert [store.run(run_id).owner for run_id in (alone, *compared)] == [ANNE, BEN, BEN]
    assert store.run(store.create(config)).owner == ""


def test_a_visitor_may_have_so_many_runs_waiting(
    store: Store, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGIT_LAB_MAX_QUEUED", "3")
    own = create_runs(store, [config] * 2, owner=ANNE, token="asked once")
    store.request(own[0], "pause")  # waits no less for that
    with pytest.raises(
        RunError, match=r"You have 2 runs waiting or paused, and with 2 more .* more than the 3 that each"
    ):
        ask(store, config, ANNE, 2)
    with pytest.raises(RunError, match="more than the 3"):
        create_group(store, [PlannedRun(config, 0)] * 4, name="x", kind="race", plan={}, owner=BEN)
    assert len(store.runs()) == 2
    assert store.database.read("SELECT * FROM groups") == []
    ask(store, config, ANNE)
    assert (
        create_runs(store, [config] * 2, owner=ANNE, token="asked once") == own
    )  # a double click asks for nothing new
    for owner in ("", COMMAND_LINE):
        ask(store, config, owner, 5)
    store.delete(own[0])
    ask(store, config, ANNE)
    with pytest.raises(RunError, match="You have 3 runs waiting"):
        store.restore(own[0])
    store.request(own[1], "stop")
    store.restore(own[0])


def test_a_visitor_may_have_so_many_runs_stored(
    store: Store, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGIT_LAB_MAX_STORED", "2")
    run_ids = ask(store, config, ANNE, 2)
    store.request(run_ids[0], "stop")
    with pytest.raises(RunError, match=r"You have 2 runs stored, and with 1 more .* more than the 2 that each"):
        ask(store, config, ANNE)
    ask(store, config, BEN)
    store.delete(run_ids[0])
    ask(store, config, ANNE)


def test_two_who_ask_at_once_do_not_get_more_than_one_may_have(
    store: Store, root: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGIT_LAB_MAX_QUEUED", "5")
    stores = [store, Store(root)]
    together = threading.Barrier(2)

    def ask_often(own: Store) -> None:
        together.wait()
        for _ in range(6):
            try:
                ask(own, config, ANNE)
            except RunError:
                return

    threads = [threading.Thread(target=ask_often, args=(own,)) for own in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.runs()) == 5


def test_the_disk_is_everybodys(store: Store, config: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = store.create(config, owner=ANNE)
    with store.database.write() as db:
        db.execute(
            "INSERT INTO artefacts(run_id, role, epoch, sha256, bytes) VALUES (?, 'best', 1, 'x', 1500000000)",
            (run_id,),
        )
    monkeypatch.setenv("DIGIT_LAB_MAX_VISITOR_GB", "1.5")
    with pytest.raises(RunError, match=r"Your runs take 1\.5 GB, .* where they take 1\.5 GB or more"):
        ask(store, config, ANNE)
    ask(store, config, BEN)
    monkeypatch.setenv("DIGIT_LAB_MAX_DISK_GB", "1.5")
    for owner in (BEN, COMMAND_LINE, ""):
        with pytest.raises(
            RunError, match=r"The stored runs take 1\.5 GB, .* 1\.5 GB or more \(DIGIT_LAB_MAX_DISK_GB\)"
        ):
            ask(store, config, owner)
    for variable in ("DIGIT_LAB_MAX_VISITOR_GB", "DIGIT_LAB_MAX_DISK_GB"):
        monkeypatch.setenv(variable, "no limit")
    ask(store, config, ANNE)


@pytest.mark.parametrize("value", ["-1", "many", "2.5", "1000001", "nan"])
def test_a_limit_that_is_none_is_one_sentence(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIT_LAB_MAX_QUEUED", value)
    sentence = rf"\(DIGIT_LAB_MAX_QUEUED\) is '{value}', allowed is whole number, 0 to 1000000 runs, 0 is no limit"
    with pytest.raises(ConfigError, match=sentence):
        open_store()


def test_what_the_environment_says_is_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIT_LAB_MAX_STORED", " 40 ")
    monkeypatch.setenv("DIGIT_LAB_MAX_DISK_GB", "0.25")
    monkeypatch.setenv("DIGIT_LAB_MAX_QUEUED", "")
    allowed = quota.limits()
    assert (allowed.max_stored, allowed.max_disk_gb) == (40, 0.25)
    assert allowed.max_queued == quota.Limits().max_queued >= 200  # as many as one comparison may have


def test_the_room_of_deleted_runs_becomes_free_while_the_worker_lives(
    store: Store,
    config: RunConfig,
    work,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    monkeypatch.setattr(worker, "FREE_SECONDS", 0.0)
    run_id = store.create(config, request="pause")
    work()
    store.delete(run_id)
    with store.database.write() as db:
        db.execute("UPDATE runs SET deleted_utc = '2026-01-01'")
    deadline = time.monotonic() + 5
    while store.database.read("SELECT 1 FROM runs") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not store.database.read("SELECT 1 FROM runs")


def test_the_manual_names_every_limit_and_its_default() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "operations.md").read_text("utf-8")
    for limit in settings(quota.Limits):
        default = f"{limit.default:,g}" if limit.default else limit.zero
        none = "; 0 is no limit" if limit.zero else ""
        assert re.search(rf"^\| `DIGIT_LAB_{limit.name.upper()}` \| .*{none} \| {default} \|$", manual, re.MULTILINE)
