"""What a run's outcome depended on, kept beside it: "repeatable on this machine and version" can be checked."""

from __future__ import annotations

import platform
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from types import MappingProxyType
from typing import Any

from core.config import RunConfig
from core.data.dataset import Dataset
from core.data.paths import CHECKOUT
from core.data.subset import SUBSET_HASH, subset_by_hash
from core.engine.events import Started
from core.errors import DataError
from core.machine.processor import cpu_model

# What has to be equal for two runs of one config to end with the same weights, to the bit.
SAME_BITS = ("versions", "device", "threads", "cpu", "precision", "dataset_hashes", "split_hash")

PATIENT, DIAGNOSIS = "patient", "diagnosis"  # of a run that came with a mistake in it: see core.experiments.patients
IMPORTED = "imported_utc"  # in the manifest of a run that was made elsewhere: when it came in


def describe(
    config: RunConfig, dataset: Dataset, started: Started, machine: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """The manifest of a run that has just started, as plain values. machine: what ``this_machine`` says on that which
    computes it; {} for this one"""
    machine = machine or this_machine()
    return {
        "architecture": config.architecture,
        "seed": config.training.seed,
        "precision": started.precision,
        "dataset": dataset.name,
        "dataset_hashes": dict(dataset.hashes),
        "split_hash": started.split_hash,
        "versions": {**versions(), **machine["versions"]},
        **({"n_wrong_labels": started.n_wrong_labels} if started.n_wrong_labels else {}),
        "device": started.device,
        "threads": started.threads,
        "cpu": machine["cpu"],
    }


def after_resume(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The first manifest, with ``changed_on_resume`` naming what was different when the run went on.

    A run with such a name in it ends well, but not with the bits of a run that was never cut.
    """
    if not before:
        return dict(now)
    changed = {name for name in SAME_BITS if before.get(name, now.get(name)) != now.get(name)}
    changed.update(before.get("changed_on_resume", ()))
    return {**before, "changed_on_resume": sorted(changed)} if changed else dict(before)


def own_images(manifest: Mapping[str, Any], dataset: Dataset) -> Dataset:
    """The part of the dataset that the run began with: split as it is today, or as it was then.

    Raises DataError when these are not the images that the run was trained and is to be evaluated on.
    """
    hashes = manifest.get("dataset_hashes")
    part = hashes and hashes.get(SUBSET_HASH)
    for split_as in (dataset, dataset.older):
        if split_as is not None:
            own_part = subset_by_hash(split_as, part)
            if hashes is None or dict(hashes) == dict(own_part.hashes):
                return own_part
    raise DataError(
        f"The images of {dataset.title} are not those that this run began with, so it can not go on with them."
    )


def this_machine() -> dict[str, Any]:
    """Its processor, and the versions of Python and of the packages that do the arithmetic."""
    packages = {name: metadata.version(name) for name in ("torch", "numpy")}
    return {"cpu": cpu_model(), "versions": {"python": platform.python_version(), **packages}}


@cache
def versions() -> Mapping[str, str]:
    """Of Python, of the packages that do the arithmetic, and of Digit Lab."""
    return {**this_machine()["versions"], "digit-lab": _own_version()}


def _own_version() -> str:
    project = CHECKOUT / "pyproject.toml"
    if not project.is_file():  # pip installed it
        return metadata.version("digit-lab")
    return str(tomllib.loads(project.read_text("utf-8"))["project"]["version"])
