"""What the tests of the data room share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.reliability.mutants import idx_bytes
from core.data import mnist
from core.data.dataset import Dataset


@pytest.fixture(scope="session")
def real_mnist() -> Dataset:
    if not mnist.is_present():
        pytest.skip("MNIST is not in the data folder (data/mnist or DIGIT_LAB_DATA)")
    return mnist.load()


@pytest.fixture
def small_mnist(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """MNIST of 30 + 10 random images: its files by name, unpacked; the reader now expects exactly these."""
    rng = np.random.default_rng(0)
    files, payloads = {}, {}
    for name, real in mnist.FILES.items():
        count = 30 if name.startswith("train") else 10
        content = idx_bytes(rng.integers(0, 256 if real.dims else 10, (count, *real.dims), np.uint8))
        files[name] = content
        payloads[name] = mnist.Payload(hashlib.sha256(content).hexdigest(), count, real.dims)
    monkeypatch.setattr(mnist, "FILES", MappingProxyType(payloads))
    return files


@pytest.fixture
def make_dataset() -> Callable[..., Dataset]:
    """Makes a dataset of n random images with unevenly many of each digit, or with the given labels."""

    def make(
        n: int = 1_000,
        splitting: Literal["stratified", "blocks"] = "stratified",
        labels: NDArray[Any] | None = None,
    ) -> Dataset:
        rng = np.random.default_rng(n)
        return Dataset(
            name="made", title="Made up", source="random", splitting=splitting, hashes={},
            train_images=rng.integers(0, 256, (n, 28, 28), np.uint8),
            train_labels=rng.choice(10, n, p=np.arange(1, 11) / 55) if labels is None else labels,
            test_images=np.zeros((0, 28, 28), np.uint8), test_labels=np.zeros(0, np.int64),
        )  # fmt: skip

    return make
