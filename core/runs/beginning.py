"""What a run begins with beside its settings: digits of the class set that it mixes in, and the weights of another run.

Both are looked for twice: when the run is asked for, so that whoever asks hears what is missing, and when it begins. What it
then took is written into its manifest, so that it goes on with the same or not at all.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.config import RunConfig, with_present_values
from core.data.class_set import NOTHING_TO_LEARN, Digits, learned_from, with_class_set
from core.data.dataset import SIDE, Dataset
from core.engine.events import Arrays
from core.errors import ConfigError, DataError, RunError
from core.runs import class_set
from core.runs.rows import Run, check_prefix

if TYPE_CHECKING:
    from core.runs.store import Store


def check(db: sqlite3.Connection, configs: Sequence[RunConfig]) -> None:
    """Raises ConfigError for a config whose digits or weights are not here, or do not fit it."""
    if any(config.data.class_set for config in configs) and not _has_digits(db):
        raise ConfigError(NOTHING_TO_LEARN, ("class_set",))
    for config in configs:
        if config.training.start_from:
            _check_start(db, config)


def _has_digits(db: sqlite3.Connection) -> bool:
    """Whether one may be learned from."""
    rows = db.execute("SELECT image FROM class_set WHERE deleted_utc IS NULL")
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


def prepare(store: Store, run: Run, dataset: Dataset, *, is_new: bool) -> tuple[dict[str, Any], Dataset, Arrays | None]:
    """What to write into the manifest of a run, its dataset with the digits that it mixes in, and the weights to begin with.

    is_new: it has no checkpoint to go on from, which would have its weights
    Raises DataError or RunError where digits or weights are no longer what it began with.
    """
    config, origin, weights = run.run_config(), {}, None
    if config.data.class_set:
        origin["class_set"], dataset = _mix_in(store, run, dataset)
    if config.training.start_from and is_new:
        start = store.run(config.training.start_from)
        _, weights = store.snapshot(start.run_id)
        origin["start_from"] = {"run_id": start.run_id, "knows_class_set": knows_class_set(start)}
    return origin, dataset, weights


def knows_class_set(run: Run) -> bool:
    """Whether a run, or one that it started from, has learned from digits of the class set."""
    return "class_set" in run.manifest or bool(run.manifest.get("start_from", {}).get("knows_class_set"))


def _mix_in(store: Store, run: Run, dataset: Dataset) -> tuple[dict[str, Any], Dataset]:
    """Those that were kept when the run, or the first of its comparison, began."""
    before = _record(store, run)
    kept = class_set.class_set(store)
    last = max(kept.numbers, default=0) if before is None else before["last"]
    mixed = with_class_set(dataset, kept.digits.part(np.array(kept.numbers, np.int64) <= last))
    half = Digits(mixed.class_set_images, mixed.class_set_labels)
    if before is None and not len(half):
        raise DataError(NOTHING_TO_LEARN)
    record = {"last": last, "n": len(half), "sha256": half.hash}
    if before is not None and record != before:
        raise RunError(
            f"This run learned from {before['n']:,} kept digits, and they are not all there any more, so it can not go on with "
            "the same ones. Digits that were deleted can be brought back for a day."
        )
    return record, mixed


def _record(store: Store, run: Run) -> Mapping[str, Any] | None:
    """What stands in its manifest about digits, or else in that of the first of its comparison, so that all learn from the
    same; None where none has begun."""
    if run.manifest or run.contestant is None:
        return run.manifest.get("class_set")
    others = (other.manifest.get("class_set") for other in reversed(store.runs(group=run.group)))
    return next((record for record in others if record), None)
