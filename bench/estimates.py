"""How far the announced time of a training is from the time that it takes: plans of different kinds, each estimated, then run.

    python -m bench.estimates [PLAN ...] [--again] [--quick] [--json]

Every plan has a store of its own, so its first estimate comes from timing each network for a moment; then the dashboard's own
worker trains it, as many runs side by side as for visitors, and the clock on the wall counts from the start to the last test
figure. --again: the same once more in the same store, so that the second estimate comes from what this machine has just done. A
factor is the larger of both times over the smaller one. Other work on the machine is in the figures; the load is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from importlib import import_module
from types import MappingProxyType
from typing import Any

from bench.serving import about, about_line, best_dataset, folder, report
from core import data
from core.compare import kinds, quick
from core.compare.cost import estimate, timed_pace
from core.compare.plan import Question, contestants
from core.config import RunConfig, run_config
from core.data.dataset import Dataset
from core.engine.work import Images
from core.experiments.presets import PRESETS
from core.machine.side_by_side import side_by_side
from core.machine.threads import use_training_threads
from core.runs.groups import create_runs
from core.runs.store import Store
from core.runs.worker import Worker

MAX_FACTOR, MIN_SHARE = 1.5, 10 / 12  # asked: so close, in so many of the plans
POLL_SECONDS = 0.02  # between two looks at the store

Make = Callable[[Dataset], Sequence[RunConfig]]


def train(*architectures: str, **values: Any) -> Make:
    """Runs side by side with the same settings."""
    return lambda dataset: [run_config(name, {"dataset": dataset.name, **values}) for name in architectures]


def compare(
    kind: str, *architectures: str, seeds: int = 1, is_quick: bool = True, trials: int = 2, **values: Any
) -> Make:
    """A comparison as the Race page plans it."""

    def make(dataset: Dataset) -> Sequence[RunConfig]:
        n_images = len(dataset.train_labels)
        share = quick.images(n_images) if is_quick else {}
        competing = contestants([(name, {"dataset": dataset.name, **share, **values}) for name in architectures])
        question = Question(
            kind, competing, tuple(range(seeds)), quick.budget() if is_quick else None, sizes=quick.SIZES, trials=trials
        )
        return kinds.plan(question, n_images=n_images).configs

    return make


PLANS: Mapping[str, Make] = MappingProxyType(
    {
        "softmax": train("softmax", epochs=8),
        "mlp": train("mlp", epochs=4),
        "lenet": train("lenet", epochs=1),
        "cnn-few-images": train("cnn", n_train=10_000, epochs=2),
        "compact-few-images": train("compact", n_train=5_000, epochs=1, val_fraction=1 / 12),
        "lstm-few-images": train("lstm", n_train=10_000, epochs=2),
        "first-experiment": lambda dataset: PRESETS["first-look"].configs(),
        "three-at-once": train("softmax", "lenet", "vit", n_train=5_000, epochs=2),
        "race-of-300-images": compare("race", "mlp", "lenet", seeds=2, is_quick=False, n_train=300, epochs=10),
        "quick-race": compare("race", "mlp", "lenet", seeds=3),
        "quick-data-efficiency": compare("data_efficiency", "softmax", "lenet", seeds=1),
        "quick-tuning": compare("tuning", "mlp", "lenet", trials=3),
    }
)


def measured(name: str, dataset: Dataset, *, again: bool) -> Iterator[dict[str, Any]]:
    """One row per turn of a plan: plan, runs, source, estimate_s, low_s, high_s, real_s, factor, met, load."""
    configs = PLANS[name](dataset)
    with folder() as place, closing(Store(place)) as store:
        for _ in range(2 if again else 1):
            load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
            use_training_threads()
            guess = estimate(configs, store.runs(), count_images, timed_pace, processes=side_by_side().processes)
            if guess is None:
                raise RuntimeError(f"{name}: nothing is known about its time")
            real = trained(store, configs)
            factor = max(guess.seconds / real, real / guess.seconds)
            yield {
                "plan": name, "runs": len(configs), "source": guess.source, "said": str(guess),
                "estimate_s": guess.seconds, "low_s": guess.low, "high_s": guess.high, "real_s": real, "factor": factor,
                "met": factor <= MAX_FACTOR, "load": load,
            }  # fmt: skip


def count_images(name: str) -> Images:
    dataset = data.load(name)
    return Images(len(dataset.train_labels), len(dataset.test_labels))


def trained(store: Store, configs: Sequence[RunConfig]) -> float:
    """Seconds by the clock on the wall until all of them have ended. Raises RuntimeError when one does not finish."""
    worker = Worker(store, load_dataset=data.load)
    worker.start()
    began = time.perf_counter()
    run_ids = create_runs(store, configs)
    worker.wake()
    try:
        while any(not run.has_ended for run in store.runs()):
            time.sleep(POLL_SECONDS)
        seconds = time.perf_counter() - began
    finally:
        worker.shutdown()
    for run_id in run_ids:
        run = store.run(run_id)
        if run.status not in ("finished", "diverged"):
            raise RuntimeError(f"{run.name}: {run.status}. {run.reason}")
    return seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m bench.estimates", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("plans", nargs="*", metavar="PLAN", help=f"default: {' '.join(PLANS)}")
    parser.add_argument("--again", action="store_true", help="each plan twice; the second estimate knows the first run")
    parser.add_argument("--quick", action="store_true", help="one plan on the embedded digits; says whether it runs")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    names = options.plans or (["first-experiment"] if options.quick else list(PLANS))
    if strangers := [name for name in names if name not in PLANS]:
        print(f"not a plan: {', '.join(strangers)}; allowed are {', '.join(PLANS)}", file=sys.stderr)
        return 2
    import_module("torch._dynamo")  # as the dashboard's warm-up does
    dataset = data.load(data.EMBEDDED if options.quick else best_dataset())
    facts = about() | {"threads": use_training_threads(), "dataset": dataset.name}
    print(json.dumps({"about": facts}) if options.json else about_line(facts), flush=True)
    rows: list[dict[str, Any]] = []

    def kept() -> Iterator[dict[str, Any]]:
        for name in names:
            for row in measured(name, dataset, again=options.again):
                rows.append(row)
                yield row

    code = report(kept(), _text, as_json=options.json)
    if rows and not code:
        met = sum(row["met"] for row in rows)
        asked = f"asked {MIN_SHARE:.0%}: {'met' if met >= MIN_SHARE * len(rows) else 'not met'}"
        summary = {"within": met, "of": len(rows), "max_factor": MAX_FACTOR}
        print(
            json.dumps(summary) if options.json else f"{met} of {len(rows)} within a factor of {MAX_FACTOR:g}   {asked}"
        )
    return code


def _text(row: Mapping[str, Any]) -> str:
    load = "" if row["load"] is None else f"   load {row['load']:.1f}"
    return (
        f"{row['plan']:<24} {row['runs']:>3} runs   said {row['said']:<26} estimate {row['estimate_s']:7.1f} s   real "
        f"{row['real_s']:7.1f} s   factor {row['factor']:.2f}{'' if row['met'] else ' !'}   {row['source']}{load}"
    )


if __name__ == "__main__":
    sys.exit(main())
