"""What each architecture reaches on MNIST: test accuracy over several seeds, and the seconds it trained.

    python -m bench.accuracy [PRESET ...] [--seeds 3] [--first 0] [--epochs N] [--precision auto] [--threads N]
                             [--as-described] [--json]

Without a name, every preset ``best-<architecture>`` is run. The recipes were chosen on validation images only; here the test
images are opened once per run, after its end, for the weights that the run itself chose. Nothing is stored. --epochs,
--precision: the same recipe with more patience, with other numbers. A preset is what it is on this machine, which its row says;
--as-described: what it is on a machine with all the time.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from bench.serving import report
from core import data, models
from core.config import RunConfig
from core.engine.evaluate import evaluate
from core.engine.events import Checkpoint, Event, Finished
from core.engine.seeds import WithOwnRng
from core.engine.train import train
from core.errors import RunError
from core.experiments import presets
from core.machine.processor import cpu_model


def measure(config: RunConfig) -> dict[str, Any]:
    """Train once and open the test images once. Raises DataError without the data, RunError when it did not end well."""
    dataset = data.load(config.data.dataset)
    weights, last = None, Event()
    for last in WithOwnRng(train(config, dataset)):
        if isinstance(last, Checkpoint):
            weights = last.best_weights
    if not isinstance(last, Finished) or weights is None:
        raise RunError(f"{config.architecture} with seed {config.training.seed} did not finish: {last}")
    evaluation = evaluate(config, weights, dataset, "test")
    if evaluation is None:
        raise RunError(f"{dataset.title} has no test images")
    return {
        "seed": config.training.seed,
        "acc": evaluation.score.accuracy,
        "n": evaluation.score.n,
        "seconds": last.seconds,
    }


def table(names: Sequence[str], seeds: range, *, as_described: bool = False, **other: Any) -> Iterator[dict[str, Any]]:
    """One row per run of each preset, over the seeds; ``other``: settings that replace the preset's."""
    for name in names:
        described = presets.get(name)
        preset = described if as_described else described.on_this_machine()
        for number, config in enumerate(preset.configs(**other)):
            runs = [measure(preset.configs(seed=seed, **other)[number]) for seed in seeds]
            accuracies = [run["acc"] for run in runs]
            yield {
                "preset": name, "here": preset.here, "architecture": config.architecture, "epochs": config.training.epochs,
                "n_params": count(config), "n_test": runs[0]["n"],
                "mean": statistics.mean(accuracies), "low": min(accuracies), "high": max(accuracies),
                "seconds": statistics.median(run["seconds"] for run in runs), "runs": runs,
            }  # fmt: skip


def count(config: RunConfig) -> int:
    """Weights of a config."""
    n_params: int = models.get(config.architecture).n_params(config.model)
    return n_params


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 with one line on standard error for bad input or a run that did not end well."""
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("presets", nargs="*", metavar="PRESET", help="default: every best-<architecture>")
    parser.add_argument("--seeds", type=int, default=3, help="runs per preset (default 3)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--epochs", type=int, help="default: as many as the recipe says")
    parser.add_argument("--precision", choices=("fp32", "bf16", "auto"), help="default: what the recipe says")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="default: all cores")
    parser.add_argument("--as-described", action="store_true", help="without what differs on this machine")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    if options.seeds < 1:
        print(f"--seeds is {options.seeds}, must be at least 1", file=sys.stderr)
        return 2
    names = options.presets or [one.id for one in presets.PRESETS.values() if one.id.startswith("best-")]
    torch.set_num_threads(options.threads)
    if not options.json:
        print(
            f"{cpu_model()}, {options.threads} threads, torch {torch.__version__}, Python {platform.python_version()}"
        )
    other = {name: value for name in ("epochs", "precision") if (value := getattr(options, name)) is not None}
    seeds = range(options.first, options.first + options.seeds)
    return report(table(names, seeds, as_described=options.as_described, **other), _text, as_json=options.json)


def _text(row: dict[str, Any]) -> str:
    seeds = f"{len(row['runs'])} seeds" if len(row["runs"]) > 1 else "1 seed"
    return (
        f"{row['preset']:<22} {row['epochs']:>4} epochs {row['n_params']:>9,} parameters  {row['mean']:.2%} "
        f"({row['low']:.2%} to {row['high']:.2%}, {seeds}, {row['n_test']:,} test images)  {row['seconds']:.1f} s"
        + (f"  {row['here']}" if row["here"] else "")
    )


if __name__ == "__main__":
    sys.exit(main())
