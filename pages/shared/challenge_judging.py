"""The networks of a challenge read the images that were set aside, one after the other in the background."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from core.errors import InputError
from core.runs import set_aside
from core.runs.background import BackgroundJobs
from core.runs.rows import Run
from core.runs.schema import StorageError
from core.runs.set_aside import Right
from pages.shared.services import dataset, store

POLL_SECONDS = 3.0  # between two looks at what is known


class Judged(NamedTuple):
    """right: run id -> (n,) which images it read right · n_waiting: runs that are being judged or wait for it
    faults: run id -> why it can not be judged"""

    right: dict[str, Right]
    n_waiting: int
    faults: dict[str, str]


@st.cache_resource(show_spinner=False)
def _jobs() -> BackgroundJobs[str]:
    """One for all visitors."""
    return BackgroundJobs()


def judge(runs: Sequence[Run]) -> Judged:
    """What is known of these runs, which have ended; what is not is worked out meanwhile."""
    right: dict[str, Right] = {}
    faults: dict[str, str] = {}
    n_waiting = 0
    for run in runs:
        try:
            before = set_aside.right_before(store(), [run])
        except StorageError:  # busy is not gone
            raise
        except InputError as error:
            faults[run.run_id] = str(error)
            continue
        if before:
            right |= before
        elif reason := _start(run):
            faults[run.run_id] = reason
        else:
            n_waiting += 1
    return Judged(right, n_waiting, faults)


def _start(run: Run) -> str:
    """Let a run be judged, unless that goes on; why it has failed, "" where it has not."""
    key = run.run_id, run.version
    progress = _jobs().progress(key)
    if progress.state == "failed":
        return progress.reason
    try:
        _jobs().start(key, lambda job: set_aside.measure(store(), [run], dataset, should_stop=job.should_stop), 1)
    except InputError:  # enough of them wait: it is tried again when the board is drawn next
        return ""
    return ""
