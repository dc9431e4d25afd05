"""``python -m core compare``: two trained networks, image by image."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from core.cli import output as console
from core.cli.output import say
from core.errors import RunError
from core.fields import SPLIT_WORDS, SplitName

if TYPE_CHECKING:
    from core.engine.evaluate import Evaluation
    from core.runs.rows import Run
    from core.runs.store import Store

COMPARE_HELP = "Compare two runs image by image: which images did each alone read, and could the gap be luck?"


def add_compare_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_a", metavar="RUN_A")
    parser.add_argument("run_b", metavar="RUN_B")
    parser.add_argument("--on", choices=("test", "val"), default="test", help="which images; default test")


def compare(options: argparse.Namespace) -> int:
    """Two runs by their answers to the same images."""
    from core.compare.results import compare_runs
    from core.machine.threads import use_training_threads

    use_training_threads()
    store = console.open_store()
    a, b = (store.run(run_id) for run_id in (options.run_a, options.run_b))
    split: SplitName = options.on
    comparison = compare_runs(a.label, b.label, _answers(store, a, split), _answers(store, b, split), split)
    values = {
        "run_a": a.run_id, "run_b": b.run_id, "name_a": a.label, "name_b": b.label, "on": split,
        **asdict(comparison.figures), "winner": comparison.verdict.winner, "verdict": comparison.verdict.sentence,
    }  # fmt: skip
    say(values, options.json, "\n".join(_pair_lines(values)))
    return 0


def _answers(store: Store, run: Run, split: SplitName) -> Evaluation:
    """A run's answers. Raises RunError when it has none (yet)."""
    from core import data
    from core.runs.shipped import evaluation

    answers = evaluation(store, run, split, data.load)
    if answers is None and not run.has_ended:
        raise RunError(f"{run.label} has not ended; its test images stay closed until then" if split == "test" else
                       f"{run.label} has not ended; its answers come at the end")  # fmt: skip
    if answers is None:
        raise RunError(f"{run.label} ({run.status}) has no answers to {SPLIT_WORDS[split]} images")
    return answers


def _pair_lines(values: Mapping[str, Any]) -> list[str]:
    low, high = 100 * values["low"], 100 * values["high"]
    cells = (f"{name.replace('_', ' ')} {values[name]:,}" for name in ("both", "only_a", "only_b", "neither"))
    return [
        f"a = {values['name_a']}, b = {values['name_b']}, on {values['n']:,} {SPLIT_WORDS[values['on']]} images",
        f"read by {', '.join(cells)}",
        f"accuracy of a minus b: {100 * values['difference']:+.2f} percentage points (95 % {low:+.2f} to {high:+.2f})",
        f"McNemar p: mid-p {values['mid_p']:.4g}, exact {values['exact']:.4g}",
        values["verdict"],
    ]
