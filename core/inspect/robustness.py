"""How often trained networks are right when the test images are made harder, point by point.

A point is a distortion at one strength, or a named corruption. Each batch of images is distorted once, and every run answers
it exactly as it answers the test set, with its own numbers and views; so without distortion a run reaches the accuracy that
its training ended with.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from core.data.dataset import Images, Indices, Labels
from core.errors import InputError
from core.inspect import corruptions, distortions
from core.machine.threads import give_way

NONE = "none"  # the name of the undistorted point; its strength is 0
CORRUPTION = "corruption:"  # before the name of a corruption, some of which are called like a distortion
CHUNK_IMAGES = 500  # distorted at once; a whole number of the batches in which a network answers
TASKS_AHEAD = 2  # chunks that wait for each thread, so that none is ever idle
# Two threads are no worse than a process of their own: an MLP beside one made 79 steps a second instead of 74, a page's work
# took 53 ms instead of 59, which is within the noise, and a process takes seconds to begin.


class Reader(Protocol):
    """Who answers: a ``core.engine.evaluate.Predictor``, or anything else that reads images (N, 28, 28) uint8."""

    def answers(self, images: Images, /) -> Labels:
        """Which digit is read in each, (N,)"""

    def logits(self, images: Images, /) -> NDArray[np.float32]:
        """(N, 10)"""


class Point(NamedTuple):
    """distortion: a name of ``DISTORTIONS``, "corruption:" and one of ``CORRUPTIONS``, or ``NONE`` · strength: of a corruption
    always 1"""

    distortion: str
    strength: float


UNDISTORTED = Point(NONE, 0.0)


class Measured(NamedTuple):
    """n_right: of n images, at one point by one run"""

    run_id: str
    distortion: str
    strength: float
    n_right: int
    n: int

    @property
    def accuracy(self) -> float:
        return self.n_right / self.n


class ShiftGrid(NamedTuple):
    """What a network reads of one digit at every place: answers (S, S), probabilities of all ten digits (S, S, 10).

    The first axis is how far down it moved, from -reach (up) on; the second how far right. S = 2 * reach + 1
    """

    answers: Labels
    probabilities: NDArray[np.float32]


def points(names: Sequence[str] = tuple(distortions.DISTORTIONS)) -> tuple[Point, ...]:
    """What a sweep over these distortions measures: first the undistorted images, then the first strength of each
    distortion, then the second of each, and so on, so that a first curve of each is there early.

    names: of distortions, or of corruptions with "corruption:" before them. Raises InputError for an unknown name.
    """
    rows = [[Point(name, strength) for strength in _strengths(name)] for name in dict.fromkeys(names)]
    longest = max(map(len, rows), default=0)
    return UNDISTORTED, *(row[place] for place in range(longest) for row in rows if place < len(row))


def distorted(point: Point, images: Images, seed: int = 0, positions: Sequence[int] | Indices | None = None) -> Images:
    """Images (N, 28, 28) uint8 as they are at a point. positions: of each in the test set, by default 0, 1, 2, …"""
    if point == UNDISTORTED:
        return np.array(images, np.uint8)
    if point.distortion.startswith(CORRUPTION):
        return corruptions.corrupt(point.distortion.removeprefix(CORRUPTION), images, seed, positions)
    return distortions.distort(point.distortion, images, point.strength, seed, positions)


def spread(n_images: int, n: int) -> Indices:
    """Positions of n of a test set's images, evenly spread: the first ones may come from other writers than the rest, as those
    of MNIST do. All of them where there are no more, or n is 0."""
    n = min(n or n_images, n_images)
    return np.arange(n, dtype=np.int64) * n_images // max(n, 1)


def sweep(
    readers: Mapping[str, Reader],
    images: Images,
    labels: Labels,
    plan: Sequence[Point],
    *,
    positions: Sequence[int] | Indices | None = None,
    left_out: Collection[tuple[str, Point]] = (),
    should_stop: Callable[[], bool] = lambda: False,
    seed: int = 0,
    n_threads: int = 2,
) -> Generator[Measured, None, None]:
    """One ``Measured`` for each point of the plan and each run, point by point, the runs in their order.

    readers: run id -> who answers · images (N, 28, 28) uint8, labels (N,) · positions (N,): of the images in the test set, by
    default 0, 1, 2, … · left_out: what is not measured, (run id, point) each
    n_threads: how many read side by side, each with one thread of torch's and at low priority; the caller's own only waits.
    should_stop: asked before a network reads the next ``CHUNK_IMAGES`` images; when it says so, or when the generator is
    closed, nothing more comes.
    """
    where = np.asarray(distortions.positions_of(images, positions))
    run_ids_at = {point: [run_id for run_id in readers if (run_id, point) not in left_out] for point in plan}
    closed = threading.Event()

    def count_right(point: Point, first: int) -> list[int]:
        """Of each run that is asked at this point, how many images of a chunk it reads correctly."""
        chunk = slice(first, first + CHUNK_IMAGES)
        part, right = distorted(point, images[chunk], seed, where[chunk]), []
        for run_id in run_ids_at[point]:
            if closed.is_set() or should_stop():
                break
            right.append(int((readers[run_id].answers(part) == labels[chunk]).sum()))
        return right

    chunks = range(0, len(images), CHUNK_IMAGES)
    tasks = ((point, first) for point, run_ids in run_ids_at.items() if run_ids for first in chunks)
    with ThreadPoolExecutor(n_threads, "sweep", initializer=give_way) as pool:
        try:
            ahead = deque(pool.submit(count_right, *task) for task in islice(tasks, TASKS_AHEAD * n_threads))
            for point, run_ids in run_ids_at.items():
                counts = []
                for _ in chunks if run_ids else ():
                    counts.append(ahead.popleft().result())
                    ahead.extend(pool.submit(count_right, *task) for task in islice(tasks, 1))
                if any(len(of_chunk) < len(run_ids) for of_chunk in counts):
                    return
                for run_id, *of_chunks in zip(run_ids, *counts, strict=True):
                    yield Measured(run_id, *point, sum(of_chunks), len(images))
        finally:
            closed.set()
            pool.shutdown(cancel_futures=True)


def shift_grid(predictor: Reader, image: Images, reach: int = 8) -> ShiftGrid:
    """One digit (28, 28) uint8, read at every place up to ``reach`` pixels away."""
    side = 2 * reach + 1
    logits = predictor.logits(distortions.moved(image, reach).reshape(side * side, *image.shape))
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    return ShiftGrid(logits.argmax(1).reshape(side, side).astype(np.int64), shares.reshape(side, side, -1))


def _strengths(name: str) -> tuple[float, ...]:
    """Those that change something."""
    if name.startswith(CORRUPTION):
        if name.removeprefix(CORRUPTION) not in corruptions.CORRUPTIONS:
            raise InputError(f"there is no corruption {name.removeprefix(CORRUPTION)!r}")
        return (1.0,)
    return distortions.get(name).strengths[1:]
