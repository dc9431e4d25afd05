"""Forms that take long, made in the background: one at a time for all visitors, and kept for whoever asks next."""

from __future__ import annotations

import math
from collections.abc import Generator, Hashable

import streamlit as st

from core.export.source import Exported, Source
from core.export.targets import export
from core.runs.background import BackgroundJobs, Job
from core.runs.rows import Run
from pages.shared.services import store

MAX_KEPT = 8  # forms; one of a default network has 37 kB to 1.8 MB


@st.cache_resource(show_spinner=False)
def export_jobs() -> BackgroundJobs[Exported]:
    """One for all visitors. What was begun is finished, also when the dialog is closed."""
    return BackgroundJobs("exports", max_kept=MAX_KEPT, abandoned_seconds=math.inf)


def export_key(run: Run, target: str) -> Hashable:
    return run.run_id, run.version, target


def start_export(run: Run, target: str) -> None:
    """Make this form of a run, unless it is there or on its way. Raises InputError when too many wait."""

    def made(job: Job[Exported]) -> Generator[Exported, None, None]:
        def on_step(words: str, share: float) -> None:
            job.report(share, 1.0, words)

        yield export(target, Source(store(), run, on_step=on_step, should_stop=job.should_stop))
        job.report(1.0, 1.0)

    if export_jobs().progress(export_key(run, target)).state != "ended":
        export_jobs().start(export_key(run, target), made)
