"""What a run is called as long as nobody gives it a name: its network, what it does otherwise than usual, and its seed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from core import models
from core.config import RECORDS, RunConfig, all_settings
from core.fields import Setting

MAX_SETTINGS = 2  # named beside the network; a chip has no room for more
# What is said first and how, ``{}`` being the value; any other setting is said by its title.
SHORT_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "start_from": "from {}",
        "class_set": "own digits {}",
        "pixel_order": "{} pixels",
        "classes": "digits {}",
        "label_noise": "wrong labels {}",
        "init": "starting weights {}",
        "n_train": "{} images",
        "lr": "lr {}",
        "optimizer": "{}",
        "batch_size": "batch {}",
        "widths": "{}",
    }
)
LAST_WORDS: Mapping[str, str] = MappingProxyType(
    {"epochs": "{} epochs", "max_steps": "{} steps", "dataset": "{}", "val_fraction": "validation share {}"}
)


def default_name(config: RunConfig) -> str:
    """Such as "CNN, lr 0.01, seed 3": at most two settings that are not at their default, and the seed unless it is 0."""
    values, changed = config.flat(), config.link()
    by_name = {setting.name: setting for setting in all_settings(config.architecture) if setting.name in changed}
    first = [name for name in SHORT_WORDS if name in by_name]
    last = [name for name in LAST_WORDS if name in by_name]
    others = [name for name in by_name if name not in (*first, *last, "seed", "device", "precision", *RECORDS)]
    words = [_words(by_name[name], values[name]) for name in (*first, *others, *last)[:MAX_SETTINGS]]
    seed = [f"seed {values['seed']}"] if values["seed"] else []
    return ", ".join([models.short_title(config.architecture), *words, *seed])


def _words(setting: Setting, value: Any) -> str:
    text = f"{value:,}" if setting.kind == "int" else setting.label(value)
    words = SHORT_WORDS.get(setting.name) or LAST_WORDS.get(setting.name)
    if words:
        return words.format(text).removesuffix("s") if value == 1 else words.format(text)
    title = setting.title[0].lower() + setting.title[1:] if setting.title[1:2].islower() else setting.title
    return f"{title} {text}"
