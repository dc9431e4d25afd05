"""Real pen strokes on the drawing pad: which share do trained runs read correctly?

    python -m bench.pendigits RUN [RUN ...] [--half choose] [--skip 0] [--limit 2000] [--json]

Strokes: UCI Pen-Based Recognition of Handwritten Digits (E. Alpaydin and F. Alimoglu 1998), unnormalised, as
``<data>/pendigits/train.json.gz``: a list of {"label": 0..9, "strokes": [[[x, y], ...], ...]}. They are rasterised with the
pad's own brush and size and travel the pad's own path to the network. The file holds 30 writers in mixed order and does not
say who drew what. Nothing is ever learned from it; what is chosen by it is chosen on one half and reported on the other.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.config import parse
from core.data.dataset import Images, Labels
from core.data.drawn import to_digit
from core.data.paths import data_root
from core.data.strokes import rasterise
from core.engine.evaluate import Predictor
from core.errors import DataError, InputError
from core.runs.store import Store, runs_root

FILE = "pendigits/train.json.gz"
HALVES = {"choose": slice(0, None, 2), "report": slice(1, None, 2), "both": slice(None)}


def rows(path: Path, limit: int, half: str = "both") -> list[dict[str, Any]]:
    """The first ``limit`` drawings of a half, {"label": 0..9, "strokes": [[[x, y], ...], ...]}. Raises DataError."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            read = json.load(stream)[HALVES[half]][:limit]
            return [{"label": int(row["label"]), "strokes": row["strokes"]} for row in read]
    except FileNotFoundError:
        raise DataError(f"{path} is not there; set DIGIT_LAB_DATA to the folder that holds pendigits/") from None
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not a list of pen strokes: {error}") from None


def drawings(path: Path, limit: int, half: str = "both", skip: int = 0) -> tuple[Images, Labels]:
    """At most ``limit`` drawings of a half after its first ``skip``, as the network sees them: (N, 28, 28) uint8, labels (N,).

    Raises DataError, also where none is left.
    """
    read = rows(path, skip + limit, half)[skip:]
    if not read:
        raise DataError(f"--skip is {skip}, which leaves no drawing")
    images = np.stack([to_digit(rasterise(row["strokes"])).image for row in read])
    return images, np.array([row["label"] for row in read], np.int64)


def measure(store: Store, run_id: str, images: Images, labels: Labels) -> dict[str, Any]:
    """The share of drawings that a run reads correctly, in all and per digit. Raises RunError."""
    run = store.run(run_id)
    metadata, weights = store.snapshot(run.run_id)
    predictor = Predictor(parse(metadata["config"]), weights, metadata["mean"], metadata["std"])
    right = predictor.logits(images).argmax(axis=1) == labels
    per_digit = {
        str(digit): {"share": float(right[labels == digit].mean()), "n": int((labels == digit).sum())}
        for digit in np.unique(labels)
    }
    return {
        "run_id": run.run_id, "name": run.name, "dataset": run.config["data"]["dataset"],
        "share": float(right.mean()), "n": len(labels), "per_digit": per_digit,
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 with one line on standard error for bad input."""
    parser = argparse.ArgumentParser(prog="python -m bench.pendigits", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run id, or the beginning of one")
    parser.add_argument("--skip", type=int, default=0, help="drawings to leave out at the beginning (default 0)")
    parser.add_argument("--limit", type=int, default=2000, help="number of drawings (default 2000)")
    parser.add_argument(
        "--half", choices=HALVES, default="both", help="every second drawing, from the first or the second"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    try:
        if options.limit < 1:
            raise DataError(f"--limit is {options.limit}, must be at least 1")
        if options.skip < 0:
            raise DataError(f"--skip is {options.skip}, must be at least 0")
        images, labels = drawings(data_root() / FILE, options.limit, options.half, options.skip)
        store = Store(runs_root())
        for run_id in options.runs:
            figures = measure(store, run_id, images, labels)
            print(json.dumps(figures) if options.json else _text(figures))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _text(figures: dict[str, Any]) -> str:
    digits = "  ".join(f"{digit}: {100 * one['share']:.1f} %" for digit, one in figures["per_digit"].items())
    share = f"{100 * figures['share']:.2f} % of {figures['n']:,} drawings read correctly"
    return f"{figures['name']} (trained on {figures['dataset']}): {share}\n  {digits}"


if __name__ == "__main__":
    sys.exit(main())
