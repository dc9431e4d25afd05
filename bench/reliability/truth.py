"""Rows about truth: what holds of every evaluation, and numbers that a correct implementation reproduces."""

from __future__ import annotations

import importlib.util
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from bench.reliability.card import Row, Tally
from bench.reliability.laws import check
from bench.reliability.trainings import opened
from core import data, models
from core.analysis.metrics import confusion, per_class, wilson
from core.analysis.statistics import mcnemar, paired
from core.config import run_config
from core.data import mnist
from core.data.drawn import to_digit
from core.engine.batches import batch_borders
from core.engine.evaluate import Evaluation, Predictor, score
from core.errors import DataError
from core.runs.worker import drive

UNTRAINED_LOSS, UNTRAINED_SLACK = (
    math.log(10),
    0.6,
)  # nats per image of a network that knows nothing, and how far it may lie off
BATCH_SLACK, TIE_SLACK = (
    1e-6,
    1e-5,
)  # of a loss when the images come in other batches; between two logits that may change places
NEIGHBOUR_BLOCK = 500  # images compared at a time


def invariants(tally: Tally, folder: Path) -> None:
    """A short training of each architecture, and every law on each of its evaluations."""
    names = [name for name in models.TABLE if not models.get(name).counterpart or importlib.util.find_spec("keras")]
    dataset, before = data.load("digits"), dict[str, Evaluation]()
    tally.asked = 2 * min(tally.asked, len(names))
    with opened(folder) as store:
        for name in names[: tally.asked // 2]:
            config = run_config(
                name, {**models.get(name).tiny, "dataset": "digits", "n_train": 200, "epochs": 1, "seed": tally.seed}
            )
            run = drive(store, store.create(config), lambda _: dataset)
            first = next(event for _, event in store.history(run.run_id) if event["event"] == "epoch")
            _law(
                tally,
                abs(first["val_loss"] - UNTRAINED_LOSS) < UNTRAINED_SLACK,
                f"{name} untrained: loss {first['val_loss']:.3f}",
            )
            metadata, weights = store.snapshot(run.run_id)
            predictor = Predictor(config, weights, metadata["mean"], metadata["std"])
            for split in ("val", "test"):
                evaluation = store.evaluation(run.run_id, split)
                _check_evaluation(tally, evaluation, run.summary, split, f"{name} on {split}")
                tally.tried += 1
                if split == "test":
                    _check_batches(tally, predictor, dataset.test_images, evaluation, name)
                    before[name] = evaluation
    for a, b in itertools.combinations(before, 2):
        _check_pair(tally, before[a], before[b], f"{a} and {b}")


def _law(tally: Tally, holds: bool, sentence: str) -> None:
    tally.count("checks")
    tally.count("violated", int(not tally.check(holds, sentence)))


def _check_evaluation(tally: Tally, evaluation: Evaluation, summary: Any, split: str, where: str) -> None:
    try:
        check(evaluation.logits, evaluation.labels, loss=summary[f"{split}_loss"], acc=summary[f"{split}_acc"])
        _law(tally, True, where)
    except ValueError as error:
        _law(tally, False, f"{where}: {error}")
    matrix = confusion(evaluation.labels, evaluation.logits.argmax(axis=1))
    table, n = per_class(matrix), len(evaluation.labels)
    right = float((table["recall"] * table["n"]).sum())
    _law(tally, abs(right / n - summary[f"{split}_acc"]) < 1e-12, f"{where}: micro-averaged recall is not the accuracy")
    _law(tally, summary[f"n_{split}"] == n == table["n"].sum(), f"{where}: {n} images")


def _check_batches(tally: Tally, predictor: Predictor, images: Any, evaluation: Evaluation, where: str) -> None:
    """Read one by seven instead of by 250, the images are read the same."""
    import torch

    parts = [predictor.logits(images[start : start + 7]) for start in range(0, 70, 7)]
    few, all_at_once = np.concatenate(parts), evaluation.logits[:70]
    labels = torch.from_numpy(np.array(evaluation.labels[:70]))
    losses = [score(torch.from_numpy(np.array(logits)), labels).loss for logits in (few, all_at_once)]
    _law(tally, abs(losses[0] - losses[1]) < BATCH_SLACK, f"{where}: loss {losses[0]} by seven, {losses[1]} together")
    top = np.sort(all_at_once, axis=1)[:, -2:]
    clear = top[:, 1] - top[:, 0] > TIE_SLACK
    _law(tally, bool((few.argmax(1) == all_at_once.argmax(1))[clear].all()), f"{where}: other answers in other batches")


def _check_pair(tally: Tally, a: Evaluation, b: Evaluation, where: str) -> None:
    right = [evaluation.logits.argmax(1) == evaluation.labels for evaluation in (a, b)]
    cells = paired(right[0], right[1])
    gap = int((~right[1]).sum()) - int((~right[0]).sum())
    _law(tally, cells.only_a - cells.only_b == gap, f"{where}: {cells} against {gap} errors more")
    _law(tally, cells.both + cells.only_a + cells.only_b + cells.neither == len(right[0]), f"{where}: {cells}")


class Number(NamedTuple):
    """One that is known. tolerance: absolute, 0 for exactly"""

    name: str
    known: Any
    measured: Any
    tolerance: float = 0.0


def _compare(tally: Tally, numbers: Iterator[Number]) -> None:
    for number in numbers:
        measured = number.measured
        same = (
            bool(np.all(np.abs(np.subtract(measured, number.known)) <= number.tolerance))
            if number.tolerance
            else measured == number.known
        )
        tally.tried += 1
        tally.check(same, f"{number.name}: {measured}, known is {number.known}")
    tally.asked = tally.tried


def reference_numbers(tally: Tally, folder: Path) -> None:
    """Those that need no file: embedded digits, sizes of networks, intervals and tests."""
    _compare(tally, itertools.chain(_of_digits(), _of_networks(), _of_statistics()))


def _of_digits() -> Iterator[Number]:
    cells, labels = load_digits(return_X_y=True)
    dataset = data.load("digits")
    ours = np.concatenate((dataset.train_labels, dataset.test_labels))
    yield Number("embedded digits: cells", (1_797, 64), cells.shape)
    yield Number("embedded digits: mean", 4.8842, cells.mean(), 5e-5)
    yield Number("embedded digits: deviation", 6.0168, cells.std(), 5e-5)
    yield Number(
        "embedded digits: of each",
        [178, 182, 177, 183, 181, 182, 181, 179, 174, 180],
        np.bincount(ours).tolist(),
    )
    yield Number("embedded digits: order", True, bool(np.array_equal(ours, labels)))


def _of_networks() -> Iterator[Number]:
    sizes: dict[tuple[str, tuple[tuple[str, Any], ...]], tuple[int, int | None]] = {
        ("softmax", ()): (7_850, None),
        ("mlp", (("widths", (128,)),)): (101_770, None),
        ("mlp", (("widths", (512, 512)),)): (669_706, 668_672),
        ("lenet", ()): (61_706, 416_520),
        ("rnn", ()): (20_224 + 1_290, None),
        ("gru", ()): (60_672 + 1_290, None),
        ("lstm", ()): (80_896 + 1_290, None),
    }
    for (name, values), (n_params, multiply_adds) in sizes.items():
        architecture = models.get(name)
        config = run_config(name, dict(values)).model
        yield Number(f"{name} {values}: weights", n_params, architecture.n_params(config))
        if multiply_adds:
            yield Number(f"{name} {values}: multiply-adds", multiply_adds, architecture.multiply_adds(config))
    for n, steps in ((60_000, (1_875, 938, 469, 235)), (55_000, (1_719, 860, 430, 215))):
        for size, expected in zip((32, 64, 128, 256), steps, strict=True):
            yield Number(f"steps of {n:,} images by {size}", expected, len(batch_borders(n, size)) - 1)


def _of_statistics() -> Iterator[Number]:
    intervals = {
        (9742, 10000): (0.970906, 0.977130), (9888, 10000): (0.986542, 0.990683), (9950, 10000): (0.993415, 0.996205),
        (10000, 10000): (0.999616, 1), (0, 10): (0, 0.277533), (352, 360): (0.956769, 0.988698),
    }  # fmt: skip
    for (k, n), interval in intervals.items():
        yield Number(f"interval of {k} of {n}", interval, wilson(k, n), 1e-6)
    tests = {
        (7, 1): (0.070312, 0.039062), (0, 5): (0.0625, 0.03125), (5, 5): (1, 0.876953), (10, 25): (0.016674, 0.011331),
        (40, 60): (0.056888, 0.046044), (152, 134): (0.314785, 0.287988),
    }  # fmt: skip
    for (a, b), p in tests.items():
        yield Number(f"McNemar of {a} and {b}", p, mcnemar(a, b), 1e-6)


def mnist_numbers(tally: Tally, folder: Path) -> None:
    """Those of the real MNIST."""
    with_neighbours = tally.asked > 1
    _compare(tally, _of_mnist(with_neighbours))


def needs_mnist() -> str:
    """Why there is no MNIST to measure, "" where it is at hand."""
    if not mnist.is_present():
        return "no MNIST files in data/mnist or $DIGIT_LAB_DATA"
    try:
        mnist.load()
    except DataError as error:
        return str(error)
    return ""


def _of_mnist(with_neighbours: bool) -> Iterator[Number]:
    digits = mnist.load()
    train, test = digits.train_images, digits.test_images
    flat = train.reshape(len(train), -1)
    yield Number(
        "train labels",
        [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
        np.bincount(digits.train_labels).tolist(),
    )
    yield Number(
        "test labels",
        [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
        np.bincount(digits.test_labels).tolist(),
    )
    for name, images, mean, std in (("train", train, 0.1306605, 0.3081078), ("test", test, 0.1325146, 0.3104802)):
        yield Number(f"{name} mean and deviation", (mean, std), _mean_std(images), 5e-8)
    yield Number("background", 0.8088, float(np.mean(train == 0)), 5e-5)
    yield Number("full ink", 0.0067, float(np.mean(train == 255)), 5e-5)
    yield Number("constant pixels", 67, int(np.count_nonzero(flat.min(axis=0) == flat.max(axis=0))))
    yield Number("different images", 70_000, len({image.tobytes() for images in (train, test) for image in images}))
    yield Number("majority of the test labels", 0.1135, np.bincount(digits.test_labels).max() / 10_000, 1e-12)
    yield Number("share of zeros, which a dead network reads", 0.0980, float(np.mean(digits.test_labels == 0)), 1e-12)
    for name, images, longest in (("train", train, 59_987), ("test", test, 9_997)):
        yield Number(f"{name} digits of 20 pixels", longest, int((_longest_side(images) == 20).sum()))
    mass = train.sum(axis=(1, 2), dtype=np.int64)
    for axis, mean in ((2, 13.996), (1, 14.007)):
        along = train.sum(axis=axis, dtype=np.int64) @ np.arange(28) / mass
        yield Number(f"centre of mass, axis {axis}", (mean, 0.29), (along.mean(), along.std()), 0.005)
    limit = 10_000 if with_neighbours else 1_000
    changed = sum(not np.array_equal(to_digit(image).image, image) for image in test[:limit])
    yield Number("test digits that the way of a drawing changes, of 3 allowed", True, changed <= 3)
    if with_neighbours:
        nearest = _nearest(digits.train_images, digits.train_labels, digits.test_images)
        for k, accuracy in ((1, 0.9691), (3, 0.9717)):
            yield Number(
                f"{k} nearest neighbours",
                accuracy,
                float(np.mean(_vote(nearest[:, :k]) == digits.test_labels)),
                1e-12,
            )


def _mean_std(images: NDArray[np.uint8]) -> tuple[float, float]:
    counts = np.bincount(images.ravel(), minlength=256)
    shares, levels = counts / counts.sum(), np.arange(256) / 255
    mean = float(shares @ levels)
    return mean, math.sqrt(float(shares @ levels**2) - mean**2)


def _longest_side(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    sides = []
    for axis in (1, 2):
        ink: NDArray[np.bool_] = images.max(axis=axis) > 0
        sides.append(28 - ink.argmax(axis=1) - ink[:, ::-1].argmax(axis=1))
    longest: NDArray[np.int64] = np.maximum(sides[0], sides[1])
    return longest


def _nearest(train: NDArray[np.uint8], labels: NDArray[np.int64], asked: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(N, 3) labels of the training images that differ least, the nearest first; squared distances are whole numbers."""
    known, images = (some.reshape(len(some), -1).astype(np.float64) for some in (train, asked))
    squares, rows = (known**2).sum(axis=1), []
    for start in range(0, len(images), NEIGHBOUR_BLOCK):
        distances = squares - 2 * images[start : start + NEIGHBOUR_BLOCK] @ known.T
        three = np.argpartition(distances, 3, axis=1)[:, :3]
        order = np.argsort(np.take_along_axis(distances, three, axis=1), axis=1, kind="stable")
        rows.append(labels[np.take_along_axis(three, order, axis=1)])
    return np.concatenate(rows)


def _vote(neighbours: NDArray[np.int64]) -> NDArray[np.int64]:
    """The label that most have; of several, the one whose first is nearest."""
    votes = (neighbours[:, :, None] == neighbours[:, None, :]).sum(axis=2)
    winners: NDArray[np.int64] = np.take_along_axis(neighbours, votes.argmax(axis=1)[:, None], axis=1)[:, 0]
    return winners


ROWS = (
    Row("invariants", "laws of every evaluation", invariants, 15, 4),
    Row("numbers", "reference numbers without a file", reference_numbers, 1, 1),
    Row("mnist", "reference numbers of MNIST", mnist_numbers, 2, 1, needs_mnist),
)
