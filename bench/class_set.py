"""A class set of real pen drawings: does it help to learn from some of them?

    python -m bench.class_set [--kept 100] [--seeds 3] [--architectures mlp,cnn] [--judged 1000] [--json]

Keeps the first drawings of one half of UCI's pen strokes (see ``bench.pendigits``) as a class set, in a store that is thrown
away. Per architecture and seed four trainings on a few thousand MNIST images: as ever; the same with the set mixed in; and,
from the weights of the first, one epoch of fine-tuning with the set and one without it, to tell more training from these
digits. Each is judged on the held-out half of the set, on drawings of the other half of the file, and on MNIST's test images.
The file does not say who drew what: the drawings that are judged come from the same 30 people.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.pendigits import FILE, drawings
from core import data
from core.analysis.metrics import wilson
from core.analysis.statistics import mean_sd
from core.config import run_config
from core.data.class_set import Digits, learned_from
from core.data.paths import data_root
from core.engine.evaluate import Predictor
from core.errors import InputError
from core.experiments.recipes import CLASS_SET_SHARE, FINE_TUNING
from core.runs import class_set, shipped
from core.runs.rows import Run
from core.runs.store import Store
from core.runs.worker import drive

BASE = {"dataset": "mnist", "n_train": 5_000, "val_fraction": 0.1, "epochs": 5, "batch_size": 64, "monitor": "last"}


def measure(store: Store, judged: Mapping[str, Digits], architecture: str, seed: int) -> dict[str, dict[str, float]]:
    """Way of training -> where it is judged -> accuracy. store: with the class set in it"""

    def trained(**values: Any) -> Run:
        config = run_config(architecture, {**BASE, "seed": seed, **values})
        return drive(store, store.create(config, request="pause"), data.load)

    plain = trained()
    runs = {
        "as ever": plain,
        "mixed in": trained(class_set=CLASS_SET_SHARE),
        "fine-tuned": trained(**FINE_TUNING, class_set=CLASS_SET_SHARE, start_from=plain.run_id),
        "fine-tuned without it": trained(**FINE_TUNING, start_from=plain.run_id),
    }
    return {way: {**_accuracies(store, run, judged), "MNIST": run.summary["test_acc"]} for way, run in runs.items()}


def _accuracies(store: Store, run: Run, judged: Mapping[str, Digits]) -> dict[str, float]:
    about, weights = store.snapshot(run.run_id)
    predictor = Predictor(run.run_config(), weights, about["mean"], about["std"])
    return {
        name: float((predictor.logits(digits.images).argmax(1) == digits.labels).mean())
        for name, digits in judged.items()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 with one line on standard error for bad input."""
    parser = argparse.ArgumentParser(prog="python -m bench.class_set", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kept", type=int, default=100, help="drawings in the class set (default 100)")
    parser.add_argument("--judged", type=int, default=1_000, help="other drawings to judge on (default 1000)")
    parser.add_argument(
        "--seeds", type=int, default=3, help="trainings of each kind (default 3); with 0 the shipped runs only"
    )
    parser.add_argument("--architectures", default="mlp,cnn", help="separated by commas (default mlp,cnn)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    try:
        kept = Digits(*drawings(data_root() / FILE, options.kept, "choose"))
        others = Digits(*drawings(data_root() / FILE, options.judged, "report"))
        judged = {"held out": kept.part(~learned_from(kept.images)), "other drawings": others}
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder))
            class_set.add(store, kept)
            shipped.adopt(store, shipped.shipped_root())
            _shipped(store, kept, options.json)
            for architecture in options.architectures.split(",") if options.seeds else ():
                seeds = [measure(store, judged, architecture, seed) for seed in range(options.seeds)]
                _report(architecture, seeds, judged, options.json)
            store.close()
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _shipped(store: Store, kept: Digits, as_json: bool) -> None:
    """What the runs that came with the program read of the whole set."""
    for run in store.runs():
        if run.shipped and run.config["data"]["dataset"] == "mnist":
            accuracy = _accuracies(store, run, {"kept": kept})["kept"]
            low, high = wilson(round(accuracy * len(kept)), len(kept))
            row = {"run": run.label, "accuracy": accuracy, "low": low, "high": high, "n": len(kept)}
            text = f"{run.label}: {100 * accuracy:.1f} % of {len(kept):,} (95 % {100 * low:.1f} to {100 * high:.1f})"
            print(json.dumps(row) if as_json else text, flush=True)


def _report(
    architecture: str, seeds: Sequence[dict[str, dict[str, float]]], judged: Mapping[str, Digits], as_json: bool
) -> None:
    """Mean over seeds, and by how much it is above the training as ever with the same seed."""
    for way in seeds[0]:
        for where in seeds[0][way]:
            mean = mean_sd([one[way][where] for one in seeds])
            gain = mean_sd([one[way][where] - one["as ever"][where] for one in seeds])
            n = len(judged[where]) if where in judged else 10_000
            row = {
                "architecture": architecture, "way": way, "judged_on": where, "n": n, "seeds": mean.n,
                "mean": mean.mean, "gain": gain.mean, "gain_low": gain.low, "gain_high": gain.high,
            }  # fmt: skip
            interval = "" if gain.low is None else f" (95 % {100 * gain.low:+.2f} to {100 * gain.high:+.2f})"  # type: ignore[operator]
            text = (
                f"{architecture}, {way}, {where} (n = {n:,}): {100 * mean.mean:.2f} %, {100 * gain.mean:+.2f}{interval}"
            )
            print(json.dumps(row) if as_json else text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
