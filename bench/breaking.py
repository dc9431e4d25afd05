"""How much shipped networks stand: the smallest change of pixels that changes an answer, and weights that are cut or rounded.

    python -m bench.breaking [RUN ...] [--images 200] [--json]

Attacks: of MNIST's first test images that a network reads, by how much every pixel has to change (median, in percent of full
ink). Damage: accuracy on validation images, which no training learned from, and in which Robustness shows it as well.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from bench.serving import report
from core import data
from core.cli import output
from core.data.split import split
from core.engine.evaluate import Predictor
from core.inspect.counterfactual import BUDGETS, smallest_change
from core.inspect.damage import DAMAGES, measure
from core.machine.threads import use_one_thread
from core.runs import robustness
from core.runs.rows import Run

RUNS = ("mlp", "cnn")  # names of runs that came with the program
AMOUNTS = {"prune": (0.0, 0.5, 0.9), "prune_layers": (0.5, 0.9), "bits": (8.0, 4.0)}


def attacked(run: Run, reader: Predictor, n_images: int) -> Iterator[dict[str, Any]]:
    """A row for each way to attack."""
    dataset = data.load(run.run_config().data.dataset)
    images, labels = dataset.test_images[:n_images], dataset.test_labels[:n_images]
    is_right = reader.answers(images) == labels
    for attack in BUDGETS:
        began = time.perf_counter()
        changes = [smallest_change(reader.module, image, reader.mean, reader.std, attack) for image in images[is_right]]
        budgets = [change.budget if change else 1.0 for change in changes]
        seconds = time.perf_counter() - began
        yield {
            "run": run.name, "what": attack, "n": len(budgets), "split": "test", "median_budget": statistics.median(budgets),
            "seconds": seconds,
        }  # fmt: skip


def damaged(run: Run, reader: Predictor) -> Iterator[dict[str, Any]]:
    """A row for each damage and amount."""
    config = run.run_config()
    dataset = data.load(config.data.dataset)
    held_out = split(dataset, config.data).val
    images, labels = dataset.train_images[held_out], dataset.train_labels[held_out]
    for name, amounts in AMOUNTS.items():
        began = time.perf_counter()
        for point in measure(reader, images, labels, DAMAGES[name], amounts):
            seconds, began = time.perf_counter() - began, time.perf_counter()
            yield {
                "run": run.name, "what": f"{name} {DAMAGES[name].words(point.amount)}", "n": len(point.right), "split": "val",
                "acc": float(np.mean(point.right)), "bytes": point.effect.bytes, "seconds": seconds,
            }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 with one line on standard error for bad input."""
    parser = argparse.ArgumentParser(prog="python -m bench.breaking", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("runs", nargs="*", metavar="RUN", default=RUNS, help=f"default: {' '.join(RUNS)}")
    parser.add_argument("--images", type=int, default=200, help="to attack (default 200)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    if options.images < 1:
        print(f"--images is {options.images}, must be at least 1", file=sys.stderr)
        return 2
    use_one_thread()

    def rows() -> Iterator[dict[str, Any]]:
        with closing(output.open_store()) as store:
            for name in options.runs:
                run = output.named_run(store, name)
                reader = robustness.predictor(store, run)
                yield from attacked(run, reader, options.images)
                yield from damaged(run, reader)

    return report(rows(), _text, as_json=options.json)


def _text(row: dict[str, Any]) -> str:
    if "acc" in row:
        result = f"{row['acc']:.2%} of {row['n']:,} validation images, {row['bytes']:,} bytes"
    else:
        result = f"{row['median_budget']:.1%} of full ink changes an answer, median of {row['n']:,} test images"
    return f"{row['run']:<8} {row['what']:<12} {result}  {row['seconds']:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
