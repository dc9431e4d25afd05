"""A small run, trained once, and the store that keeps it."""

from __future__ import annotations

import pytest

from core import data
from core.config import run_config
from core.export.source import Source
from core.runs import worker
from core.runs.store import Store


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    store = Store(tmp_path_factory.mktemp("exported") / "runs")
    settings = {"widths": "8", "epochs": 2, "n_train": 200, "dataset": "digits", "lr": 1e-5}
    name = 'a: "b" # {c} [d] \\n 9é ---'
    run_id = store.create(run_config("mlp", settings), name=name, request="pause")
    worker.drive(store, run_id, data.load)
    return Source(store, store.run(run_id))
