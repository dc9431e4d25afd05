"""What a look at the layers of a network that trains takes from its training.

    python -m bench.layer_looks [--looks 30] [--architectures mlp,cnn] [--quick] [--json]

The dashboard's own worker trains in this process, and the look is the one that the page takes. The processor's speed wanders
by more than is to be measured, so nothing is compared with another minute: the moment of every step is noted, and the steps
that a look held up are counted against the speed just before and just after it. How soon a look may be taken again
(``pages.lab.train.layer_health``) gives the share of the training that somebody takes who presses all the time.
--quick: three looks; says whether it runs, and no more than that.
"""

from __future__ import annotations

import argparse
import bisect
import json
import logging
import math
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from bench.serving import about, about_line, best_dataset, folder
from core.config import run_config
from core.runs.job import Job

MAX_SHARE = 0.01  # of a training that looking may take
BESIDE_SECONDS, AFTER_SECONDS = (
    1.5,
    0.05,
)  # of undisturbed steps on either side, and until a look has let go of the processor
EPOCHS = 1000  # it is stopped when all looks are taken


def looks(architecture: str, n_looks: int) -> dict[str, Any]:
    """One row. Trains on the best dataset here, without validation images, so that nothing but steps is to be timed."""
    from pages.lab.train import layer_health
    from pages.shared.services import store, worker

    moments: list[float] = []
    asked = Job._should_stop

    def noting(self: Job) -> bool:
        moments.append(time.perf_counter())
        return asked(self)

    Job._should_stop = noting  # type: ignore[method-assign]  # the one place that every step passes
    try:
        values = {"dataset": best_dataset(), "val_fraction": 0.0, "monitor": "last", "epochs": EPOCHS}
        run_id = store().create(run_config(architecture, values))
        worker().wake()
        while not store().run(run_id).checkpoint_epoch:
            time.sleep(0.1)
        layer_health._new_look(store().run(run_id))  # loads what the first one needs
        lost, look_seconds = [], []
        for _ in range(n_looks):
            time.sleep(BESIDE_SECONDS)
            began = time.perf_counter()
            look = layer_health._new_look(store().run(run_id))
            ended = time.perf_counter() + AFTER_SECONDS
            time.sleep(BESIDE_SECONDS + AFTER_SECONDS)
            lost.append(lost_seconds(moments, began, ended))
            look_seconds.append(look.seconds if look else math.nan)
        store().request(run_id, "stop")
        while not store().run(run_id).has_ended:
            time.sleep(0.1)
    finally:
        Job._should_stop = asked  # type: ignore[method-assign]
    pause = max(layer_health.MIN_SECONDS_BETWEEN_LOOKS, statistics.fmean(look_seconds) / layer_health.MAX_SHARE_OF_TIME)
    mean, error = statistics.fmean(lost), statistics.stdev(lost) / math.sqrt(len(lost))
    return {
        "architecture": architecture, "n": len(lost), "look_s": statistics.fmean(look_seconds), "lost_s": mean,
        "lost_error_s": error, "pause_s": pause, "share": mean / pause, "share_error": error / pause,
        "asked_share": MAX_SHARE, "met": (mean + 2 * error) / pause <= MAX_SHARE,
    }  # fmt: skip


def lost_seconds(moments: Sequence[float], began: float, ended: float, beside: float = BESIDE_SECONDS) -> float:
    """Seconds of training that are missing between two moments, at the speed of ``beside`` seconds before and after.

    moments: of every step, rising
    """

    def n_steps(start: float, end: float) -> int:
        return bisect.bisect_left(moments, end) - bisect.bisect_left(moments, start)

    per_s = (n_steps(began - beside, began) + n_steps(ended, ended + beside)) / (2 * beside)
    return (ended - began) - n_steps(began, ended) / per_s


def rows(architectures: Sequence[str], n_looks: int) -> Iterator[dict[str, Any]]:
    with folder() as place:
        os.environ["DIGIT_LAB_RUNS"] = str(place)
        logging.disable(logging.CRITICAL)  # Streamlit misses a visitor
        for architecture in architectures:
            yield looks(architecture, n_looks)


def text(row: dict[str, Any]) -> str:
    """A row for people."""
    return (
        f"{row['architecture']:<8} n {row['n']:3}   a look lasts {row['look_s']:.3f} s and holds the training up by "
        f"{row['lost_s']:.3f} s ± {row['lost_error_s']:.3f}   one every {row['pause_s']:.0f} s takes {row['share']:.2%} "
        f"± {row['share_error']:.2%}   asked {row['asked_share']:.0%}   {'met' if row['met'] else 'not met'}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m bench.layer_looks", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--looks", type=int, default=30, help="default 30")
    parser.add_argument("--architectures", default="mlp,cnn", help="default mlp,cnn")
    parser.add_argument("--quick", action="store_true", help="three looks")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    if options.looks < 2:
        print("--looks must be at least 2", file=sys.stderr)
        return 2
    facts = about() | {"dataset": best_dataset()}
    print(json.dumps({"about": facts}) if options.json else about_line(facts), flush=True)
    for row in rows(options.architectures.split(","), 3 if options.quick else options.looks):
        print(json.dumps(row) if options.json else text(row), flush=True)
    sys.stdout.flush()
    os._exit(0)  # the worker's thread has nothing left to save


if __name__ == "__main__":
    sys.exit(main())
