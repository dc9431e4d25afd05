"""Who reads a visitor's first digit: of the networks that came with the program, one of each architecture."""

from __future__ import annotations

from collections.abc import Iterable

from core import models
from core.runs.rows import Run


def first_readers(runs: Iterable[Run]) -> list[Run]:
    """The shipped runs that read, in the order of the architectures' table; [] where none came with the program.

    runs: in the order of the store, which lists shipped ones by how much they learned from and how well they read: the first
    of an architecture is its best. Patients, which were trained with a mistake, never read here.
    """
    best: dict[str, Run] = {}
    for run in runs:
        if run.shipped and not run.patient and run.architecture in models.TABLE and "test_acc" in run.summary:
            best.setdefault(run.architecture, run)
    return [best[name] for name in models.TABLE if name in best]
