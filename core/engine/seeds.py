"""Where randomness comes from, and how several runs share one process without touching each other's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import torch

T = TypeVar("T")


def derive(seed: int, *path: str | int) -> int:
    """A seed in [0, 2^63) for one purpose, such as ``derive(seed, "order", epoch)``.

    Every purpose and every epoch has its own, so a run can be resumed at any epoch without having kept a random state,
    and the order of the images does not depend on the architecture.
    """
    text = "/".join(str(part) for part in (seed, *path))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1


def generator(seed: int, *path: str | int) -> torch.Generator:
    """A private CPU generator for one purpose."""
    return torch.Generator().manual_seed(derive(seed, *path))


class WithOwnRng(Generic[T]):
    """The same events, each computed under a random state of its own.

    Initialisation and dropout draw from torch's global generators. Each ``next`` puts this run's state in place and takes
    it away again, so runs that are advanced in turn end with exactly the weights that each has when it runs alone.
    """

    def __init__(self, events: Iterator[T]) -> None:
        self._events = events
        self._state = _state()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        outside = _state()
        _restore(self._state)
        try:
            return next(self._events)
        finally:
            self._state = _state()
            _restore(outside)


def _state() -> tuple[torch.Tensor, torch.Tensor | None]:
    gpu = _gpu()
    return torch.get_rng_state(), gpu.get_rng_state() if gpu else None


def _restore(state: tuple[torch.Tensor, torch.Tensor | None]) -> None:
    torch.set_rng_state(state[0])
    gpu = _gpu()
    if gpu and state[1] is not None:
        gpu.set_rng_state(state[1])


def _gpu() -> Any:
    """torch's module for the card that has random numbers of its own: NVIDIA's once it is in use, or Apple's; else None."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return torch.cuda
    return torch.mps if torch.backends.mps.is_available() else None
