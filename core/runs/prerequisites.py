"""What a run needs beside its settings and its dataset, looked for when it is asked for, so that whoever asks hears what is
missing: digits of the class set, and the weights of another run. ``core.runs.beginning`` takes them when it begins.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.config import RunConfig, with_present_values
from core.data import DATASETS
from core.data.class_set import NOTHING_TO_LEARN, learned_from
from core.data.config import ALL_CLASSES
from core.data.dataset import SIDE
from core.errors import ConfigError
from core.runs.rows import check_prefix

SAME_PILE = frozenset({"mnist", "kaggle"})  # datasets that are the same 70,000 digits, each with other test images


def check(db: sqlite3.Connection, configs: Sequence[RunConfig]) -> None:
    """Raises ConfigError for a config whose digits or weights are not here, or do not fit it."""
    if any(config.data.class_set for config in configs) and not _has_digits(db):
        raise ConfigError(NOTHING_TO_LEARN, ("class_set",))
    for config in configs:
        if config.training.start_from:
            _check_start(db, config)


def _has_digits(db: sqlite3.Connection) -> bool:
    """Whether one may be learned from."""
    rows = db.execute("SELECT image FROM class_set WHERE deleted_utc IS NULL AND length(image) = ?", (SIDE * SIDE,))
    return any(learned_from(np.frombuffer(row["image"], np.uint8).reshape(1, SIDE, SIDE)).any() for row in rows)


def _check_start(db: sqlite3.Connection, config: RunConfig) -> None:
    prefix = check_prefix(config.training.start_from)
    rows = db.execute(
        "SELECT config FROM runs JOIN summaries USING (run_id) JOIN artefacts USING (run_id) "
        "WHERE run_id >= ? AND run_id < ? AND role = 'best' AND deleted_utc IS NULL LIMIT 2", (prefix, prefix + "g"),
    ).fetchall()  # fmt: skip
    if len(rows) != 1:
        what = "more than one run starts with it" if rows else "there is no run with it that has ended and has weights"
        raise ConfigError(f"Start from (start_from) is {prefix}, but {what}", ("start_from",))
    try:
        before = with_present_values(json.loads(rows[0]["config"]))
        fits = RunConfig.model_validate({**before, "training": {}, "data": {}}).model == config.model
    except ValueError:  # damaged, or of a network that there is not any more
        before, fits = {}, False
    if not fits or before["architecture"] != config.architecture:
        raise ConfigError(
            f"Start from (start_from) is {prefix}, but that run trained another network, or the same with other settings of "
            f"its own: its weights do not fit {config.architecture} as it is set here",
            ("start_from",),
        )
    _check_held_out(config, before["data"], prefix)


def _check_held_out(config: RunConfig, before: Mapping[str, Any], prefix: str) -> None:
    """Raises ConfigError where the other run learned from images that this one holds out or is tested on: figures about them
    would flatter. before: its settings of the data"""
    data = config.data
    if before["dataset"] != data.dataset:
        if {before["dataset"], data.dataset} == SAME_PILE:
            raise ConfigError(
                f"Start from (start_from) is {prefix}, but that run learned from {DATASETS[before['dataset']].phrase}, which "
                f"holds the same digits as {DATASETS[data.dataset].phrase} in another order: it knows test images of this run",
                ("start_from",),
            )
        return
    classes, set_aside = before.get("classes", ALL_CLASSES), before.get("set_aside", 0.0)
    if not set(classes) & set(data.classes):
        return  # it has never seen these digits
    is_other_part = set(classes) != set(data.classes) or set_aside != data.set_aside
    if is_other_part and (data.val_fraction or data.set_aside):
        raise ConfigError(
            f"Start from (start_from) is {prefix}, but that run learned from some of the images that are held out here or set "
            "aside: take its digits (classes) and its share that is set aside (set_aside), or digits it has never seen",
            ("start_from",),
        )
    draws_val = not DATASETS[data.dataset].form_starts  # else the last images are held out, whatever the seed
    is_other = draws_val and before["split_seed"] != data.split_seed
    if data.val_fraction and (is_other or data.val_fraction > before["val_fraction"]):
        raise ConfigError(
            f"Start from (start_from) is {prefix}, but that run learned from some of the images that are held out here: take "
            f"its split seed, {before['split_seed']}, and at most its validation share, {before['val_fraction']:g}",
            ("start_from",),
        )
