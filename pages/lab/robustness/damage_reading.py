"""What damaged networks read of their validation images: measured once, point by point, and kept in the store."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from core.data import present_names
from core.data.dataset import Images, Labels
from core.errors import InputError
from core.runs import measurements, snapshots
from core.runs.background import Job
from core.runs.rows import Run
from core.runs.schema import StorageError
from pages.lab.robustness.judged import explain_absent
from pages.shared.legend_labels import legend_labels
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.services import dataset, predictor, store

if TYPE_CHECKING:
    from core.inspect.damage import Damage, Measured

QUICK_IMAGES, MAX_IMAGES = (
    1_000,
    10_000,
)  # of those that a run held out; with the first a point takes about a second at most
N_THREADS = 2  # that read side by side


class Member(NamedTuple):
    """A run on the chart. name: no other has it · images (N, 28, 28) uint8, labels (N,): of those it held out, evenly spread
    n_val: how many it held out · conditions: what its measurements depend on, beside what is done to it"""

    run: Run
    name: str
    images: Images
    labels: Labels
    n_val: int
    conditions: Mapping[str, object]


class Question(NamedTuple):
    """What is done to the networks. draw: the seed of what is random in it"""

    damage: Damage
    draw: int


class Reading(NamedTuple):
    """One point of one run."""

    run_id: str
    point: Measured


def members_of(runs: Sequence[Run], n_images: int) -> list[Member]:
    """The runs that can be asked about so many images; says of every other why not."""
    names = dict(zip((run.run_id for run in runs), legend_labels(runs), strict=True))
    absent = [run for run in runs if run.config["data"]["dataset"] not in present_names()]
    explain_absent(absent, names)
    members = []
    for run in runs:
        if run in absent:
            continue
        name = names[run.run_id]
        shown = escape_markdown(name)
        try:
            images, labels, n_val, images_hash = _held_out(run.run_id, run.version, n_images, run)
            weights = measurements.weights_hash(store(), run.run_id)
        except StorageError:
            raise
        except InputError as error:
            st.error(f"{shown}: {sentence(error)}", icon=":material/error:")
            continue
        if not n_val:
            st.info(
                f"{shown} held no images out, and how much a network stands is not chosen by test images.",
                icon=":material/block:",
            )
            continue
        conditions = {"weights": weights, "images": images_hash, "n": len(images)}
        members.append(Member(run, name, images, labels, n_val, conditions))
    return members


@st.cache_resource(show_spinner=False, max_entries=10)
def _held_out(run_id: str, version: int, n_images: int, _run: Run) -> tuple[Images, Labels, int, str]:
    """Images, labels, how many there are in all, and a hash of both."""
    from core.inspect.robustness import spread

    images, labels = snapshots.validation_images(_run, dataset(_run.config["data"]["dataset"]))
    where = spread(len(images), n_images)
    some, of_them = images[where], labels[where]
    digest = hashlib.sha256(some.tobytes() + of_them.astype(np.int64).tobytes()).hexdigest()
    return some, of_them, len(images), digest


def measured(members: Sequence[Member], question: Question, results: Sequence[Reading]) -> list[list[Measured]]:
    """What has been measured so far of each, in the order of the amounts: what the store has, else what a job has brought.
    Raises StorageError."""
    amounts = question.damage.amounts
    keys = [[_key(member, question, amount) for amount in amounts] for member in members]
    contents = measurements.read_all(
        store(), [member.run.run_id for member in members], [key for of_run in keys for key in of_run]
    )
    fresh = {(reading.run_id, reading.point.amount): reading.point for reading in results}
    curves = []
    for member, of_run in zip(members, keys, strict=True):
        run_id, curve = member.run.run_id, []
        for amount, key in zip(amounts, of_run, strict=True):
            if content := contents.get((run_id, key)):
                curve.append(_unpacked(amount, content))
            elif point := fresh.get((run_id, amount)):
                curve.append(point)
        curves.append(curve)
    return curves


def missing(damage: Damage, curve: Sequence[Measured]) -> list[float]:
    """The amounts that a curve lacks."""
    there = {point.amount for point in curve}
    return [amount for amount in damage.amounts if amount not in there]


def measure_missing(
    members: Sequence[Member], question: Question, curves: Sequence[Sequence[Measured]], job: Job[Reading]
) -> Generator[Reading, None, None]:
    """Measure what the curves lack, the least of each run first, and keep it.

    Raises RunError where weights can not be read, and whatever torch fails with.
    """
    from core.inspect.damage import measure
    from core.machine.threads import give_way

    damage, draw = question
    lacking = [missing(damage, curve) for curve in curves]
    tasks = [
        (member, amount)
        for amounts in zip_longest(*lacking)
        for member, amount in zip(members, amounts, strict=True)
        if amount is not None
    ]
    readers = {member.run.run_id: predictor(member.run) for member, _ in tasks}

    def read(task: tuple[Member, float]) -> Measured | None:
        member, amount = task
        reader = readers[member.run.run_id]
        return next(measure(reader, member.images, member.labels, damage, (amount,), draw, job.should_stop), None)

    with ThreadPoolExecutor(N_THREADS, "damage", initializer=give_way) as pool:
        try:
            for (member, amount), point in zip(tasks, pool.map(read, tasks), strict=True):
                if point is None:
                    return
                with contextlib.suppress(StorageError):  # where nothing can be written, it is measured again next time
                    measurements.write(store(), member.run.run_id, _key(member, question, amount), _packed(point))
                yield Reading(member.run.run_id, point)
        finally:
            pool.shutdown(cancel_futures=True)


def _key(member: Member, question: Question, amount: float) -> str:
    from core.inspect.damage import VERSION

    damage, draw = question
    return measurements.key("damage", name=damage.name, amount=amount, draw=draw, version=VERSION, **member.conditions)


def _packed(point: Measured) -> dict[str, object]:
    bits = base64.b64encode(np.packbits(point.right).tobytes()).decode()
    return {"right": bits, "n": len(point.right), "dense_bytes": point.dense_bytes, **point.effect._asdict()}


def _unpacked(amount: float, content: Mapping[str, Any]) -> Measured:
    from core.inspect.damage import Effect, Measured

    bits = np.frombuffer(base64.b64decode(content["right"]), np.uint8)
    right = np.unpackbits(bits, count=content["n"]).astype(bool)
    effect = Effect(content["bytes"], content["n_hit"], content["n_parts"])
    return Measured(amount, right, effect, content["dense_bytes"])
