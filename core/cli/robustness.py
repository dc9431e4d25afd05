"""``python -m core robustness``: how often trained networks are right once the test images are made harder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.cli import output as console
from core.cli.output import BAD_RESULT, say, stop_on_signal
from core.errors import InputError

if TYPE_CHECKING:
    from core.inspect.robustness import Measured
    from core.runs.rows import Run

HELP = "Accuracy on moved, turned, noisy and otherwise distorted test images, for any number of runs."
LABEL_WIDTH, COLUMN_WIDTH = 44, 10  # characters


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "run_ids", nargs="+", metavar="RUN",
        help="the beginning of a run's id, or the name of one that came with the program, such as mlp",
    )  # fmt: skip
    parser.add_argument(
        "--images", type=int, default=1000, metavar="N",
        help="how many of the test images, evenly spread, the same for all runs; 0 for all; default 1000",
    )  # fmt: skip
    parser.add_argument(
        "--distortion", nargs="+", default=[], metavar="NAME",
        help="which distortions, such as shift or corruption:fog; default all but the named corruptions",
    )  # fmt: skip
    parser.add_argument(
        "--corruptions", action="store_true", help="the fifteen named corruptions, like those of MNIST-C"
    )
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn at random for each image; default 0")


def robustness(options: argparse.Namespace) -> int:
    """Run by run and point by point, the undistorted images first; what was measured before is not measured again."""
    from core import data
    from core.inspect.corruptions import CORRUPTIONS
    from core.inspect.distortions import DISTORTIONS
    from core.inspect.robustness import CORRUPTION, NONE, points
    from core.runs.robustness import results

    if options.images < 0 or options.seed < 0:
        raise InputError("--images and --seed take 0 or more")
    of_corruptions = [CORRUPTION + name for name in CORRUPTIONS] if options.corruptions else []
    names = [*options.distortion, *of_corruptions] or list(DISTORTIONS)
    plan = sorted(points(names), key=lambda point: [NONE, *names].index(point.distortion))
    store = console.open_store()
    runs = list({run.run_id: run for run in (console.named_run(store, word) for word in options.run_ids)}.values())
    rows: list[Measured] = []
    with stop_on_signal() as stop:
        for row in results(store, runs, plan, data.load, options.images, seed=options.seed, should_stop=stop.is_set):
            rows.append(row)
            values = {"run": row.run_id, "distortion": row.distortion, "strength": float(row.strength)}
            if options.json:
                say(values | {"accuracy": row.accuracy, "n": row.n}, as_json=True, line="")
            elif len(rows) % len(runs) == 0:
                at_point = rows[-len(runs) :]
                lines = [*(_head(runs, row.n) if len(rows) == len(runs) else ()), _line(at_point)]
                print("\n".join(lines), flush=True)
    if len(rows) < len(plan) * len(runs):
        print(
            f"Stopped after {len(rows):,} of {len(plan) * len(runs):,} measurements, which are kept.", file=sys.stderr
        )
        return BAD_RESULT
    return 0


def _head(runs: Sequence[Run], n: int) -> list[str]:
    """Which column is which run."""
    letters = [_letter(place) for place in range(len(runs))]
    return [
        *(f"{letter} = {run.label} ({run.run_id})" for letter, run in zip(letters, runs, strict=True)),
        f"{f'accuracy on the same {n:,} test images':{LABEL_WIDTH}}"
        + "".join(f"{letter:>{COLUMN_WIDTH}}" for letter in letters),
    ]


def _letter(place: int) -> str:
    """a, b, …, z, then the number."""
    return chr(ord("a") + place) if place < 26 else str(place + 1)


def _line(at_point: Sequence[Measured]) -> str:
    """The accuracies of all runs at one point."""
    words = _words(at_point[0].distortion, at_point[0].strength)
    return f"{words:{LABEL_WIDTH}}" + "".join(f"{row.accuracy:>{COLUMN_WIDTH}.2%}" for row in at_point)


def _words(distortion: str, strength: float) -> str:
    """A point for people."""
    from core.inspect.corruptions import CORRUPTIONS
    from core.inspect.distortions import DISTORTIONS
    from core.inspect.robustness import CORRUPTION

    if distortion.startswith(CORRUPTION):
        return CORRUPTIONS[distortion.removeprefix(CORRUPTION)].title
    if distortion not in DISTORTIONS:
        return "Undistorted"
    unit = DISTORTIONS[distortion].unit
    return f"{DISTORTIONS[distortion].title}{unit and f' ({unit})'}: {strength:g}"
