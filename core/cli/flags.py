"""From the declarations of the settings to the flags of ``python -m core train`` and ``find-lr``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from core import models
from core.machine.processor import MAX_PROCESSES, PROCESSES

if TYPE_CHECKING:
    from core.config import RunConfig
    from core.fields import Setting


def add_settings(parser: argparse.ArgumentParser, architecture: str) -> None:
    """A flag for every declared setting, under its own name; the declaration checks the value later."""
    from core.config import all_settings

    for setting in all_settings(architecture):
        names = ["--" + name.replace("_", "-") for name in (setting.name, *setting.old_names)]
        help = f"{setting.title}: {setting.help} ({setting.allowed}; default {_default(setting)})"
        parser.add_argument(*names, dest=f"set_{setting.name}", metavar="VALUE", help=help.replace("%", "%%"))


def add_processes(parser: argparse.ArgumentParser) -> None:
    """How many runs of a command train at a time."""
    parser.add_argument(
        "--processes", type=_processes, metavar="N",
        help=f"how many runs train at a time, each in a process of its own; 1: one after the other in this one. "
        f"Default ${PROCESSES}, else as many as this computer does best",
    )  # fmt: skip


def _processes(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MAX_PROCESSES):
        raise argparse.ArgumentTypeError(f"{text[:40]!r}, allowed is a whole number from 1 to {MAX_PROCESSES}")
    return int(text)


def _default(setting: Setting) -> str:
    return setting.text(setting.default) if setting.default or not setting.zero else setting.zero


def setting_values(options: argparse.Namespace) -> dict[str, str]:
    """What was given for the flags of ``add_settings``: setting -> text."""
    return {
        name.removeprefix("set_"): value
        for name, value in vars(options).items()
        if name.startswith("set_") and value is not None
    }


def report_idle(configs: Iterable[RunConfig], names: Collection[str]) -> None:
    """Say on standard error which of these settings, named by flags, do nothing beside the others: a line each."""
    for sentence in dict.fromkeys(sentence for config in configs for sentence in config.idle_sentences(names)):
        print(sentence, file=sys.stderr)


def report_muon(configs: Iterable[RunConfig]) -> None:
    """Say on standard error which of the networks have no weight that Muon, asked for, could move: a line each."""
    for config in configs:
        if config.training.optimizer == "muon":
            from core.engine.optimizers import muon_matrices, muon_sentence  # loads torch

            if not muon_matrices(config.architecture, config.model):
                print(muon_sentence(config), file=sys.stderr)


def architecture_meant(arguments: list[str]) -> str | None:
    """Which architecture a command with settings is about; flags can only be derived once that is known. Raises
    ConfigError."""
    if arguments[:1] not in (["train"], ["find-lr"]):
        return None
    early = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    early.add_argument("--architecture")
    early.add_argument("--preset")
    try:
        options, _ = early.parse_known_args(arguments[1:])
    except argparse.ArgumentError:
        return None
    if options.preset is None:
        return options.architecture and models.get(options.architecture).id
    from core.experiments import presets

    return presets.get(options.preset).runs[0][0]
