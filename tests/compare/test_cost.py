"""One model of cost: images are counted, speeds come from what this machine really did, and a range promises no more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core import data
from core.compare import quick
from core.compare.cost import (
    EPOCH_SECONDS,
    START_SECONDS,
    Estimate,
    Pace,
    estimate,
    is_trivial,
    recent_pace,
    run_seconds,
    timed_pace,
)
from core.compare.time_range import range_words
from core.config import RunConfig, run_config
from core.engine.work import Images, Work, work
from core.runs import worker
from core.runs.rows import Run
from core.runs.store import Store

MNIST = Images(60_000, 10_000)
FAST = Pace(1_000.0, 4_000.0, 1.4, "timed")


def config(architecture: str = "lenet", **values: Any) -> RunConfig:
    return run_config(architecture, {"dataset": "mnist"} | values)


def ran(
    config: RunConfig, *, learning: float, answering: float, status: str = "finished", images: Images = MNIST
) -> Run:
    """A run of the store that learned and answered so many images per second."""
    amount = work(config, images)
    n_val = round(images.train * config.data.val_fraction)
    n_train = min(config.data.n_train or images.train, images.train - n_val)
    epochs = amount.learned / n_train
    last = (epochs % 1 or 1) * n_train
    seconds = amount.learned / learning + amount.validations * n_val / answering
    return Run(
        run_id="ab" * 16, number=1, name="", group="", tags=(), notes="", architecture=config.architecture, created_utc="",
        config=config.model_dump(mode="json"), manifest={}, status=status, request="run", reason="", queue_position=None,
        version=1, epoch=epochs, epochs=epochs, checkpoint_epoch=None, step=0, n_params=1, device="cpu",
        started={"n_train": n_train, "n_val": n_val, "steps_per_epoch": -(-n_train // config.training.batch_size)},
        latest={"epoch": epochs, "images_per_s": learning, "epoch_seconds": last / learning + n_val / answering},
        summary={"status": status, "seconds": seconds, "images_per_s": learning},
    )  # type: ignore[arg-type] # fmt: skip


def seconds(configs: list[RunConfig], *runs: Run, pace: Pace = FAST) -> float:
    guess = estimate(configs, runs, lambda name: MNIST, lambda config: pace)
    assert guess is not None
    return guess.seconds


# ---- what is counted


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"epochs": 5}, Work(250_000, 6, 500 + 6 * 10_000 + 5 * 1_000 + 10_000)),
        ({"epochs": 5, "val_fraction": 0.0}, Work(300_000, 6, 500 + 5 * 1_000 + 10_000)),
        ({"epochs": 10, "n_train": 300}, Work(3_000, 11, 300 + 11 * 10_000 + 10 * 100 + 10_000)),
        ({"epochs": 5, "max_steps": 300}, Work(300 * 64, 2, 500 + 2 * 10_000 + 1_000 + 10_000)),
        ({"epochs": 5, "max_steps": 1_000}, Work(50_000 + 218 * 64, 3, 500 + 3 * 10_000 + 2 * 1_000 + 10_000)),
        ({"epochs": 1, "tta_views": 9}, Work(50_000, 2, 500 + 2 * 10_000 + 1_000 + 9 * 20_000)),
        (
            {"epochs": 1, "n_train": 129},
            Work(129, 2, 129 + 2 * 10_000 + 100 + 10_000),
        ),  # a last batch of one joins another
    ],
)
def test_every_image_is_counted_that_a_run_looks_at(values: dict[str, Any], expected: Work) -> None:
    assert work(config(**values), MNIST) == expected


def test_a_run_on_few_images_is_mostly_validation() -> None:
    few = work(config("mlp", n_train=300, epochs=10), MNIST)
    took = run_seconds(few, FAST)
    assert took == pytest.approx(START_SECONDS + 11 * EPOCH_SECONDS + 3_000 / 1_000 + 121_300 / 4_000, rel=1e-3)
    assert took > 10 * few.learned / 1_000


def test_runs_side_by_side_take_as_long_as_one_after_the_other() -> None:
    two = [config(seed=seed, lr=lr) for seed, lr in ((0, 0.001), (1, 0.01))]
    assert seconds(two) == pytest.approx(2 * seconds(two[:1]))
    assert seconds([*two, config("mlp")]) == pytest.approx(2 * seconds(two[:1]) + seconds([config("mlp")]))


def test_other_runs_come_first_or_take_turns() -> None:
    alone = Estimate(60, 50, 80, "timed")
    assert alone.beside(10) == Estimate(70, 60, 90, "timed")
    assert alone.beside(1_000) == Estimate(120, 100, 1_080, "timed")


def test_processes_share_the_work_of_several_runs_and_have_none_of_a_single_one() -> None:
    def asked(n: int, processes: int) -> Estimate:
        configs = [config(seed=seed) for seed in range(n)]
        guess = estimate(configs, [], lambda name: MNIST, lambda config: FAST, processes=processes)
        assert guess is not None
        return guess

    one, four = asked(1, 1), asked(4, 1)
    assert asked(1, 8) == one
    assert asked(4, 8) == asked(4, 4)
    both = asked(4, 2)
    assert (both.seconds, both.low, both.high) == pytest.approx((four.seconds / 1.8, four.low / 2, four.high / 1.4))


def test_nothing_is_said_about_images_that_are_not_here_or_a_speed_that_nobody_knows() -> None:
    assert estimate([config()], [], lambda name: None, lambda config: FAST) is None
    assert estimate([config()], [], lambda name: MNIST, lambda config: None) is None
    assert estimate([config(val_fraction=0.5)], [], lambda name: Images(1, 1), lambda config: FAST) is not None


@pytest.mark.parametrize("n_images", [1_437, 42_000, 60_000])
def test_a_quick_comparison_reads_few_validation_images(n_images: int) -> None:
    kept = round(n_images * quick.val_fraction(n_images))
    assert kept == min(quick.VAL_IMAGES, round(n_images / 6))


# ---- what this machine really did


def test_a_finished_run_says_how_fast_the_next_one_is_whatever_its_images_were() -> None:
    """Its own validation and test are counted apart."""
    before = ran(config(epochs=3, n_train=5_000), learning=10_000, answering=50_000)
    for new in (config(), config(epochs=1, val_fraction=0.5), config(n_train=10_000, epochs=100)):
        amount = work(new, MNIST)
        expected = run_seconds(amount, Pace(10_000, 50_000, 1, ""))
        assert seconds([new], before) == pytest.approx(expected, rel=0.01)


def test_a_network_of_another_size_is_scaled_and_a_far_one_or_another_way_of_learning_says_nothing() -> None:
    before = ran(config("mlp", widths="128,64"), learning=10_000, answering=50_000)
    near = recent_pace(config("mlp", widths="200,64"), [before], MNIST)
    assert near is not None
    assert near.learning == pytest.approx(10_000 * 109_184 / (784 * 200 + 200 * 64 + 640), rel=0.01)
    for values in ({"widths": "1024,1024"}, {"optimizer": "muon"}, {"batch_size": 8}, {"rotation": 10.0}, {"l1": 0.1}):
        assert recent_pace(config("mlp", **values), [before], MNIST) is None, values
    assert recent_pace(config("mlp"), [before], MNIST, "cuda") is None


def test_estimates_are_not_poisoned() -> None:
    """By a run that was stopped, one of another machine, one of so few images that its epochs are mostly something else, one
    that was over at once, and by a single slow one among others."""
    good = ran(config(), learning=10_000, answering=50_000)
    expected = seconds([config()], good)
    stopped = ran(config(), learning=10, answering=50, status="stopped")
    shipped = replace(ran(config(), learning=10, answering=50), number=-1)
    few = ran(config(n_train=300, epochs=100), learning=500, answering=50_000)
    short = ran(config(n_train=5_000, epochs=1), learning=6_000, answering=50)
    for bad in (stopped, shipped, few, short):
        assert seconds([config()], bad, good) == expected
        assert seconds([config()], bad) == seconds([config()]), "rather timed"
    slow = ran(config(), learning=1_000, answering=5_000)
    assert seconds([config()], slow, good, good) == expected


def test_a_run_that_trained_beside_another_has_the_clock_it_would_have_had_alone(tmp_path: Path) -> None:
    """Two runs that take turns: each one's seconds are its own, so together they are no more than the clock on the wall."""
    import time

    store = Store(tmp_path)
    small = run_config("softmax", {"dataset": "digits", "epochs": 40, "batch_size": 16})
    ids = [store.create(small.model_copy()) for _ in range(2)]
    began = time.monotonic()
    both = worker.Worker(store, data.load)
    both.start()
    try:
        while any(not store.run(run_id).has_ended for run_id in ids):
            assert time.monotonic() - began < 60
            time.sleep(0.02)
    finally:
        wall = time.monotonic() - began
        both.shutdown()
    runs = [store.run(run_id) for run_id in ids]
    assert [run.status for run in runs] == ["finished"] * 2
    assert sum(run.summary["seconds"] for run in runs) <= wall
    store.close()


# ---- what is timed


def test_a_very_large_network_is_not_built_only_to_be_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.engine.speed.run_speeds", lambda config: (1_000.0, 4_000.0))
    assert timed_pace(run_config("mlp", {"widths": "1088 1088"})) is None  # 2.05 million weights
    assert timed_pace(run_config("mlp", {"widths": "1024 1024"})) is not None


def test_few_images_are_timed_in_the_batch_that_they_make() -> None:
    asked: list[int] = []

    def time_pace(config: RunConfig) -> Pace:
        asked.append(config.training.batch_size)
        return FAST

    estimate([config(n_train=30), config()], [], lambda name: MNIST, time_pace)
    assert asked == [30, 64]


def test_only_what_surely_takes_seconds_is_trivial() -> None:
    assert is_trivial([config("softmax", n_train=100, epochs=2, val_fraction=0.01)], lambda name: Images(1_200, 300))
    assert not is_trivial([config("compact")], lambda name: MNIST)


# ---- in words


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.3, 0.9, "under 2 seconds"),
        (0.8, 4, "under 4 seconds"),
        (0.8, 150, "under 3 minutes"),
        (9, 7_000, "under 2 hours"),
        (22, 33, "20 to 40 seconds"),
        (45, 70, "40 to 80 seconds"),
        (50, 110, "50 seconds to 2 minutes"),
        (65, 115, "1 to 2 minutes"),
        (600, 1_100, "10 to 20 minutes"),
        (3_000, 7_000, "50 minutes to 2 hours"),
        (3_700, 7_100, "1 to 2 hours"),
        (60 * 4_000, 60 * 5_000, "50 to 100 hours"),
        (8, 8, "about 8 seconds"),
        (1e9, 2e9, "1,000 to 555,556 hours"),
    ],
)
def test_a_range_is_said_as_people_say_it(low: float, high: float, text: str) -> None:
    assert range_words(low, high) == text
