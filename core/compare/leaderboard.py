"""The leaderboard: every run beside every other, as one table that the page and the command line share.

Runs are ranked by what they reached on validation images; the test images only report, and only for the weights that each
run itself chose.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from core import models
from core.analysis.statistics import mean_sd
from core.compare.same_images import image_sets
from core.config import without_seed
from core.errors import InputError
from core.runs.reading import epoch_ends, weight_bytes
from core.runs.rows import Run
from core.runs.store import Store

if TYPE_CHECKING:  # the command line plans comparisons without waiting for it
    import pandas as pd

At = Literal["best", "last"] | int

COLUMNS = (
    "rank", "run_id", "number", "name", "status", "architecture", "dataset", "group", "tags", "notes", "seed", "epoch",
    "val_acc", "val_loss", "n_val", "test_acc", "test_low", "test_high", "n_test", "seeds", "seeds_mean", "seeds_sd",
    "n_params", "multiply_adds", "seconds", "images_per_s", "bytes", "device", "curve",
)  # fmt: skip


def leaderboard(store: Store, runs: Sequence[Run], at: At = "best") -> pd.DataFrame:
    """One row per run (``COLUMNS``), the best first, those without a validation figure last.

    at: which epoch counts: "best" (the one whose weights were kept), "last", or its number
    rank: among runs on the same images, by accuracy on its validation images, then by their loss; None without any
    epoch: the one that counts · val_…: there · test_…: of the kept weights, so only at "best", with the Wilson interval
    seeds, seeds_mean, seeds_sd: how many seeds the finished runs of the table tried that differ from this one, finished too,
    in the seed alone and saw the same images; mean and deviation of their validation accuracies
    multiply_adds: for one image forward · seconds: own computing time · bytes: of the weights' file
    curve: validation accuracy after each epoch, in percent
    Accuracies are fractions. What is not known is None.
    """
    import pandas as pd

    ends, sizes = epoch_ends(store, [run.run_id for run in runs]), weight_bytes(store)
    rows = [_row(run, ends[run.run_id], sizes.get(run.run_id), at) for run in runs]
    _add_seeds(rows, runs)
    rows.sort(key=rank_key, reverse=True)
    set_of = {run.run_id: images.title for images in image_sets(runs) for run in images.runs}
    placed: dict[str, int] = {}
    for row in rows:
        if row["val_acc"] is not None:
            title = set_of[row["run_id"]]
            row["rank"] = placed[title] = placed.get(title, 0) + 1
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype(dict.fromkeys(("rank", "n_val", "n_test", "n_params", "multiply_adds", "bytes"), "Int64"))


def rank_key(figures: Mapping[str, Any]) -> tuple[float, float]:
    """How good a run is by its validation images, more is better: by val_acc, of equals by val_loss (the less, the better; one
    that is not a number is the worst). Without such images it comes after all others."""
    accuracy, loss = figures.get("val_acc"), figures.get("val_loss")
    return -math.inf if accuracy is None else accuracy, -math.inf if loss is None else -loss


def multiply_adds(run: Run) -> int | None:
    """Of the run's network, for one image forward; None when it was made for settings that no longer exist."""
    return _multiply_adds(run.architecture, json.dumps(run.config["model"], sort_keys=True))


def training_multiply_adds(run: Run) -> int | None:
    """The same for learning from one image."""
    forward = multiply_adds(run)
    return None if forward is None else models.TRAINING_COST * forward


@lru_cache(maxsize=1024)
def _multiply_adds(architecture: str, model: str) -> int | None:
    try:
        record = models.get(architecture)
        return record.multiply_adds(record.config.model_validate(json.loads(model)))
    except (InputError, ValidationError):
        return None


def _row(run: Run, ends: Sequence[Mapping[str, Any]], size: int | None, at: At) -> dict[str, Any]:
    summary, counted = run.summary, _counted(ends, at)
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= {
        "run_id": run.run_id, "number": run.number, "name": run.label, "status": run.status,
        "architecture": run.architecture, "dataset": run.config["data"]["dataset"], "group": run.group,
        "tags": list(run.tags), "notes": run.notes, "seed": run.config["training"]["seed"],
        "epoch": counted.get("epoch"), "val_acc": counted.get("val_acc"), "val_loss": counted.get("val_loss"),
        "n_val": run.started.get("n_val") or None, "n_params": run.n_params, "multiply_adds": multiply_adds(run),
        "seconds": summary.get("seconds", run.latest.get("seconds")),
        "images_per_s": summary.get("images_per_s", run.latest.get("images_per_s")), "bytes": size, "device": run.device,
        "curve": [100 * one["val_acc"] for one in ends if one["val_acc"] is not None],
    }  # fmt: skip
    if at == "best" and summary:
        from core.analysis.metrics import accuracy_interval  # loads pandas

        row |= {name: summary.get(name, row[name]) for name in ("val_acc", "val_loss")}
        if "test_acc" in summary:
            n = summary["n_test"]
            low, high = accuracy_interval(summary["test_acc"], n)
            row |= {"test_acc": summary["test_acc"], "test_low": low, "test_high": high, "n_test": n}
    return row


def _counted(ends: Sequence[Mapping[str, Any]], at: At) -> Mapping[str, Any]:
    """The end of the epoch that counts; empty when there is none. The untrained network never counts."""
    trained = [one for one in ends if one["epoch"] > 0]
    if at == "best":
        trained = [one for one in trained if one["is_best"]]
    elif at != "last":
        trained = [one for one in trained if one["epoch"] == at]
    return trained[-1] if trained else {}


def _add_seeds(rows: Sequence[dict[str, Any]], runs: Sequence[Run]) -> None:
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row, run in zip(rows, runs, strict=True):
        if row["val_acc"] is not None and run.status == "finished":
            alike.setdefault((without_seed(run.config), *run.images), []).append(row)
    for members in alike.values():
        # The same seed twice gives the same run twice; counted once, the first of those listed.
        over_seeds = mean_sd(list({row["seed"]: row["val_acc"] for row in reversed(members)}.values()))
        for row in members:
            row |= {"seeds": over_seeds.n, "seeds_mean": over_seeds.mean, "seeds_sd": over_seeds.sd}
