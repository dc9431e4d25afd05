"""Who is served when: owners take turns, whatever one of them asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from core.config import RunConfig
from core.runs.groups import PlannedRun, create_group, create_runs
from core.runs.lease import Lease
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
