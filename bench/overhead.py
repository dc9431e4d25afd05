"""What it costs that a training tells what it does: the same steps bare, as the engine's stream of events, and with the store.

    python -m bench.overhead [MODEL ...] [--rounds 15] [--seconds 4] [--quick] [--json]

All three train in one process and thread, a few seconds each in turn, in an order that rotates; shares are of the same round,
then the median over rounds. The bare loop has the engine's own tricks (images in memory, their memory layout, fused optimizer)
and tells nothing; the engine also scores its answers and looks at its gradient four times a second; the store also commits
that, and is asked before every batch whether to stop. What comes once an epoch (a checkpoint) falls into few turns of a CNN,
which a median leaves out. --quick: two short rounds; says whether it runs, and no more than that.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from bench.serving import about, about_line, best_dataset, folder, report
from core import data, models
from core.config import RunConfig, run_config
from core.data.dataset import Dataset
from core.data.split import split
from core.engine.batches import batch_borders
from core.engine.events import EpochEnd, Progress
from core.engine.optimizers import build_optimizer
from core.engine.seeds import WithOwnRng
from core.engine.train import train
from core.machine.precision import memory_format
from core.machine.threads import use_training_threads
from core.models.pixels import pixels
from core.runs.job import Job
from core.runs.lease import Lease
from core.runs.store import Store

BARE, ENGINE, STORE = "bare", "engine", "store"
NAMES = {BARE: "the steps alone", ENGINE: "with its events", STORE: "with events and store"}
MIN_SHARE_OF_BARE = 0.95  # of the bare speed, with the store


def bare(config: RunConfig, dataset: Dataset) -> Iterator[float]:
    """Epochs learned so far, after every step."""
    parts = split(dataset, config.data)
    images, labels = (torch.from_numpy(one[parts.train]) for one in (dataset.train_images, dataset.train_labels))
    module = models.get(config.architecture).build(config.model)
    layout = memory_format(module, "cpu")
    module.to(memory_format=layout).train()
    optimizer = build_optimizer(config.training, list(module.parameters()))
    borders = batch_borders(len(images), config.training.batch_size)
    for epoch in range(config.training.epochs):
        order = torch.randperm(len(images))
        epoch_images, epoch_labels = images[order], labels[order]
        for start, end in pairwise(borders):
            batch = pixels(epoch_images[start:end], parts.mean, parts.std).contiguous(memory_format=layout)
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(module(batch), epoch_labels[start:end]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            yield epoch + end / len(order)


def engine(config: RunConfig, dataset: Dataset) -> Iterator[float]:
    """The same after every report."""
    for event in WithOwnRng(train(config, dataset)):
        if isinstance(event, (Progress, EpochEnd)):
            yield event.epoch


def stored(config: RunConfig, dataset: Dataset, root: Path) -> Generator[float]:
    """The same, as the dashboard's worker trains."""
    with closing(Store(root)) as store, Lease(store.root) as lease:
        run_id = store.create(config)
        store.claim(lease.id, run_id)
        job = Job(store, run_id, lambda _: dataset)
        while not job.done:
            event = job.step()
            if isinstance(event, (Progress, EpochEnd)):
                yield event.epoch


def turn(way: Iterator[float], seconds: float) -> float:
    """Epochs a second of a few seconds."""
    first, began = next(way), time.perf_counter()
    while True:
        epoch, now = next(way), time.perf_counter()
        if now - began >= seconds:
            return (epoch - first) / (now - began)


def rows(name: str, took: Mapping[str, Sequence[float]], n_train: int) -> Iterator[dict[str, Any]]:
    """One row per way. took: way -> epochs a second, round by round."""
    for way, speeds in took.items():
        shares = [mine / theirs for mine, theirs in zip(speeds, took[BARE], strict=True)]
        share = statistics.median(shares)
        low, _, high = statistics.quantiles(shares, n=4) if len(shares) > 1 else (share, share, share)
        yield {
            "model": name, "way": way, "rounds": len(speeds), "images_per_s": statistics.median(speeds) * n_train,
            "of_bare": share, "quartiles": [low, high], "asked": MIN_SHARE_OF_BARE if way == STORE else None,
            "met": share >= MIN_SHARE_OF_BARE if way == STORE else None,
        }  # fmt: skip


def measured(name: str, rounds: int, seconds: float) -> Iterator[dict[str, Any]]:
    """Train one architecture in all three ways. Raises InputError for one that is not there."""
    dataset = data.load(best_dataset())
    config = run_config(name, {"dataset": best_dataset(), "val_fraction": 0.0, "epochs": 1_000})
    with folder() as place, closing(stored(config, dataset, place)) as kept:
        ways = {BARE: bare(config, dataset), ENGINE: engine(config, dataset), STORE: kept}
        for way in ways.values():
            turn(way, 1.0)  # what is slow only once
        took: dict[str, list[float]] = {way: [] for way in ways}
        order = list(ways)
        for number in range(rounds):
            cut = number % len(order)
            for each in [*order[cut:], *order[:cut]]:
                took[each].append(turn(ways[each], seconds))
        yield from rows(name, took, len(dataset.train_labels))


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m bench.overhead", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", default=["cnn", "mlp"], help="default: cnn mlp")
    parser.add_argument("--rounds", type=int, default=15, help="default 15")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a turn, default 4")
    parser.add_argument("--quick", action="store_true", help="two short rounds, under 50 s")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.seconds = 2, 1.0
    if options.rounds < 1 or options.seconds <= 0:
        print("--rounds must be at least 1, --seconds above 0", file=sys.stderr)
        return 2
    facts = about() | {"threads": use_training_threads(), "dataset": best_dataset()}
    print(json.dumps({"about": facts}) if options.json else about_line(facts), flush=True)
    measurements = (row for name in options.models for row in measured(name, options.rounds, options.seconds))
    return report(measurements, _text, as_json=options.json)


def _text(row: Mapping[str, Any]) -> str:
    met = {
        None: "",
        True: f"   asked {MIN_SHARE_OF_BARE:.0%}: met",
        False: f"   asked {MIN_SHARE_OF_BARE:.0%}: not met",
    }[row["met"]]
    low, high = row["quartiles"]
    return (
        f"{row['model']:<8} {NAMES[row['way']]:<24}{row['images_per_s']:9,.0f} images/s   {row['of_bare']:6.1%} of the steps "
        f"alone (half of {row['rounds']} rounds: {low:.1%} to {high:.1%}){met}"
    )


if __name__ == "__main__":
    sys.exit(main())
