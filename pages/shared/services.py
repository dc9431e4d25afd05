"""The doors from the pages to the core: one store, one worker, one copy of each dataset for all visitors.

Nothing here draws. Everything cached is read-only or guards itself, because every visitor's script shares it. What needs
torch loads it when it is first called, so that a page without a network in it is there at once.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import secrets
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core import data, models
from core.config import RunConfig, parse, run_config
from core.data.config import DataConfig
from core.data.dataset import SIDE, Dataset
from core.data.split import split as split_dataset
from core.errors import InputError
from core.fields import SplitName
from core.machine.faults import faults_as_input_errors
from core.machine.processor import SideBySide
from core.runs import shipped
from core.runs.groups import create_group, create_runs
from core.runs.readers import first_readers
from core.runs.rows import Run
from core.runs.store import Store
from pages.shared.reach import reach_warning
from pages.shared.visitor import owner

if TYPE_CHECKING:
    from core.compare.plan import Plan
    from core.engine.evaluate import Evaluation, Predictor
    from core.runs.worker import Worker

DOUBLE_CLICK_SECONDS = 2.0


@st.cache_resource(show_spinner=False)
def store() -> Store:
    """The one store of this server, with the reference runs. Raises RunError when it was written by a newer version."""
    return shipped.open_store()


@st.cache_resource(show_spinner=False, max_entries=4)
def dataset(name: str) -> Dataset:
    """One read-only copy for all visitors and the worker. Raises DataError when it is not there or not what it claims to
    be. Whoever puts new files in place calls ``dataset.clear()``."""
    return data.load(name)


def count_images(name: str) -> int | None:
    """Training images of a dataset, before any are held out; None when it is not there or not what it claims to be."""
    try:
        return len(dataset(name).train_labels)
    except InputError:
        return None


_trainers: list[Worker] = []


@st.cache_resource(show_spinner=False)
def worker() -> Worker:
    """The one training thread of this server. It stops with the server; its runs can be resumed then."""
    from core.runs.worker import Worker

    trainer = Worker(store(), load_dataset=dataset)
    _trainers.append(trainer)
    trainer.start()
    return trainer


def side_by_side() -> SideBySide | None:
    """How the worker of this server trains several runs; None as long as it has not begun."""
    return _trainers[-1].side_by_side if _trainers else None


@contextlib.asynccontextmanager
async def serving(_app: object) -> AsyncIterator[None]:
    """As long as the server serves; its process ends with it, at once.

    What the runs had committed is safe. To take torch apart piece by piece takes long, and crashes when a thread is still
    inside it (a long evaluation, the warm-up, a visitor's script).
    """
    if warning := reach_warning():
        logging.getLogger(__name__).warning(warning)
    yield
    for trainer in _trainers:
        trainer.shutdown()
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Load what the next pages need (torch, plotly, the digits) while the visitor reads the first one, and start the
    worker."""

    def load() -> None:
        worker()
        import_module("core.compare.results")
        _look_at(data.EMBEDDED)
        get_ready()
        _let_shipped_networks_read()
        import_module("core.machine.device")
        import_module("core.charts.bands").bands([])  # Plotly takes half a second for its first figure
        import_module("scipy.special")  # a third of a second, which the first comparison would wait for
        import_module("torch._dynamo")  # two seconds, which the first optimizer of a process would wait for
        _look_at(data.suggested_dataset())
        for name in models.TABLE:
            if not models.get(name).counterpart:
                import_module("core.machine.device").preflight(run_config(name, {}))
        # What was imported lives as long as the server: no collection has to look at it again.
        gc.collect()
        gc.freeze()

    thread = threading.Thread(target=load, name="warm-up", daemon=True)
    thread.start()
    return thread


def _let_shipped_networks_read() -> None:
    """Each reads an empty image once, so that none is loaded when a visitor's first digit comes."""
    from pages.shared.strange import judge  # scipy, a third of a second

    for run in first_readers(store().runs()):
        with contextlib.suppress(InputError):  # whoever asks such a run is told what is wrong with it
            predictor(run).probabilities(np.zeros((1, SIDE, SIDE), np.uint8))
    judge()


def _look_at(name: str) -> None:
    with contextlib.suppress(InputError):  # whoever wants these digits is told what is wrong with them
        split_dataset(dataset(name), DataConfig())


def get_ready() -> None:
    """Called first by every page that uses torch: load it (seconds, once per server) and keep to one core."""
    from core.machine.threads import use_one_thread

    use_one_thread()


def launch(configs: Sequence[RunConfig], name: str = "") -> list[str]:
    """Queue one run per config and wake the worker; returns their ids. A double click gives the same runs again.

    name: of each of them, "" to call them by their settings. Raises ConfigError for a name that can not be shown, RunError
    where it would be more than the visitor may have (``core.runs.quota``), StorageError.
    """
    token = _token(configs)
    group = token if len(configs) > 1 else ""
    run_ids = create_runs(store(), configs, name=name, group=group, token=token, owner=owner())
    worker().wake()
    return run_ids


def launch_group(plan: Plan) -> str:
    """Queue the runs of a comparison and wake the worker; returns the group's id. A double click gives the same group again.

    Raises ConfigError for a name that can not be shown, RunError where it would be more than the visitor may have,
    StorageError.
    """
    group_id, _ = create_group(
        store(), plan.runs, name=plan.name, kind=plan.kind, plan=plan.kept, token=_token(plan.configs), owner=owner()
    )
    worker().wake()
    return group_id


def _token(configs: Sequence[RunConfig]) -> str:
    """The same one for the same runs asked for again within two seconds."""
    asked, now = tuple(config.model_dump_json() for config in configs), time.monotonic()
    before, at, token = st.session_state.get("launched", ((), 0.0, ""))
    if asked != before or now - at > DOUBLE_CLICK_SECONDS:
        token = secrets.token_hex(16)
    st.session_state["launched"] = (asked, now, token)
    return str(token)


# The last argument of the next two only keys their caches: when it changes, there is something new to read.
@st.cache_resource(show_spinner=False, max_entries=32)
def _predictor(run_id: str, version: int) -> Predictor:
    from core.engine.evaluate import Predictor

    metadata, weights = store().snapshot(run_id)
    config = parse(metadata["config"])
    return Predictor(config, weights, float(metadata["mean"]), float(metadata["std"]))


def predictor(run: Run) -> Predictor:
    """The committed best weights of a run, ready to answer. Raises RunError when there are none or they are damaged."""
    from core.machine.threads import use_one_thread

    use_one_thread()
    return _predictor(run.run_id, run.version)


@st.cache_resource(show_spinner=False, max_entries=32)
def _evaluation(run_id: str, split: SplitName, status: str, _made: Evaluation | None) -> Evaluation | None:
    return _made or shipped.evaluation(store(), store().run(run_id), split, dataset)


@st.cache_resource(show_spinner=False)
def _readers() -> tuple[threading.Lock, set[tuple[str, str]]]:
    """Held by the one visitor for whom a shipped run reads, and the runs that have read what (run id, split)."""
    return threading.Lock(), set()


def evaluation(run: Run, split: SplitName, on_images: Callable[[int], None] | None = None) -> Evaluation | None:
    """What a finished run answered on "val" or "test"; None when there is nothing yet.

    A shipped run that is asked for the first time answers now, which takes seconds; all visitors who ask meanwhile wait
    for the same answers. on_images: told meanwhile how many images it has read, and may draw. Raises DataError when its
    images are not here, RunError when a file is damaged, InputError when this computer can not compute them.
    """
    from core.machine.threads import use_one_thread

    use_one_thread()
    lock, has_read = _readers()
    made = None
    with faults_as_input_errors():
        if on_images and run.shipped and (run.run_id, split) not in has_read:
            with lock:  # outside of the cache: what a cached function draws would be drawn again with each look
                made = shipped.evaluation(store(), store().run(run.run_id), split, dataset, on_images)
            has_read.add((run.run_id, split))
        return _evaluation(run.run_id, split, run.status, made)
