"""Every page test gets a server's worth of its own: empty caches, an own store, and no worker left behind."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from core import data
from core.config import run_config
from core.runs import worker
from core.runs.rows import Run
from pages.shared import services

APP = Path(__file__).parents[2] / "streamlit_app.py"
OpenPage = Callable[..., AppTest]
Train = Callable[..., Run]
WithoutResult = Callable[[], dict[str, Run]]


@pytest.fixture(scope="session", autouse=True)
def _packages_scanned_once() -> Iterator[None]:
    """Each AppTest looks through every installed package for components, a fifth of a second that finds the same each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True)
def _own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The cached store, worker and datasets belong to one test; what trains is stopped at its end."""
    started: list[worker.Worker] = []

    class Recorded(worker.Worker):
        def start(self) -> None:
            started.append(self)
            super().start()

    monkeypatch.setattr(worker, "Worker", Recorded)
    monkeypatch.setattr(services, "warm_up", lambda: None)
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    for thread in started:
        assert thread.shutdown(), "the worker did not end"
    st.cache_resource.clear()
    st.cache_data.clear()


def part_script(part: str, run_ids: list[str]) -> None:
    """What ``show_part`` runs: the part of a page that is called with runs."""
    from importlib import import_module

    from pages.shared.services import store

    import_module(f"pages.lab.compare.{part}").show([store().run(run_id) for run_id in run_ids])


def words(at: AppTest) -> str:
    """All that stands on the page outside tables, without the backslashes and word joiners that escape Markdown."""
    kinds = (at.markdown, at.caption, at.text, at.info, at.success, at.warning, at.error)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "").replace("\u2060", "")


def settle(at: AppTest, seconds: float = 90) -> None:
    """Run the page once more as soon as every run in the store has ended."""
    deadline = time.monotonic() + seconds
    while any(not run.has_ended for run in services.store().runs()):
        assert time.monotonic() < deadline, "still training"
        time.sleep(0.02)
    at.run()
    assert not at.exception, at.exception


def moving(at: AppTest) -> list[dict[str, Any]]:
    """What the moving parts of a page (``pages/shared/watch.py``) were handed, in the order of the page."""
    handed = [json.loads(part.proto.json) for part in at.get("bidi_component") if part.proto.json]
    return [data for data in handed if "snapshot" in data]


def show_part(part: str, *runs: Run, **state: object) -> AppTest:
    """``show_part("pairing", a, b, pairing_cell="both")``: that part alone on a page, with this session state."""
    at = AppTest.from_function(part_script, args=(part, [run.run_id for run in runs]), default_timeout=60)
    for key, value in state.items():
        at.session_state[key] = value
    at.run()
    assert not at.exception, at.exception
    return at


@pytest.fixture
def open_page() -> OpenPage:
    """``open_page("pages/lab/train/page.py", run="…")``: the page as a visitor with that link finds it."""

    def open_(path: str = "pages/learn/home/page.py", **query: str) -> AppTest:
        at = AppTest.from_file(str(APP), default_timeout=60).run()
        if path != "pages/learn/home/page.py":
            at.switch_page(path)
        for name, value in query.items():
            at.query_params[name] = value
        at.run()
        assert not at.exception, at.exception
        return at

    return open_


@pytest.fixture
def train() -> Train:
    """``train("mlp", epochs=2)``: a run of the embedded digits, trained to its end here and now."""

    def train_(architecture: str = "mlp", *, name: str = "", group: str = "", **values: Any) -> Run:
        small = {"dataset": "digits", "n_train": 300, "epochs": 2, "batch_size": 32}
        store = services.store()
        run_id = store.create(run_config(architecture, small | values), name=name, group=group, request="pause")
        return worker.drive(store, run_id, load_dataset=data.load)

    return train_


@pytest.fixture
def without_result(train: Train) -> WithoutResult:
    """``without_result()``: by status, a run that diverged, one stopped before its start, and one that still waits."""

    def without_result_() -> dict[str, Run]:
        store, config = services.store(), run_config("mlp", {"dataset": "digits"})
        stopped = store.create(config, request="pause")
        store.request(stopped, "stop")
        # Each step multiplies every weight by 1 - lr * weight_decay = -9, and momentum adds to that.
        lost = train(optimizer="momentum", lr=10.0, widths="64,64,64,64", weight_decay=1.0)
        runs = {run.status: run for run in (lost, store.run(stopped), store.run(store.create(config)))}
        assert set(runs) == {"diverged", "stopped", "queued"}
        return {str(status): run for status, run in runs.items()}

    return without_result_
