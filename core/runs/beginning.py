"""What a run begins with beside its settings: digits of the class set that it mixes in, and the weights of another run.

``core.runs.prerequisites`` has looked for both when the run was asked for. What it then took is written into its manifest, so
that it goes on with the same or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.data.class_set import NOTHING_TO_LEARN, Digits, with_class_set
from core.data.dataset import Dataset
from core.engine.events import Arrays
from core.errors import DataError, RunError
from core.runs import class_set
from core.runs.rows import Run
from core.runs.store import Store


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
    learned = np.isin(kept.digits.labels, run.run_config().data.classes)
    mixed = with_class_set(dataset, kept.digits.part(learned & (np.array(kept.numbers, np.int64) <= last)))
    half = Digits(mixed.class_set_images, mixed.class_set_labels)
    if before is None and not len(half):
        raise DataError(NOTHING_TO_LEARN)
    record = {"last": last, "n": len(half), "sha256": half.hash}
    if before is not None and record != before:
        gone = "they are not all there any more", "Digits that were deleted can be brought back for a day."
        back = "others that had been deleted by then are there again", "Delete those that came back, and it goes on."
        what, way_out = gone if len(half) <= before["n"] else back
        raise RunError(
            f"This run learned from {before['n']:,} kept digits, and {what}, so it can not go on with the same ones. {way_out}"
        )
    return record, mixed


def _record(store: Store, run: Run) -> Mapping[str, Any] | None:
    """What stands in its manifest about digits, or else in that of the first of its comparison, so that all learn from the
    same; None where none has begun."""
    if run.manifest or run.contestant is None:
        return run.manifest.get("class_set")
    others = (other.manifest.get("class_set") for other in reversed(store.runs(group=run.group)))
    return next((record for record in others if record), None)
