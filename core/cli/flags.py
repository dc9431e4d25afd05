"""From the declarations of the settings to the flags of ``python -m core train`` and ``find-lr``."""

from __future__ import annotations

import argparse

from core import models


def add_settings(parser: argparse.ArgumentParser, architecture: str) -> None:
    """A flag for every declared setting, under its own name; the declaration checks the value later."""
    from core.config import all_settings

    for one in all_settings(architecture):
        names = ["--" + name.replace("_", "-") for name in (one.name, *one.old_names)]
        help = f"{one.title}: {one.help} ({one.allowed}; default {one.text(one.default)})".replace("%", "%%")
        parser.add_argument(*names, dest=f"set_{one.name}", metavar="VALUE", help=help)


def setting_values(options: argparse.Namespace) -> dict[str, str]:
    """What was given for the flags of ``add_settings``: setting -> text."""
    return {
        name.removeprefix("set_"): value
        for name, value in vars(options).items()
        if name.startswith("set_") and value is not None
    }


def architecture_meant(given: list[str]) -> str | None:
    """Which architecture a command with settings is about; flags can only be derived once that is known. Raises
    ConfigError."""
    if given[:1] not in (["train"], ["find-lr"]):
        return None
    early = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    early.add_argument("--architecture")
    early.add_argument("--preset")
    try:
        known, _ = early.parse_known_args(given[1:])
    except argparse.ArgumentError:
        return None
    if known.preset is None:
        return known.architecture and models.get(known.architecture).id
    from core.experiments import presets

    return presets.get(known.preset).runs[0][0]
