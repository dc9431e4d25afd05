"""``python -m core …``: the same engine without a screen.

Exit code 0; 1 when a run failed or diverged; 2 for bad input, with one line on standard error. With ``--json``, one JSON
object a line on standard output and nothing else.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from core import models
from core.cli import compare as comparing
from core.cli import find_lr as finding
from core.cli import flags
from core.cli import output as console
from core.cli.output import BAD_RESULT, open_store, say
from core.errors import ConfigError, InputError

if TYPE_CHECKING:
    from core.config import RunConfig

BAD_INPUT = 2


class _Parser(argparse.ArgumentParser):
    """Bad flags are bad input: one line, exit code 2."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message)


def _parser(settings_of: str | None) -> argparse.ArgumentParser:
    """``settings_of``: the architecture whose settings ``train`` and ``find-lr`` get a flag for."""
    parser = _Parser(prog="python -m core", description="Train and compare neural networks on handwritten digits.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    def command(name: str, help: str, run: Callable[..., int]) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
        sub.add_argument("--json", action="store_true", help="one JSON object a line")
        sub.set_defaults(run=run)
        return sub

    training = command(
        "train", "Train one run, or the runs of a preset. `train --architecture NAME --help` lists its settings.", train
    )
    training.add_argument("--architecture", help="one of " + ", ".join(models.TABLE))
    training.add_argument("--preset", help="a named experiment; see `presets`")
    training.add_argument("--name", default="", help="what the run is called; default is its architecture and a number")
    if settings_of is not None:
        flags.add_settings(training, settings_of)
    command("resume", "Go on with an interrupted run.", resume).add_argument("run_id", metavar="RUN")
    command("runs", "List all runs, newest first.", runs)
    command("show", "One run: its settings, its figures, its epochs.", show).add_argument("run_id", metavar="RUN")
    evaluating = command("evaluate", "Answer the validation or test images again with a run's kept weights.", evaluate)
    evaluating.add_argument("run_id", metavar="RUN")
    evaluating.add_argument("--on", choices=("val", "test"), default="test", help="which images; default test")
    command("datasets", "The datasets, and which are at hand.", datasets)
    command("architectures", "The architectures with their size at default settings.", architectures)
    command("presets", "The named experiments.", presets)
    making = command(
        "reference", "Train the reference runs that come with Digit Lab, and write their files.", reference
    )
    making.add_argument("--only", metavar="NAMES", default="", help="some of them, separated by commas; default all")
    making.add_argument("--out", metavar="FOLDER", help="where to; default where Digit Lab looks for them")
    finding.add_flags(command("find-lr", finding.HELP, finding.find_lr), settings_of)
    comparing.add_race_flags(command("race", comparing.RACE_HELP, comparing.race))
    comparing.add_compare_flags(command("compare", comparing.COMPARE_HELP, comparing.compare))
    measuring = command("baselines", "How well comparing images alone reads the test images.", baselines)
    measuring.add_argument("--dataset", default="digits", help="one of those that `datasets` lists; default digits")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        parser = _parser(flags.architecture_meant(given))
        options = parser.parse_args(given)
        code: int = options.run(options)
        return code
    except InputError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:
        # The reader (head, less) has seen enough.
        sys.stderr.close()
        return 0


def _configs(options: argparse.Namespace) -> list[RunConfig]:
    from core.config import run_config
    from core.experiments import presets as experiments

    values = {name[4:]: value for name, value in vars(options).items() if name.startswith("set_") and value is not None}
    if options.preset and options.architecture:
        raise ConfigError("give --architecture or --preset, not both", ("architecture", "preset"))
    if options.preset:
        return experiments.get(options.preset).configs(**values)
    if not options.architecture:
        raise ConfigError(f"--architecture is missing, allowed is one of {', '.join(models.TABLE)}", ("architecture",))
    return [run_config(options.architecture, values)]


def train(options: argparse.Namespace) -> int:
    """Train here and now, in this process; the runs appear in the dashboard too."""
    from core import data
    from core.machine.device import preflight

    configs = _configs(options)
    for config in configs:
        preflight(config)
        data.load(config.data.dataset)
    store = open_store()
    name = options.name if len(configs) == 1 else ""
    # Created as paused: a dashboard that is open on the same store leaves them to this process.
    runs = [store.create(config, name=name, request="pause") for config in configs]
    return console.drive(store, runs, options.json)


def resume(options: argparse.Namespace) -> int:
    """Go on from the last checkpoint."""
    store = open_store()
    return console.drive(store, [store.run(options.run_id).run_id], options.json)


def reference(options: argparse.Namespace) -> int:
    """Train the reference runs one after the other. One that can not be written says why, and the exit code is 1."""
    from core.experiments import reference_runs as making
    from core.machine.threads import use_training_threads
    from core.runs.shipped import shipped_root

    plans = making.plan([name for name in options.only.split(",") if name])
    folder = Path(options.out) if options.out else shipped_root()
    use_training_threads()
    code = 0
    with console.told_to_stop() as told_to_stop:
        for one in plans:
            for values in making.make(one, folder, told_to_stop.is_set):
                say(values, options.json, console.reference_line(values))
                if values.get("written") is False:
                    code = BAD_RESULT
    return code


def runs(options: argparse.Namespace) -> int:
    """One line a run."""
    for run in open_store().runs():
        result = console.result(run)
        say(result, options.json, f"{run.run_id}  {run.label}: {run.status}" + console.accuracy_words(result))
    return 0


def show(options: argparse.Namespace) -> int:
    """Everything that is known of a run."""
    store = open_store()
    run = store.run(options.run_id)
    events = [event for _, event in store.history(run.run_id)]
    epochs = [event for event in events if event["event"] == "epoch"]
    whole = {**console.result(run), "config": run.config, "manifest": run.manifest, "epochs": epochs}
    title = f"{run.label} ({run.run_id}): {run.status}" + console.accuracy_words(console.result(run))
    lines = [title, *map(console.event_line, epochs)]
    say(whole, options.json, "\n".join(lines))
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Answer again with the kept weights, from the files alone."""
    from core import data
    from core.config import parse
    from core.engine import evaluate as engine
    from core.machine.threads import use_training_threads
    from core.runs.manifest import check_images

    use_training_threads()
    store = open_store()
    run = store.run(options.run_id)
    if options.on == "test" and not run.has_ended:
        raise InputError(f"{run.name} has not ended; its test images stay closed until then")
    _, weights = store.snapshot(run.run_id)
    config = parse(run.config)
    dataset = data.load(config.data.dataset)
    check_images(run.manifest, dataset)
    found = engine.evaluate(config, weights, dataset, options.on)
    if found is None:
        raise InputError(f"{run.name} held no images back for validation")
    values = {
        "run_id": run.run_id,
        "on": options.on,
        "n": found.score.n,
        "acc": found.score.accuracy,
        "loss": found.score.loss,
    }
    figures = f"accuracy {found.score.accuracy:.2%}, loss {found.score.loss:.4f}"
    line = f"{run.name} on {found.score.n:,} {options.on} images: {figures}"
    say(values, options.json, line)
    return 0


def datasets(options: argparse.Namespace) -> int:
    """What there is to learn from."""
    from core import data

    _table(
        options, ({"id": name, "title": one.title, "present": one.is_present()} for name, one in data.DATASETS.items())
    )
    return 0


def architectures(options: argparse.Namespace) -> int:
    """What there is to compare."""
    records = {name: models.get(name) for name in models.TABLE}
    rows = (
        {
            "id": name,
            "title": entry.title,
            "family": entry.family,
            "n_params": records[name].n_params(records[name].config()),
            "multiply_adds": records[name].multiply_adds(records[name].config()),
        }
        for name, entry in models.TABLE.items()
    )
    _table(options, rows)
    return 0


def presets(options: argparse.Namespace) -> int:
    """What others have tried."""
    from core.experiments.presets import PRESETS

    rows = (
        {"id": one.id, "title": one.title, "sentence": one.sentence, "architectures": [name for name, _ in one.runs]}
        for one in PRESETS.values()
    )
    _table(options, rows)
    return 0


def baselines(options: argparse.Namespace) -> int:
    """What needs no training, on the training split of the default settings."""
    from core import data
    from core.data.config import DataConfig
    from core.experiments.baselines import BASELINES, baseline
    from core.machine.threads import use_training_threads

    use_training_threads()
    import_module("sklearn.neighbors")  # takes seconds, and is not what is timed
    dataset = data.load(options.dataset)
    for name, entry in BASELINES.items():
        began = time.perf_counter()
        score = baseline(name, dataset, DataConfig(dataset=options.dataset), "test").score
        values = {"n": score.n, "acc": score.accuracy, "loss": score.loss, "seconds": time.perf_counter() - began}
        figures = f"accuracy {score.accuracy:.2%}, loss {score.loss:.4f}, {values['seconds']:.1f} s"
        line = f"{entry.title} on {score.n:,} test images: {figures}"
        say({"id": name, "title": entry.title, **values}, options.json, line)
    return 0


def _table(options: argparse.Namespace, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        say(
            row,
            options.json,
            "  ".join(f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()),
        )
