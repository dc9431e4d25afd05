"""What everybody who watches the same runs is told: words and curves, made once a moment for all of them.

A look is plain data for ``assets/watch.js``. Fifty visitors who look once a second cost two looks a second and fifty short
answers; a script of Streamlit for each of them would take the interpreter from the training.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from core.analysis import coach
from core.compare.leaderboard import training_multiply_adds
from core.errors import RunError
from core.runs.rows import Run
from pages.shared.axes import METRICS
from pages.shared.histories import Rows, history
from pages.shared.progress import ends, said_together, share_together
from pages.shared.run_picker import percent
from pages.shared.services import store
from pages.shared.status import duration, said

if TYPE_CHECKING:
    from core.charts.axis import X

HOLD = 0.5  # seconds for which a look is new enough for everybody
HOLD_SOON = 0.1  # where somebody waits for what was just asked for
REMEMBERED = 30.0  # seconds of a run's pace that say how long it will still take

Look = Mapping[str, Any]


class Wanted(NamedTuple):
    """runs: ids · x, log_y: how the curves are drawn
    group: of a comparison, instead of runs; its look has no curves
    """

    runs: tuple[str, ...]
    x: X
    log_y: bool
    group: str = ""


@dataclass(eq=False, slots=True)
class Kept:
    """The newest look of its kind; whoever makes a newer one holds the lock, and the others take this one."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    at: float = float("-inf")
    look: Look = field(default_factory=dict)
    text: bytes = b""  # the same as JSON, compressed

    @property
    def is_new(self) -> bool:
        return time.monotonic() - self.at < (HOLD_SOON if self.look.get("soon") else HOLD)


@lru_cache(maxsize=64)
def _kept(wanted: Wanted) -> Kept:
    return Kept()


def fresh(wanted: Wanted) -> Look:
    """A look at how things stand now. Raises InputError when a run is not there."""
    kept = _kept(wanted)
    with kept.lock:
        return _renewed(kept, wanted).look


def at_hand(wanted: Wanted) -> bytes | None:
    """A look as compressed JSON, at most half a second old or just being made anew; None when there is none. Never waits."""
    kept = _kept(wanted)
    return kept.text if kept.text and (kept.is_new or kept.lock.locked()) else None


def shared(wanted: Wanted) -> bytes:
    """The same, made if need be. Raises InputError when a run is not there."""
    kept = _kept(wanted)
    with kept.lock:
        return kept.text if kept.is_new else _renewed(kept, wanted).text


def _renewed(kept: Kept, wanted: Wanted) -> Kept:
    kept.look = _made(wanted)
    kept.text = gzip.compress(json.dumps(kept.look).encode(), 5)
    kept.at = time.monotonic()
    return kept


def _made(wanted: Wanted) -> Look:
    return _of_group(wanted.group) if wanted.group else _of_runs(wanted)


def _of_group(group_id: str) -> Look:
    """How far a comparison is; its statuses change whenever there is something new to draw."""
    runs = store().runs(group=group_id)
    if not runs:
        raise RunError("There is no such comparison here.")
    together = {"name": "all runs", "share": share_together(runs), "said": said_together(runs)}
    return {
        "statuses": {run.run_id: f"{run.status} {ends(run)}" for run in runs},
        "cards": {group_id: together},
    }


def _of_runs(wanted: Wanted) -> Look:
    known = {run.run_id: run for run in store().runs()}
    runs = [known[one] if one in known else store().run(one) for one in wanted.runs]
    running = sum(run.status == "running" for run in known.values())
    return {
        "begun": any(run.latest for run in runs),
        "soon": any(_is_about_to_move(run) for run in runs),
        "statuses": {run.run_id: run.status for run in runs},
        "cards": {run.run_id: card(run, running) for run in runs},
        "charts": _charts(runs, wanted),
        "advice": [[run.label, text] for run in runs if (text := coach.diagnose(history(run.run_id, run.version)[0]))],
    }


def _is_about_to_move(run: Run) -> bool:
    """Whether it has its first point or its end before it in a moment."""
    return (run.status == "running" and not run.latest) or (run.status == "stopping" and not run.is_validating)


# ---- in words


def card(run: Run, running: int) -> dict[str, Any]:
    """How far a run is and how it does; ``running``: how many share this computer."""
    rows, _ = history(run.run_id, run.version)
    return {
        "name": run.label, "share": min(1.0, (run.epoch or 0.0) / run.epochs),
        "said": f"{said(run)}{_left(run, rows, running)}", "facts": facts(run), "best": best(run),
    }  # fmt: skip


def facts(run: Run) -> str:
    """Size, time, speed and device, as far as they are known."""
    found = [
        f"{run.n_params:,} parameters" if run.n_params else "",
        duration(run.summary.get("seconds", run.latest.get("seconds", 0.0))) + " of computing" if run.version else "",
        f"{run.latest['images_per_s']:,.0f} images/s" if run.latest.get("images_per_s") else "",
        run.device + (" of another machine" if run.shipped else ""),
        "16-bit numbers" if run.started.get("precision") == "bf16" else "",
    ]
    return " · ".join(one for one in found if one)


def best(run: Run) -> str:
    """The best epoch and its figures; "" before the first one."""
    _, points = history(run.run_id, run.version)
    marked = np.flatnonzero(points["is_best"].to_numpy())  # on arrays: a filtered frame takes a tenth of a look
    if not len(marked) or points["epoch"].to_numpy()[marked[-1]] <= 0:
        return ""
    epoch, accuracy, loss = (float(points[name].to_numpy()[marked[-1]]) for name in ("epoch", "accuracy", "loss"))
    split = "validation" if points["split"].iat[marked[-1]] == "val" else "training"
    so_far = "" if run.has_ended else " so far"
    return f"Best epoch{so_far}: {epoch:g}, {percent(accuracy)} {split} accuracy, loss {loss:.4f} nats"


@lru_cache(maxsize=128)
def _pace(run_id: str) -> list[tuple[float, float]]:
    """When a look found the run at which epoch."""
    return []


def _left(run: Run, rows: Rows, running: int) -> str:
    """About how long still, by the clock on the wall: it knows what validation and the other runs take."""
    if run.status != "running" or run.epoch is None:
        return ""
    pace, now = _pace(run.run_id), time.monotonic()
    # What lies further on was before the run went back to a checkpoint. Two looks at once each work on a list of their own.
    seen = [one for one in (*pace, (now, run.epoch)) if now - one[0] <= REMEMBERED and one[1] <= run.epoch]
    pace[:] = seen
    (began, at_first), (_, at_last) = seen[0], seen[-1]
    recent = [row["epoch_seconds"] for row in rows if row["event"] == "epoch" and row["epoch"] > 0][-3:]
    if now - began >= 5 and at_last - at_first >= 0.5:
        per_epoch = (now - began) / (at_last - at_first)
    elif recent:
        per_epoch = running * sum(recent) / len(recent)
    elif run.latest.get("images_per_s"):
        per_epoch = running * run.started["n_train"] / run.latest["images_per_s"]
    else:
        return ""
    return f", about {duration(max(1.0, round((run.epochs - run.epoch) * per_epoch)))} left"


# ---- in curves


def _charts(runs: Sequence[Run], wanted: Wanted) -> dict[str, dict[str, Any]]:
    from core.charts.curves import Line, curves_to_be, describe_curves
    from core.charts.theme import run_colour

    lines = [
        Line(run.label, run_colour(run.number), history(run.run_id, run.version)[1], training_multiply_adds(run))
        for run in runs
    ]
    return {
        metric: {
            "figure": curves_to_be(lines, x=wanted.x, metric=metric, log_y=wanted.log_y).plain(),
            "alt": describe_curves(lines, metric=metric),
        }
        for metric in METRICS
    }
