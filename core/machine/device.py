"""Where a run computes, and whether it fits there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

import torch

from core import models
from core.config import RunConfig
from core.data.split import part_sizes
from core.errors import ConfigError
from core.machine.precision import check_precision


def resolve_device(wanted: str) -> torch.device:
    """ "auto" takes a GPU when there is one. Raises ConfigError when the device asked for is not there."""
    present = available_devices()
    if wanted == "auto":
        return torch.device(present[-1])
    if wanted not in present:
        raise ConfigError(f"Device (device) is {wanted!r}, but here there is only {', '.join(present)}", ("device",))
    return torch.device(wanted)


def available_devices() -> tuple[str, ...]:
    """The devices of this machine, the fastest last."""
    devices = ["cpu"]
    if torch.backends.mps.is_available():
        devices.append("mps")
    if torch.cuda.is_available():
        devices.append("cuda")
    return tuple(devices)


def preflight(config: RunConfig, n_images: int | None = None) -> int:
    """Bytes that a training step needs: weights, gradients, two moments, and what the layers hand to each other.

    n_images: training images of its dataset, before any are held out; a batch is no larger than what is learned from
    Raises ConfigError with the numbers when that is more than a quarter of this machine's memory (two runs train side by
    side), before anything of that size is allocated; also when the device is not there, or can not compute with the numbers
    that were asked for.
    """
    device = resolve_device(config.training.device)
    budget = memory_bytes() // 4
    n_params = models.get(config.architecture).n_params(config.model)
    needed = n_params * 16  # a value, its gradient and two moments, four bytes each
    n_batch = config.training.batch_size
    if n_images is not None:
        n_batch = min(n_batch, part_sizes(n_images, config.data)[0])
    if needed <= budget:  # what the layers hand on, and its gradients, for one batch
        needed += models.get(config.architecture).activations(config.model) * n_batch * 8
    if needed > budget:
        raise ConfigError(
            f"this network with {n_params:,} weights and batches of {n_batch:,} images needs about "
            f"{needed / 1e9:,.1f} GB, allowed is {budget / 1e9:,.1f} GB (a quarter of this machine's memory)",
            ("batch_size",),
        )
    check_precision(config, device)
    return needed


def checked_configs(configs: Iterable[RunConfig], count_images: Callable[[str], int | None]) -> list[RunConfig]:
    """The configs, after each has passed all that can be said before a run exists: whether it fits this machine
    (``preflight``) and its dataset (``RunConfig.check_images``).

    count_images: training images of a dataset by its name; None for one that is not here, against which nothing is checked
    Raises ConfigError for the first that does not pass, and whatever ``count_images`` raises.
    """
    checked = list(configs)
    counts = {name: count_images(name) for name in {config.data.dataset for config in checked}}
    for config in checked:
        preflight(config, counts[config.data.dataset])
    for config in checked:
        n_images = counts[config.data.dataset]
        if n_images is not None:
            config.check_images(n_images)
    return checked


def memory_bytes() -> int:
    """Of this machine; 8 GiB where the system does not tell."""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 8 * 2**30
