"""What every test stands on: its own store and data folder, one thread, and the embedded digits as tiny real data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.data.dataset import Dataset

# One thread: results do not depend on the machine's cores, and tests running beside other work do not wait for it.
os.environ.setdefault("DIGIT_LAB_THREADS", "1")
os.environ.setdefault("DIGIT_LAB_PROCESSES", "1")  # a test that means other processes says so
os.environ.setdefault("OMP_NUM_THREADS", "1")
MNIST_ROOT = Path(os.environ.get("DIGIT_LAB_DATA", Path(__file__).parent.parent / "data")).resolve()


@pytest.fixture(autouse=True)
def _own_folders(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the visitor's runs; only tests marked ``mnist`` see real data files."""
    monkeypatch.setenv("DIGIT_LAB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(tmp_path / "none"))  # an empty store is empty
    needs_mnist = request.node.get_closest_marker("mnist") is not None
    monkeypatch.setenv("DIGIT_LAB_DATA", str(MNIST_ROOT if needs_mnist else tmp_path / "data"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that take minutes come first, so that at the end no core waits for one of them. Those of the real MNIST say why
    they are skipped where it is not at hand."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    if any((MNIST_ROOT / folder).is_dir() for folder in ("mnist", "MNIST")):
        return
    for item in items:
        if item.get_closest_marker("mnist"):
            item.add_marker(pytest.mark.skip(reason="no MNIST files in data/mnist or $DIGIT_LAB_DATA"))


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """The 1,797 embedded digits."""
    from core.data import load

    return load("digits")


@pytest.fixture(scope="session")
def tiny(digits: Dataset) -> Dataset:
    """The first 300 embedded digits to learn from and 60 to test on: an epoch takes milliseconds."""
    return Dataset(
        name="digits", title="A few embedded digits", source=digits.source, splitting="blocks", hashes=digits.hashes,
        train_images=digits.train_images[:300].copy(), train_labels=digits.train_labels[:300].copy(),
        test_images=digits.test_images[:60].copy(), test_labels=digits.test_labels[:60].copy(),
    )  # fmt: skip
