"""``python -m core find-lr``: the search for a learning rate, point by point, and what it suggests."""

from __future__ import annotations

import argparse

from core import models
from core.cli import flags
from core.cli.output import BAD_RESULT, say, stop_on_signal
from core.errors import ConfigError

HELP = "Suggest a learning rate. `find-lr --architecture NAME --help` lists the settings."


def add_flags(parser: argparse.ArgumentParser, settings_of: str | None) -> None:
    """``settings_of``: the architecture whose settings get a flag each."""
    parser.add_argument("--architecture", help="one of " + ", ".join(models.TABLE))
    if settings_of is not None:
        flags.add_settings(parser, settings_of)


def find_lr(options: argparse.Namespace) -> int:
    """Search here and now; nothing is stored. Returns 1 when there is nothing to suggest."""
    from core import data
    from core.config import run_config
    from core.engine import lr_finder
    from core.machine.threads import use_training_threads

    if not options.architecture:
        raise ConfigError(f"--architecture is missing, allowed is one of {', '.join(models.TABLE)}", ("architecture",))
    values = flags.setting_values(options)
    config = run_config(options.architecture, values)
    flags.report_idle([config], values)
    dataset = data.load(config.data.dataset)
    flags.report_muon([config])
    use_training_threads()
    points: list[lr_finder.Point] = []
    with stop_on_signal() as stop:
        for point in lr_finder.find_lr(config, dataset, should_stop=stop.is_set):
            points.append(point)
            figures = {"lr": point.lr, "loss": point.loss, "smoothed": point.smoothed}
            lr = lr_finder.lr_text(point.lr)
            say(figures, options.json, f"learning rate {lr}: loss {point.loss:.4f}, smoothed {point.smoothed:.4f}")
        stopped = stop.is_set()
    suggestion = None if stopped else lr_finder.suggest(points)
    sentence = "Stopped before the end." if stopped else lr_finder.NOTHING_FOUND
    if suggestion:
        sentence = suggestion.sentence
    say({"lr": suggestion.lr if suggestion else None, "suggested": sentence}, options.json, sentence)
    return 0 if suggestion else BAD_RESULT
