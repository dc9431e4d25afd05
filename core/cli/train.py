"""``python -m core train`` and ``resume``: run trainings here and now, in this process."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from core import models
from core.cli import flags, output
from core.errors import ConfigError

if TYPE_CHECKING:
    from core.config import RunConfig

TRAIN_HELP = "Train one run, or the runs of a preset. `train --architecture NAME --help` lists its settings."
RESUME_HELP = "Go on with an interrupted run."


def add_train_flags(parser: argparse.ArgumentParser, settings_of: str | None) -> None:
    """``settings_of``: the architecture whose settings get a flag each."""
    parser.add_argument("--architecture", help="one of " + ", ".join(models.TABLE))
    parser.add_argument("--preset", help="a named experiment; see `presets`")
    parser.add_argument("--name", default="", help="what the run is called; default is its architecture and a number")
    if settings_of is not None:
        flags.add_settings(parser, settings_of)


def train(options: argparse.Namespace) -> int:
    """Train here and now, in this process; the runs appear in the dashboard too."""
    from core import data
    from core.machine.device import checked_configs
    from core.runs.groups import create_runs
    from core.runs.quota import COMMAND_LINE

    configs = checked_configs(_configs(options), data.count_images)
    store = output.open_store()
    name = options.name if len(configs) == 1 else ""
    # Created as paused: a dashboard that is open on the same store leaves them to this process.
    flags.report_muon(configs)
    output.say_time(configs, store)
    run_ids = create_runs(store, configs, name=name, request="pause", owner=COMMAND_LINE)
    return output.drive(store, run_ids, options.json)


def resume(options: argparse.Namespace) -> int:
    """Go on from the last checkpoint."""
    store = output.open_store()
    return output.drive(store, [store.run(options.run_id).run_id], options.json)


def _configs(options: argparse.Namespace) -> list[RunConfig]:
    """One of an architecture, or those of a preset. Raises ConfigError."""
    from core.config import run_config
    from core.experiments import presets

    values = flags.setting_values(options)
    if options.preset and options.architecture:
        raise ConfigError("give --architecture or --preset, not both", ("architecture", "preset"))
    if options.preset:
        preset = presets.get(options.preset).on_this_machine()
        if preset.here:
            print(preset.here, file=sys.stderr)
        configs = preset.configs(**values)
    elif options.architecture:
        configs = [run_config(options.architecture, values)]
    else:
        raise ConfigError(f"--architecture is missing, allowed is one of {', '.join(models.TABLE)}", ("architecture",))
    flags.report_idle(configs, values)
    return configs
