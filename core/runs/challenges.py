"""Challenges: what a teacher sets a class, and the runs of the pupils that take part, kept beside the runs.

A challenge fixes the images, the seed and, unless its terms say otherwise, the network; pupils change the rest within its
budget. A share of the training images is set aside for it, which no run that takes part has seen: the board judges by them.
Whatever a browser sent is checked here again. Every change is one transaction.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError

from core import models
from core.config import RunConfig, all_settings, parse, sections
from core.errors import ConfigError, RunError
from core.fields import Config, config_error, setting, settings
from core.runs import prerequisites, quota, writing
from core.runs.checksums import is_sound, seal
from core.runs.guesses import NAME_LENGTH, checked_class_code
from core.runs.rows import check_line, new_id
from core.runs.store import Store

TITLE_LENGTH = 60  # characters
MAX_CHALLENGES = 50  # of a visitor, with those deleted today
SET_ASIDE = 0.2  # of the training images, unless the settings of the base run set some aside already
# Which images are learned from and judged by, and where learning begins: the same for all who take part.
LOCKED = frozenset({
    "dataset", "val_fraction", "n_train", "classes", "set_aside", "label_noise", "pixel_order", "class_set", "split_seed",
    "seed", "start_from",
})  # fmt: skip
_CHALLENGE_ID = re.compile(r"[0-9a-f]{32}")


class Terms(Config):
    """What is asked of a class, and what it may use for it."""

    goal: float = setting(
        2.0, "Goal", "By how much a pupil's network is to be better than the base run, on the images that are set aside.",
        low=0.1, high=100.0, step=0.1, unit="percentage points", basic=True,
    )  # fmt: skip
    max_epochs: int = setting(
        20, "Epochs at most", "How many epochs a network may learn for.", low=1, high=1000, step=1, unit="epochs", basic=True
    )  # fmt: skip
    max_steps: int = setting(
        0, "Steps at most", "How many weight updates a network may take.",
        low=0, high=10_000_000, step=100, unit="steps", zero="no limit", basic=True,
    )  # fmt: skip
    max_n_params: int = setting(
        0, "Parameters at most", "How many parameters a network may have.",
        low=0, high=100_000_000, step=1000, unit="parameters", zero="no limit", basic=True,
    )  # fmt: skip
    is_network_free: bool = setting(
        False, "Pupils may change the network", "They may then choose any network and its settings. Else it is the one of the "
        "base run, and they change how it learns and how the images are varied.", basic=True,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Challenge:
    """config: of the base run · owner: who made it (see ``core.runs.quota``) · created_utc: ISO 8601"""

    challenge_id: str
    number: int
    owner: str
    title: str
    class_code: str
    config: RunConfig
    terms: Terms
    base_run_id: str
    created_utc: str

    @property
    def locked(self) -> frozenset[str]:
        """The settings that stay as they are in the base run."""
        model = settings(sections(self.config.architecture)["model"])
        return LOCKED if self.terms.is_network_free else LOCKED | {each.name for each in model}

    def check(self, config: RunConfig) -> None:
        """Raises ConfigError for a config that may not take part, with every reason."""
        faults = _beyond(self.terms, config)
        if not self.terms.is_network_free and config.architecture != self.config.architecture:
            faults.append(f"the network is {models.title(self.config.architecture)} for everybody")
        else:
            values, base = config.flat(), self.config.flat()
            faults += [
                f"{each.title} ({each.name}) is {each.label(base[each.name])} for everybody"
                for each in all_settings(config.architecture)
                if each.name in self.locked and each.name in base and values[each.name] != base[each.name]
            ]
        if faults:
            raise ConfigError(f"In this challenge {', and '.join(faults)}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A run that takes part. pupil: 1, 2, … in the order in which they came, the same for all runs of one visitor
    name: the one that this pupil gave last, "" for none"""

    run_id: str
    pupil: int
    name: str


def make(store: Store, owner: str, title: str, class_code: str, config: RunConfig, terms: Terms) -> str:
    """Keep a challenge, queue its base run, and return its id.

    config: of the base run, which ``base_config`` adds to. Raises ConfigError for a title or a class that can not
    be, and for a base run that begins with another's weights or is beyond the challenge's own budget, RunError for more than a
    visitor may have, StorageError.
    """
    title, class_code = check_line(title, "title", TITLE_LENGTH), checked_class_code(class_code)
    if not title:
        raise ConfigError("The challenge needs a title", ("title",))
    base = base_config(config, terms)
    check_base(base, terms)
    challenge_id, now = new_id(), datetime.now(UTC).isoformat()
    with store.database.write() as db:
        _check_room(db, owner)
        quota.check(db, owner, [None])
        prerequisites.check(db, [base])
        base_run_id = writing.create(db, base, title, "", None, "run", now, owner)
        columns = "challenge_id, owner, title, class_code, config, terms, base_run_id, created_utc"
        row = (
            challenge_id,
            owner,
            title,
            class_code,
            base.model_dump_json(),
            terms.model_dump_json(),
            base_run_id,
            now,
        )
        db.execute(f"INSERT INTO challenges({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608 - from here
        seal(db, "challenges", "challenge_id = ?", challenge_id)
    return challenge_id


def check_base(config: RunConfig, terms: Terms) -> None:
    """Raises ConfigError for what can not be a challenge's base run."""
    if config.training.start_from:
        raise ConfigError("The base run has to begin from scratch (start_from)", ("start_from",))
    if faults := _beyond(terms, config):
        raise ConfigError(f"The base run itself is beyond the budget: {', and '.join(faults)}")


def terms_of(values: dict[str, object]) -> Terms:
    """What a form says, checked. Raises ConfigError."""
    try:
        return Terms.model_validate(values)
    except ValidationError as error:
        raise config_error(error, settings(Terms)) from None


def base_config(config: RunConfig, terms: Terms) -> RunConfig:
    """The config as the base run of a challenge has it: with images that it never sees, and with a limit of steps where there
    is one."""
    data, training = {"set_aside": config.data.set_aside or SET_ASIDE}, {}
    if terms.max_steps and not config.training.max_steps:
        training = {"max_steps": terms.max_steps}
    parts = {"data": config.data.model_copy(update=data), "training": config.training.model_copy(update=training)}
    return config.model_copy(update=parts)


def challenges(store: Store) -> tuple[Challenge, ...]:
    """All that there are, the newest first; those that are damaged are no part of it. Raises StorageError."""
    rows = store.database.read("SELECT * FROM challenges WHERE deleted_utc IS NULL ORDER BY number DESC")
    return tuple(challenge for row in rows if (challenge := _challenge(row)))


def get(store: Store, challenge_id: str) -> Challenge:
    """One by its id. Raises RunError where there is none, StorageError."""
    if not _CHALLENGE_ID.fullmatch(challenge_id):
        raise RunError("This is no challenge")
    query = "SELECT * FROM challenges WHERE challenge_id = ? AND deleted_utc IS NULL"
    challenge = next((each for row in store.database.read(query, challenge_id) if (each := _challenge(row))), None)
    if challenge is None:
        raise RunError("This challenge is not there any more")
    return challenge


def enter(store: Store, owner: str, challenge_id: str, run_ids: Sequence[str], name: str = "") -> None:
    """Let runs (ids in full) of a visitor take part. A run that does already stays as it is.

    Raises RunError for a run that is not this visitor's, ConfigError for one that may not take part and for a name that is too
    long or can not be shown, StorageError.
    """
    challenge, name = get(store, challenge_id), check_line(name, "name", NAME_LENGTH)
    runs = store.runs(run_ids=run_ids)
    if len(runs) != len(set(run_ids)) or any(run.owner != owner for run in runs):
        raise RunError("Only runs of your own can take part in a challenge")
    for run in runs:
        challenge.check(run.run_config())
    with store.database.write() as db:
        for run in runs:
            query = "INSERT OR IGNORE INTO challenge_runs(run_id, challenge_id, name) VALUES (?, ?, ?)"
            if db.execute(query, (run.run_id, challenge_id, name)).rowcount:
                seal(db, "challenge_runs", "run_id = ?", run.run_id)


def entries(store: Store, challenge_id: str) -> tuple[Entry, ...]:
    """The runs that take part, in the order in which they were asked for. Raises StorageError."""
    query = (
        "SELECT c.*, r.owner FROM challenge_runs c JOIN runs r USING (run_id) "
        "WHERE challenge_id = ? AND deleted_utc IS NULL ORDER BY r.number"
    )
    rows = [row for row in store.database.read(query, challenge_id) if is_sound("challenge_runs", row)]
    pupils = {owner: place for place, owner in enumerate(dict.fromkeys(row["owner"] for row in rows), 1)}
    names = {row["owner"]: row["name"] for row in rows if row["name"]}
    return tuple(Entry(row["run_id"], pupils[row["owner"]], names.get(row["owner"], "")) for row in rows)


def delete(store: Store, owner: str, challenge_id: str) -> None:
    """Put a challenge out of sight; ``restore`` undoes it for a day. The runs stay. Raises RunError for somebody else's."""
    _set_deleted(store, owner, challenge_id, datetime.now(UTC).isoformat())


def restore(store: Store, owner: str, challenge_id: str) -> None:
    """Undo ``delete``. Raises RunError where it is gone for good."""
    _set_deleted(store, owner, challenge_id, None)


def _set_deleted(store: Store, owner: str, challenge_id: str, when: str | None) -> None:
    with store.database.write() as db:
        query = "UPDATE challenges SET deleted_utc = ? WHERE challenge_id = ? AND owner = ?"
        if not db.execute(query, (when, challenge_id, owner)).rowcount:
            raise RunError("Only who has made a challenge can delete it or bring it back, and that for a day")


def _beyond(terms: Terms, config: RunConfig) -> list[str]:
    """What of a config is beyond the budget, each as the end of a sentence."""
    training, faults = config.training, []
    if training.epochs > terms.max_epochs:
        faults.append(
            f"a network may learn for at most {_amount(terms, 'max_epochs')}, and this is {training.epochs:,}"
        )
    if terms.max_steps and not 0 < training.max_steps <= terms.max_steps:
        faults.append(
            f"a network may take at most {_amount(terms, 'max_steps')}: set Steps at most (max_steps) to that or less"
        )
    if terms.max_n_params:
        n_params = models.get(config.architecture).n_params(config.model)
        if n_params > terms.max_n_params:
            faults.append(f"a network may have at most {_amount(terms, 'max_n_params')}, and this one has {n_params:,}")
    return faults


def _amount(terms: Terms, name: str) -> str:
    limit = next(each for each in settings(Terms) if each.name == name)
    return f"{getattr(terms, name):,} {limit.unit}"


def _challenge(row: sqlite3.Row) -> Challenge | None:
    """None for one that is damaged, or made for settings that no longer exist."""
    if not is_sound("challenges", row):
        return None
    try:
        config, terms = parse(json.loads(row["config"])), Terms.model_validate_json(row["terms"])
    except (ConfigError, ValidationError):
        return None
    return Challenge(
        row["challenge_id"], row["number"], row["owner"], row["title"], row["class_code"], config, terms, row["base_run_id"],
        row["created_utc"],
    )  # fmt: skip


def _check_room(db: sqlite3.Connection, owner: str) -> None:
    n_challenges = db.execute("SELECT COUNT(*) FROM challenges WHERE owner = ?", (owner,)).fetchone()[0]
    if n_challenges >= MAX_CHALLENGES:
        raise RunError(
            f"You have {n_challenges} challenges, and each visitor may keep {MAX_CHALLENGES}: delete one first"
        )
