"""``python -m core runs``, ``show`` and ``evaluate``: what is stored, and the kept weights judged once more."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from core.cli.output import accuracy_words, event_line, open_store, result, say
from core.errors import InputError

RUNS_HELP = "List all runs, newest first."
SHOW_HELP = "One run: its settings, its figures, its epochs."
EVALUATE_HELP = "Answer the validation or test images again with a run's kept weights."


def add_evaluate_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_id", metavar="RUN")
    parser.add_argument("--on", choices=("val", "test"), default="test", help="which images; default test")


def runs(options: argparse.Namespace) -> int:
    """One line a run; those that are damaged come last, with the reason."""
    store = open_store()
    for run in store.runs():
        figures = result(run)
        say(figures, options.json, f"{run.run_id}  {run.label}: {run.status}" + accuracy_words(figures))
    for damaged in store.damaged_runs():
        values = {"run_id": damaged.run_id, "name": damaged.name, "status": "damaged", "reason": damaged.reason}
        say(values, options.json, f"{damaged.run_id}  {damaged.name}: damaged. {damaged.reason}")
    return 0


def show(options: argparse.Namespace) -> int:
    """Everything that is known of a run."""
    from core.runs.reading import damaged_events_sentence

    store = open_store()
    run = store.run(options.run_id)
    events = [event for _, event in store.history(run.run_id)]
    epochs = [event for event in events if event["event"] == "epoch"]
    damage = damaged_events_sentence(store, run.run_id)
    values = {**result(run), "config": run.config, "manifest": run.manifest, "epochs": epochs, "damage": damage}
    title = f"{run.label} ({run.run_id}): {run.status}" + accuracy_words(result(run))
    lines = [title, damage, run.older_split, _machine_line(run.manifest), *map(event_line, epochs)]
    say(values, options.json, "\n".join(filter(None, lines)))
    return 0


def _machine_line(manifest: Mapping[str, Any]) -> str:
    """Where a run was trained, "" if unknown: another processor, or more threads, give slightly other figures."""
    cpu, threads = manifest.get("cpu"), manifest.get("threads")
    return f"trained on {cpu}, {threads} thread{'s' if threads != 1 else ''}" if cpu and threads else ""


def evaluate(options: argparse.Namespace) -> int:
    """Answer again with the kept weights, from the files alone."""
    from core import data
    from core.config import parse
    from core.engine import evaluate as engine
    from core.machine.threads import use_training_threads
    from core.runs.manifest import own_images

    use_training_threads()
    store = open_store()
    run = store.run(options.run_id)
    if options.on == "test" and not run.has_ended:
        raise InputError(f"{run.name} has not ended; its test images stay closed until then")
    _, weights = store.snapshot(run.run_id)
    config = parse(run.config)
    dataset = own_images(run.manifest, data.load(config.data.dataset))
    evaluation = engine.evaluate(config, weights, dataset, options.on)
    if evaluation is None:
        raise InputError(f"{run.name} held no images back for validation")
    score = evaluation.score
    values = {"run_id": run.run_id, "on": options.on, "n": score.n, "acc": score.accuracy, "loss": score.loss}
    values |= {"older_split": run.older_split}
    figures = f"accuracy {score.accuracy:.2%}, loss {score.loss:.4f}"
    line = f"{run.name} on {score.n:,} {options.on} images: {figures}"
    say(values, options.json, "\n".join(filter(None, [line, run.older_split])))
    return 0
