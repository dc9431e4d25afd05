"""What everybody who watches the same runs is told: words and curves, made once a moment for all of them.

A snapshot is plain data for ``assets/watch.js``. Fifty visitors who ask once a second cost two snapshots a second and fifty
short answers; a script of Streamlit for each of them would take the interpreter from the training.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import streamlit as st

from core.analysis import coach
from core.charts.words import after_epoch
from core.errors import RunError
from core.fields import SPLIT_WORDS, SplitName
from core.runs.rows import Run
from pages.shared.chart_notes import DOTTED, losses_sentence
from pages.shared.histories import history
from pages.shared.live_charts import Shape, overlay_charts, training_charts
from pages.shared.progress import ends, mean_share, progress_sentence, share, time_left
from pages.shared.run_picker import percent
from pages.shared.services import store
from pages.shared.status import duration, is_active, status_sentence

if TYPE_CHECKING:
    from core.charts.axis import X

HOLD_SECONDS = 0.5  # for which a snapshot is new enough for everybody
HOLD_SOON_SECONDS = 0.1  # where somebody waits for what was just asked for
MAX_SNAPSHOTS = 64  # kept at a time, one for each thing that is wanted

View = Literal["runs", "overlay", "group", "epochs"]
Snapshot = Mapping[str, Any]


class Wanted(NamedTuple):
    """What a snapshot shows.

    view: "runs" are the cards and the pair of curves of a few runs, "overlay" the curves of the Compare page, "group" the
    card of a comparison; "epochs" shows nothing, it only changes when there is something new for a table
    runs: ids; of "epochs" () are all runs · group: id of the comparison
    x, log_y, smoothing: how curves are drawn (``Shape``)
    """

    view: View
    runs: tuple[str, ...] = ()
    x: X = "epoch"
    log_y: bool = False
    smoothing: float = 0.0
    group: str = ""


@dataclass(eq=False, slots=True)
class _Kept:
    """The newest snapshot of its kind. Whoever builds a newer one holds the lock, and the others take this one.

    users: how many callers have it in hand; as long as there is one, it is not dropped, so that two never build the same
    json: the snapshot, compressed
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0
    built_at: float = float("-inf")
    snapshot: Snapshot = field(default_factory=dict)
    json: bytes = b""

    @property
    def is_new(self) -> bool:
        hold = HOLD_SOON_SECONDS if self.snapshot.get("soon") else HOLD_SECONDS
        return time.monotonic() - self.built_at < hold

    def refresh(self, wanted: Wanted) -> None:
        self.snapshot = build(wanted)
        self.json = gzip.compress(json.dumps(self.snapshot).encode(), 5)
        self.built_at = time.monotonic()


class _Snapshots:
    """The snapshots that were wanted last, at most ``MAX_SNAPSHOTS`` of them beside those in use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Wanted, _Kept] = OrderedDict()

    @contextmanager
    def entry(self, wanted: Wanted) -> Iterator[_Kept]:
        with self._lock:
            kept = self._kept.setdefault(wanted, _Kept())
            self._kept.move_to_end(wanted)
            kept.users += 1
        try:
            yield kept
        finally:
            with self._lock:
                kept.users -= 1
                if (surplus := len(self._kept) - MAX_SNAPSHOTS) > 0:
                    idle = [key for key, other in self._kept.items() if not other.users]
                    for key in idle[:surplus]:
                        del self._kept[key]


@st.cache_resource(show_spinner=False)
def _snapshots() -> _Snapshots:
    """One for all visitors."""
    return _Snapshots()


def current(wanted: Wanted) -> Snapshot:
    """How things stand now. Raises InputError when a run is not there."""
    with _snapshots().entry(wanted) as kept, kept.lock:
        kept.refresh(wanted)
        return kept.snapshot


def cached_json(wanted: Wanted) -> bytes | None:
    """Compressed JSON, at most half a second old or just being built anew; None when there is none. Never waits."""
    with _snapshots().entry(wanted) as kept:
        return kept.json if kept.json and (kept.is_new or kept.lock.locked()) else None


def cached_or_build(wanted: Wanted) -> bytes:
    """The same, built if need be. Raises InputError when a run is not there."""
    with _snapshots().entry(wanted) as kept, kept.lock:
        if not kept.is_new:
            kept.refresh(wanted)
        return kept.json


def build(wanted: Wanted) -> Snapshot:
    """The snapshot from what the store says. Raises InputError when a run is not there."""
    if wanted.view == "group":
        return _of_group(wanted.group)
    if wanted.view == "epochs":
        return _of_epochs(wanted.runs)
    return _of_runs(wanted)


def _of_group(group_id: str) -> Snapshot:
    """How far a comparison is; its statuses change whenever there is something new to draw."""
    everyone = store().runs()
    runs = [run for run in everyone if run.group == group_id]
    if not runs:
        raise RunError("There is no such comparison here.")
    sentence = progress_sentence(runs, _n_running(everyone))
    return {
        "statuses": _epoch_statuses(runs),
        "cards": {group_id: {"name": "all runs", "share": mean_share(runs), "status": sentence}},
    }


def _of_epochs(run_ids: Sequence[str]) -> Snapshot:
    """Nothing to show; its statuses change when an epoch ends, and when a run begins, ends or goes away."""
    everyone = store().runs()
    if run_ids:
        return {"statuses": _epoch_statuses([run for run in everyone if run.run_id in run_ids])}
    active = [run for run in everyone if is_active(run)]
    return {"statuses": {**_epoch_statuses(active), "runs": len(everyone)}}


def _of_runs(wanted: Wanted) -> Snapshot:
    everyone = store().runs()
    by_id = {run.run_id: run for run in everyone}
    runs = [by_id[run_id] if run_id in by_id else store().run(run_id) for run_id in wanted.runs]
    shape = Shape(wanted.x, wanted.log_y, wanted.smoothing)
    snapshot: dict[str, Any] = {
        "begun": any(run.latest for run in runs),
        "soon": any(_is_about_to_move(run) for run in runs),
        "statuses": {run.run_id: run.status for run in runs},
    }
    if wanted.view == "overlay":
        charts = overlay_charts(runs, shape)
        return snapshot | {"charts": {name: chart.for_browser() for name, chart in charts.items()},
                           "note": _joined(_curves_note(runs), _below_accuracies(has_gradients="gradients" in charts)),
                           "advice": []}  # fmt: skip
    n_running = _n_running(everyone)
    return snapshot | {
        "charts": {name: chart.for_browser() for name, chart in training_charts(runs, shape).items()},
        "note": _curves_note(runs),
        "cards": {run.run_id: card(run, n_running) for run in runs},
        "advice": [[run.label, text] for run in runs if (text := coach.diagnose(history(run.run_id, run.version)[0]))],
    }


def _n_running(runs: Sequence[Run]) -> int:
    return sum(run.status == "running" for run in runs)


def _epoch_statuses(runs: Sequence[Run]) -> dict[str, str]:
    return {run.run_id: f"{run.status} {ends(run)}" for run in runs}


def _is_about_to_move(run: Run) -> bool:
    """Whether it has its first point or its end before it in a moment."""
    return (run.status == "running" and not run.latest) or (run.status == "stopping" and not run.is_validating)


# ---- in words


def card(run: Run, n_running: int) -> dict[str, Any]:
    """How far a run is and how it does; n_running: how many share this computer"""
    left = time_left([run], n_running) if run.status == "running" and run.epoch is not None else ""
    return {
        "name": run.label, "share": share(run), "status": f"{status_sentence(run)}{left}", "facts": facts(run),
        "best": best(run),
    }  # fmt: skip


def facts(run: Run) -> str:
    """Size, time, speed and device, as far as they are known."""
    parts = [
        f"{run.n_params:,} parameters" if run.n_params else "",
        duration(run.summary.get("seconds", run.latest.get("seconds", 0.0))) + " of computing" if run.version else "",
        f"{run.latest['images_per_s']:,.0f} images/s" if run.latest.get("images_per_s") else "",
        run.device + (f" of another machine{_where(run)}" if run.shipped else ""),
        "16-bit numbers" if run.started.get("precision") == "bf16" else "",
    ]
    return " · ".join(part for part in parts if part)


def _where(run: Run) -> str:
    """Processor and threads of a shipped run: on others the same settings end with slightly other figures."""
    cpu, threads = run.manifest.get("cpu"), run.manifest.get("threads")
    return f" ({cpu}, {threads} thread{'s' if threads != 1 else ''})" if cpu and threads else ""


def best(run: Run) -> str:
    """The best epoch and its figures; "" before the first one."""
    _, points = history(run.run_id, run.version)
    marked = np.flatnonzero(points["is_best"].to_numpy())  # on arrays: a filtered frame takes a tenth of a snapshot
    if not len(marked) or points["epoch"].to_numpy()[marked[-1]] <= 0:
        return ""
    epoch, accuracy, loss = (float(points[name].to_numpy()[marked[-1]]) for name in ("epoch", "accuracy", "loss"))
    split: SplitName = "val" if points["split"].iat[marked[-1]] == "val" else "train"
    so_far = "" if run.has_ended else " so far"
    when = f"Best epoch{so_far}: {epoch:,.0f}" if epoch == int(epoch) else f"Best{so_far}: {after_epoch(epoch)}"
    return f"{when}, {percent(accuracy)} {SPLIT_WORDS[split]} accuracy, loss {loss:.4f} nats"


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _curves_note(runs: Sequence[Run]) -> str:
    return _joined(DOTTED, losses_sentence(runs))


def _below_accuracies(*, has_gradients: bool) -> str:
    return (
        "Below the accuracies: how much better a network does on images it learned from (a sample of them) than on others, "
        "both read after the epoch, without dropout and variation (runs of earlier versions: training images while learning)"
    ) + (
        ", and how long its gradient was while it learned."
        if has_gradients
        else ". None of these runs kept the length of its gradient: shipped ones do not, and very short ones never measure it."
    )
