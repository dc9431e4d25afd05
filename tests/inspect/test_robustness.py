"""The sweep: counts as by hand, the same images for all, in order, stopped at once, and one digit at every place."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from networks import digit

from core.errors import InputError
from core.inspect.distortions import DISTORTIONS, distort
from core.inspect.robustness import (
    CHUNK_IMAGES,
    UNDISTORTED,
    Measured,
    Point,
    distorted,
    points,
    shift_grid,
    spread,
    sweep,
)

Array = np.ndarray[Any, np.dtype[Any]]
N = 2 * CHUNK_IMAGES + 300


class ByInk:
    """Reads a digit off the ink of an image; notes what it was shown, and by whom."""

    def __init__(self, on_read: Callable[[], object] = lambda: None) -> None:
        self.shown: list[Array] = []
        self.threads: set[tuple[str, int]] = set()
        self.priorities: set[int] = set()
        self._on_read = on_read

    def answers(self, images: Array) -> Array:
        self._on_read()
        self.shown.append(images)
        self.threads.add((threading.current_thread().name, torch.get_num_threads()))
        if sys.platform == "linux":
            self.priorities.add(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return self.logits(images).argmax(1)  # type: ignore[no-any-return]

    def logits(self, images: Array) -> Array:
        return np.eye(10, dtype=np.float32)[images.sum((1, 2), dtype=np.int64) // 4000 % 10]


@pytest.fixture(scope="module")
def images() -> Array:
    return np.stack([np.roll(digit(number), number % 7, axis=0) for number in range(N)])


@pytest.fixture(scope="module")
def labels() -> Array:
    return np.random.default_rng(0).integers(0, 10, N)


PLAN = (UNDISTORTED, Point("shift", 4), Point("noise", 0.3), Point("corruption:fog", 1))


def test_it_counts_what_each_run_reads_of_the_same_images(images: Array, labels: Array) -> None:
    readers = {"a": ByInk(), "b": ByInk()}
    measured = list(sweep(readers, images, labels, PLAN))
    expected = [
        Measured(run_id, *point, int((readers["a"].logits(distorted(point, images)).argmax(1) == labels).sum()), N)
        for point in PLAN
        for run_id in readers
    ]
    assert measured == expected
    assert len({row.n_right for row in measured}) > 2
    assert measured[0].accuracy == measured[0].n_right / N
    assert len(readers["a"].shown) == len(PLAN) * 3
    shown = {id(part) for part in readers["a"].shown}
    assert shown == {id(part) for part in readers["b"].shown}, "each chunk is distorted once for all runs"
    assert {n_threads for _, n_threads in readers["a"].threads} == {1}
    if sys.platform == "linux":
        assert readers["a"].priorities == {min(19, os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) + 5)}
    assert {name.split("_")[0] for name, _ in readers["a"].threads} == {"sweep"}


def test_a_part_of_the_images_meets_the_fate_it_has_among_all(images: Array, labels: Array) -> None:
    where = spread(N, 130)
    assert (len(where), where[0], np.ptp(np.diff(where))) == (130, 0, 0)
    np.testing.assert_array_equal(spread(7, 0), range(7))
    np.testing.assert_array_equal(spread(7, 100), range(7))
    assert len(spread(0, 0)) == 0
    reader = ByInk()
    list(sweep({"a": reader}, images[where], labels[where], [Point("noise", 0.3)], positions=where))
    np.testing.assert_array_equal(np.concatenate(reader.shown), distort("noise", images, 0.3)[where])


def test_what_is_known_is_left_out(images: Array, labels: Array) -> None:
    readers = {"a": ByInk(), "b": ByInk()}
    left_out = {("a", PLAN[0]), ("a", PLAN[1]), ("b", PLAN[1])}
    rows = list(sweep(readers, images[:20], labels[:20], PLAN, left_out=left_out))
    assert [(row.run_id, row.distortion) for row in rows] == [
        ("b", "none"), ("a", "noise"), ("b", "noise"), ("a", "corruption:fog"), ("b", "corruption:fog"),
    ]  # fmt: skip
    assert (len(readers["a"].shown), len(readers["b"].shown)) == (2, 3)


def test_it_stops_when_it_is_told_to_and_when_nobody_listens(images: Array, labels: Array) -> None:
    stop = threading.Event()
    readers = {"a": ByInk(), "b": ByInk(stop.set)}
    assert list(sweep(readers, images, labels, PLAN, should_stop=stop.is_set)) == [], "no point was complete"
    assert len(readers["a"].shown) + len(readers["b"].shown) <= 4, "what was under way on two threads"

    n_threads = threading.active_count()
    reader = ByInk()
    rows = sweep({"a": reader}, images, labels, points())
    assert [row.distortion for row in islice(rows, 2)] == ["none", "shift"]
    rows.close()
    assert threading.active_count() == n_threads
    assert len(reader.shown) <= 2 * 3 + 4 + 2, "no more than what was handed out ahead"


def test_what_a_reader_raises_reaches_the_caller(images: Array, labels: Array) -> None:
    def fail() -> None:
        raise ValueError("no kernel")

    with pytest.raises(ValueError, match="no kernel"):
        list(sweep({"a": ByInk(fail)}, images, labels, PLAN))


def test_the_first_curves_come_early() -> None:
    plan = points(("shift", "rotation"))
    assert plan[:5] == (UNDISTORTED, ("shift", 1), ("rotation", 10), ("shift", 2), ("rotation", 20))
    assert len(points()) == 1 + sum(len(distortion.strengths) - 1 for distortion in DISTORTIONS.values())
    assert points(("corruption:fog",)) == (UNDISTORTED, ("corruption:fog", 1))
    assert points(("shift", "shift")) == points(("shift",))
    for wrong in ("shft", "corruption:smoke"):
        with pytest.raises(InputError, match="there is no"):
            points((wrong,))


def test_one_digit_is_read_at_every_place() -> None:
    class ByPlace(ByInk):
        def logits(self, images: Array) -> Array:
            tops = images.max(2).argmax(1)  # the first row with ink
            lefts = images.max(1).argmax(1)
            return (10 * np.eye(10)[(tops + 2 * lefts) % 10]).astype(np.float32)

    image = np.zeros((28, 28), np.uint8)
    image[12:16, 10:18] = 255
    grid = shift_grid(ByPlace(), image, reach=3)
    expected = [[(12 + down + 2 * (10 + right)) % 10 for right in range(-3, 4)] for down in range(-3, 4)]
    assert grid.answers.tolist() == expected
    assert grid.probabilities.shape == (7, 7, 10)
    np.testing.assert_allclose(grid.probabilities.sum(2), 1, rtol=1e-5)
    assert grid.probabilities[3, 3, expected[3][3]] == pytest.approx(1 / (1 + 9 * np.exp(-10)))
