"""A run as it is read back from the store, and the rules for its id, its name and its status."""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
import time
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from core import models
from core.config import RunConfig, parse, with_present_values
from core.data import DATASETS, EMBEDDED, FORMS_HASH, title
from core.engine.events import Arrays, Event, Next, Snapshot
from core.errors import ConfigError, RunError
from core.runs.checksums import checksum, run_damage
from core.runs.manifest import IMPORTED, PATIENT

Request = Literal["run", "pause", "stop"]
Role = Literal["best", "last", "best-before", "last-before", "eval-val", "eval-test"]
Status = Literal["queued", "running", "stopping", "paused", "interrupted", "finished", "stopped", "diverged", "failed"]

NAME_LENGTH, TAG_LENGTH, MOST_TAGS, NOTES_LENGTH = 80, 24, 12, 4_000
_PREFIX = re.compile(r"[0-9a-f]{6,32}")


@dataclass(frozen=True, slots=True)
class Run:
    """One training as the store knows it at one moment.

    number: 1, 2, … in order of creation, never given twice; below 0 for a run that came with the program
    architecture_place: its place among the runs of its architecture, from 0 in order of creation; it never changes
    is_named: whether somebody gave it its name; else that is made of its settings
    group: id of those it was launched with, "" for none · tags, notes: what people wrote about it
    contestant: its contestant's place in the plan of its group, from 0; None for a run that was launched without a plan
    created_utc: ISO 8601 · config: as stored, section -> values
    queue_position, queue_length: "1 of 12" is next, None when not queued · version: seq of the newest event, 0 before the first
    owner: who asked for it (see ``core.runs.quota``), "" where nobody noted it
    reason: why it is paused, failed or ended early, as a sentence; else ""
    epoch: passes over the training images so far, fractional in between, None before the first event
    epochs: planned; fractional when a number of steps ends it earlier
    checkpoint_epoch: of the newest checkpoint, None before the first one; fractional only when no training is left to do
    step: optimizer updates so far · n_params: weights, None before the start · device: "" before the start
    started, latest: the first ``Started`` and the newest ``Progress`` or ``EpochEnd`` as plain values; empty before them
    summary: empty until the run has ended, then status, epoch, step, seconds, best_epoch, n_params, images_per_s, reason
    and, where there was something to judge, val_acc, val_loss, n_val, test_acc, test_loss, n_test
    """

    run_id: str
    number: int
    name: str
    group: str
    tags: tuple[str, ...]
    notes: str
    architecture: str
    created_utc: str
    config: Mapping[str, Any]
    manifest: Mapping[str, Any]
    status: Status
    request: Request
    reason: str
    queue_position: int | None
    version: int
    epoch: float | None
    epochs: float
    checkpoint_epoch: float | None
    step: int
    n_params: int | None
    device: str
    started: Mapping[str, Any]
    latest: Mapping[str, Any]
    summary: Mapping[str, Any]
    contestant: int | None = None
    architecture_place: int = 0
    is_named: bool = False
    queue_length: int | None = None
    owner: str = ""

    def run_config(self) -> RunConfig:
        """The config as a value. Raises ConfigError when it was written for settings that no longer exist."""
        return parse(self.config)

    @property
    def shipped(self) -> bool:
        """Whether it came with the program; its seconds are those of another machine."""
        return self.number < 0

    @property
    def patient(self) -> str:
        """Its letter if it came with a mistake in its training, for a lesson to be found (``core.experiments.patients``)."""
        return str(self.manifest.get(PATIENT, "")) if self.shipped else ""

    @property
    def is_from_elsewhere(self) -> bool:
        """Whether another machine trained it, so that its seconds are that one's."""
        return self.shipped or IMPORTED in self.manifest

    @property
    def label(self) -> str:
        """Its name; a shipped run is called by its network, with the mark that tells it from the visitor's own."""
        if not self.shipped:
            return self.name
        network = f"Patient {self.patient}" if self.patient else models.short_title(self.config["architecture"])
        dataset = self.config["data"]["dataset"]
        return f"{network}, {title(dataset).lower()} (shipped)" if dataset == EMBEDDED else f"{network} (shipped)"

    @property
    def images(self) -> tuple[str, ...]:
        """Which images it learns from and is judged on, equal for runs whose figures compare: the name of its dataset and, as
        soon as it has begun, the hashes that tell these files and their split from others of that name."""
        hashes: Mapping[str, str] = self.manifest.get("dataset_hashes", {})
        return (self.config["data"]["dataset"], *(f"{name} {hashes[name]}" for name in sorted(hashes)))

    @property
    def older_split(self) -> str:
        """What is to be said of its figures when its dataset is split otherwise since, else ""."""
        hashes, dataset = self.manifest.get("dataset_hashes"), self.config["data"]["dataset"]
        return DATASETS[dataset].older_split if hashes and FORMS_HASH not in hashes else ""

    @property
    def dataset_title(self) -> str:
        """What people call its dataset, and whether it is split otherwise since."""
        return title(self.config["data"]["dataset"]) + (", older split" if self.older_split else "")

    @property
    def is_validating(self) -> bool:
        """Whether it was stopped within an epoch, has its weights saved, and is now validated and tested."""
        return self.status == "stopping" and (self.checkpoint_epoch or 0) % 1 != 0

    @property
    def never_began(self) -> bool:
        """Whether it was stopped while it waited."""
        return self.status == "stopped" and not self.version

    @property
    def has_ended(self) -> bool:
        """Whether no further event can come."""
        return bool(self.summary)


@dataclass(frozen=True, eq=False)
class Shipped:
    """A reference run as its files say it.

    run_id: 32 hex digits made from the content · created_utc: ISO 8601 · config, manifest: as a store keeps them
    events: ``Started``, the ``EpochEnd``s, ``Finished`` · weights: state dict name -> float32 array (integers stay)
    figures: what a summary says of the rounded weights (val_acc, test_loss, n_test, …), with seconds and best_epoch
    snapshots: some of the weights on the way to these
    """

    run_id: str
    name: str
    created_utc: str
    config: Mapping[str, Any]
    manifest: Mapping[str, Any]
    events: Sequence[Event]
    figures: Mapping[str, Any]
    weights: Arrays
    snapshots: Sequence[Snapshot] = ()


@dataclass(frozen=True, slots=True)
class DamagedRun:
    """A run of which what the store says no longer is what was written; nothing can be done with it but to delete it.

    name, created_utc: as they stand, fit to be shown · reason: what is damaged, as a sentence
    """

    run_id: str
    number: int
    name: str
    created_utc: str
    reason: str


def read_run(row: sqlite3.Row, *, alive: bool, hold: str) -> Run | DamagedRun:
    """A row of ``SELECT`` as a Run, if it is sound. alive: somebody holds its worker's lease · hold: what hinders it, if
    anything."""
    damage = run_damage(row)
    if not damage:
        try:
            return _run(row, alive=alive, hold=hold)
        except (ValueError, TypeError, KeyError, AttributeError):  # what an old store held when it got its checksums
            damage = "its settings are none"
    run_id, name, created_utc = (printable(row[key]) for key in ("run_id", "name", "created_utc"))
    reason = f"{damage[0].upper()}{damage[1:]}."
    return DamagedRun(run_id, row["number"], name or f"run {abs(row['number'])}", created_utc, reason)


def _run(row: sqlite3.Row, *, alive: bool, hold: str) -> Run:
    config = _config(row["config"])
    first, latest = (_event(row["run_id"], row[name]) for name in ("first", "latest"))
    summary = _values(row["summary"] or "{}")
    started = first if first.get("event") == "started" else {}
    newest = summary or latest or started
    return Run(
        run_id=row["run_id"], number=row["number"],
        name=row["name"] or row["default_name"] or f"{config['architecture']}-{abs(row['number'])}",
        group=row["group_id"], tags=tuple(json.loads(row["tags"])), notes=row["notes"],
        architecture=config["architecture"], created_utc=row["created_utc"], config=config,
        manifest=_values(row["manifest"]), status=status_of(row, alive=alive, hold=hold),
        request=row["request"], reason=hold or summary.get("reason", ""), queue_position=row["place"],
        version=row["version"] or 0, epoch=newest.get("epoch"), epochs=_planned(config["training"], started),
        checkpoint_epoch=row["checkpoint_epoch"], step=newest.get("step", 0), n_params=started.get("n_params"),
        device=started.get("device", ""), started=started, latest=latest, summary=summary, contestant=row["contestant"],
        architecture_place=row["architecture_place"], is_named=bool(row["name"]) and row["number"] > 0,
        queue_length=row["queue_length"], owner=row["owner"],
    )  # fmt: skip


def _event(run_id: str, checked: str | None) -> Mapping[str, Any]:
    """What an event says; nothing where there is none, or where it is damaged. checked: its checksum, number and payload,
    with a space between"""
    stored, seq, payload = [*(checked or "").split(" ", 2), "", ""][:3]
    return _values(payload) if payload and stored == str(checksum(run_id, seq, payload)) else {}


@lru_cache(maxsize=4096)
def _values(text: str) -> Mapping[str, Any]:
    """What a column of the store says; nobody changes it, so runs that are read a hundred times share it."""
    values: dict[str, Any] = json.loads(text)
    return values


@lru_cache(maxsize=4096)
def _config(text: str) -> Mapping[str, Any]:
    return with_present_values(json.loads(text))


def _planned(training: Mapping[str, Any], started: Mapping[str, Any]) -> float:
    """Passes over the training images that a run will make if nobody stops it, to a hundredth; never 0, for shares of it are
    shown."""
    epochs: int = training["epochs"]
    most = training.get("max_steps", 0)
    return min(epochs, max(0.01, round(most / started["steps_per_epoch"], 2))) if most and started else epochs


def status_of(row: sqlite3.Row, *, alive: bool, hold: str) -> Status:
    """Derived from what is stored (``ended``, ``worker``, ``request``) and the worker's lease, never kept twice."""
    if row["ended"]:
        ended: Status = row["ended"]
        return ended
    claimed = row["worker"] is not None
    if claimed and not alive:
        return "interrupted"
    if row["request"] == "pause" or hold:
        return "paused"
    if row["request"] == "stop":
        return "stopping"
    return "running" if claimed else "queued"


def next_of_old_checkpoint(scalars: Mapping[str, Any], training: Mapping[str, Any]) -> Next:
    """``Checkpoint.next`` of a checkpoint from before it had one. scalars: as stored · training: settings of its run.

    A fractional epoch then meant that the run was stopped there, except where its number of steps ended it.
    """
    max_steps, patience = training.get("max_steps", 0), training.get("patience", 0)
    if scalars["epoch"] >= training["epochs"] or 0 < max_steps <= scalars["step"]:
        return "finish"
    if scalars["epoch"] != int(scalars["epoch"]):
        return "validate"
    return "finish" if 0 < patience <= scalars["epochs_since_best"] else "train"


def new_id() -> str:
    """32 hex digits that sort by time: 12 of milliseconds, 20 of chance."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def check_prefix(run_id: str) -> str:
    """A run id, or at least its first 6 digits, and nothing else. Raises RunError."""
    if not isinstance(run_id, str) or not _PREFIX.fullmatch(run_id):
        shown = repr(run_id)
        raise RunError(f"{shown if len(shown) <= 40 else shown[:39] + '…'} is not a run id (6 to 32 of 0-9, a-f).")
    return run_id


def check_name(name: str, what: str = "name") -> str:
    """A name of at most 80 printable characters, NFC, "" for none. Raises ConfigError."""
    return check_line(name, what, NAME_LENGTH)


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """At most 12 tags of at most 24 printable characters, NFC, each once, in the order given. Raises ConfigError."""
    clean = tuple(dict.fromkeys(tag for tag in (check_line(one, "tag", TAG_LENGTH) for one in tags) if tag))
    if len(clean) > MOST_TAGS:
        raise ConfigError(f"There are {len(clean):,} tags, allowed are at most {MOST_TAGS}", ("tags",))
    return clean


def check_notes(notes: str) -> str:
    """Notes of at most 4,000 characters, NFC; line breaks are kept. Raises ConfigError."""
    lines = [check_line(line, "notes", NOTES_LENGTH) for line in notes.replace("\t", " ").splitlines()]
    clean = "\n".join(lines).strip()
    if len(clean) > NOTES_LENGTH:
        raise ConfigError(f"The notes have {len(clean):,} characters, allowed are at most {NOTES_LENGTH:,}", ("notes",))
    return clean


def printable(text: object) -> str:
    """What damage may have left of a name, fit to be shown: at most 80 characters, others than printable ones replaced."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(text)[:NAME_LENGTH]
    )


def check_line(text: str, what: str, longest: int) -> str:
    """A line of at most so many printable characters, NFC. what: what an error calls it. Raises ConfigError."""
    clean = unicodedata.normalize("NFC", text).strip()
    if len(clean) > longest:
        raise ConfigError(f"The {what} has {len(clean):,} characters, allowed are at most {longest:,}", (what,))
    if not clean.isprintable():  # control, direction-changing, invisible and unassigned characters
        raise ConfigError(f"The {what} has a character in it that can not be shown", (what,))
    return clean
