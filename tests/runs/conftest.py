"""A store in a temporary folder, small digits, and a worker on top of a made-up training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made_training import MadeTraining
from run_material import made_evaluation, small_digits

from core.config import RunConfig, run_config
from core.data.dataset import Dataset
from core.runs.agents import computing
from core.runs.store import Store
from core.runs.worker import Worker


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def store(root: Path) -> Iterator[Store]:
    opened = Store(root)
    yield opened
    opened.close()


@pytest.fixture
def config() -> RunConfig:
    return run_config("softmax", {"epochs": 3})


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return small_digits()


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> MadeTraining:
    made = MadeTraining()
    monkeypatch.setattr(computing, "train", made)
    monkeypatch.setattr(computing, "evaluate", lambda *asked, logits: made_evaluation())
    return made


@pytest.fixture
def work(store: Store, dataset: Dataset) -> Iterator[Callable[..., Worker]]:
    """Starts workers, and ends them after the test."""
    workers: list[Worker] = []

    def start(**options: Any) -> Worker:
        workers.append(Worker(store, **{"load_dataset": lambda name: dataset, **options}))
        workers[-1].start()
        return workers[-1]

    yield start
    for worker in workers:
        assert worker.shutdown()
