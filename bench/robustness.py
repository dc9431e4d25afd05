"""How long it takes to find out where five networks break.

    python -m bench.robustness [--quick] [--json]

Five runs that came with the program (three of them look at each image nine times) answer MNIST's test images at eight
distortions of five strengths each and without any: 41 points, on 1,000 images and on all 10,000, as the page Robustness has
them measured. Once as they are, once with a single look, as a network trained with default settings has it. --quick: the
1,000 images only. Beside the seconds on the clock stand the processor's: with two threads on two idle cores the clock takes
half of these, beside other work more.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from core import data
from core.engine.evaluate import Predictor
from core.errors import DataError
from core.inspect.distortions import DISTORTIONS
from core.inspect.robustness import points, spread, sweep
from core.machine.processor import cpu_model
from core.machine.threads import use_one_thread
from core.runs import robustness, shipped
from core.runs.store import Store

RUNS = ("softmax", "mlp", "cnn", "compact", "lstm")
LEFT_OUT = "geometry"  # the ninth distortion
THREADS = 2


def predictors(store: Store, views: int | None) -> dict[str, Predictor]:
    """Of the shipped runs by their names. views: of each image; None for as many as a run was trained to take"""
    by_name = {}
    for run in store.runs():
        if run.name in RUNS:
            predictor = robustness.predictor(store, run)
            if views:
                training = predictor.config.training.model_copy(update={"tta_views": views})
                predictor.config = predictor.config.model_copy(update={"training": training})
            by_name[run.name] = predictor
    return by_name


def seconds(readers: Mapping[str, Predictor], n_images: int) -> dict[str, Any]:
    """Of one sweep, on the clock and of the processor."""
    dataset = data.load("mnist")
    where = spread(len(dataset.test_labels), n_images)
    plan = points([name for name in DISTORTIONS if name != LEFT_OUT])
    images, labels = dataset.test_images[where], dataset.test_labels[where]
    clock, processor = time.perf_counter(), time.process_time()
    n_measured = sum(1 for _ in sweep(readers, images, labels, plan, positions=where, n_threads=THREADS))
    return {
        "images": len(where), "points": len(plan), "measured": n_measured, "seconds": time.perf_counter() - clock,
        "processor_s": time.process_time() - processor,
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 where MNIST is not at hand."""
    parser = argparse.ArgumentParser(prog="python -m bench.robustness", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the 1,000 images only")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    use_one_thread()
    try:
        data.load("mnist")
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    about = {
        "cpu": cpu_model(), "cores": os.cpu_count(), "threads": THREADS, "load": round(os.getloadavg()[0], 1),
        "torch": torch.__version__,
    }  # fmt: skip
    print(
        json.dumps({"about": about}) if options.json else "  ".join(f"{name}: {value}" for name, value in about.items())
    )
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        shipped.adopt(store, shipped.shipped_root())
        for n_images in (1_000,) if options.quick else (1_000, 10_000):
            for views, words in ((1, "one look each"), (None, "as they are")):
                row = {"runs": words, **seconds(predictors(store, views), n_images)}
                print(json.dumps(row) if options.json else _text(row), flush=True)
        store.close()
    return 0


def _text(row: Mapping[str, Any]) -> str:
    return (
        f"{len(RUNS)} runs, {row['runs']:<14} {row['points']} points, {row['images']:>6,} images: {row['seconds']:7.1f} s"
        f" ({row['processor_s']:.1f} s of the processor)"
    )


if __name__ == "__main__":
    sys.exit(main())
