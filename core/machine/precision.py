"""With which numbers this machine can compute a network.

16-bit numbers need a kernel for every layer. A processor without 16-bit units has most of them emulated, but not all: oneDNN
has no LSTM in bf16 below AVX-512. Nothing announces that beforehand, so a step is tried once, and caught.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from core import models
from core.config import Precision, RunConfig
from core.errors import ConfigError
from core.fields import Config, settings
from core.models.counting import on_meta

TRIED_IMAGES = 4  # batch norm needs more than one


def memory_format(module: nn.Module, device: str) -> torch.memory_format:
    """Channels last where windows slide over an image (N, C, H, W): max pooling alone is ten times faster that way on a CPU.

    torch has that order for four dimensions only, so a network of 1-d convolutions (N, C, T) keeps the usual one. So does
    every network on an Apple GPU ("mps"), where that order has been the cause of wrong figures and of steps that fail.
    """
    convolves = any(isinstance(part, nn.Conv2d) for part in module.modules())
    return torch.channels_last if convolves and device != "mps" else torch.contiguous_format


def without_dropout(model: Config) -> Config:
    """The same network with every dropout off, so that no step of it draws a random number."""
    return model.model_copy(update={setting.name: 0.0 for setting in settings(type(model)) if setting.is_dropout})


def with_private_init(architecture: str, model: Config) -> nn.Module:
    """The network, with weights as large as those that training begins with and from a generator of its own.

    torch's global generator is shared with whoever trains in this process. Tiny gradients would be slow, and that would be
    measured, hence the size. Vectors are positive, as running variances have to be.
    """
    private = torch.Generator().manual_seed(0)
    module = on_meta(models.get(architecture).build, model)
    tensors = {}
    for name, tensor in module.state_dict().items():
        high = math.prod(tensor.shape[1:]) ** -0.5
        low = -high if tensor.ndim > 1 else 0.0
        tensors[name] = torch.empty(tensor.shape).uniform_(low, high, generator=private).to(tensor.dtype)
    module.load_state_dict(tensors, assign=True)
    return module


def _small(architecture: str, model: Config) -> Config:
    """The same network with no more units, channels and layers than the architecture's tiny version has."""
    update: dict[str, Any] = {}
    for name, tiny in models.get(architecture).tiny.items():
        own = getattr(model, name, None)
        if isinstance(own, tuple):
            update[name] = tuple(map(min, own, tiny))
        elif isinstance(own, int) and not isinstance(own, bool):
            update[name] = min(own, tiny)
    return model.model_copy(update=update)


def can_use_bf16(architecture: str, model: Config, device: str) -> bool:
    """Whether torch has the kernels to train this network with 16-bit numbers on a device ("cpu", "cuda", "mps") and to
    answer with them. Found out by one training step and one answer of a small network of the same layers: it is their kinds
    that kernels are missing for, and a large network would take seconds."""
    if device == "mps":  # torch does not take bf16 everywhere there
        return False
    return _has_kernels(architecture, _small(architecture, without_dropout(model)), device)


@lru_cache(maxsize=256)
def _has_kernels(architecture: str, model: Config, device: str) -> bool:
    """Once per process and small network, which many sizes share."""
    module = with_private_init(architecture, model).to(device)
    layout = memory_format(module, device)
    module.to(memory_format=layout)
    images = torch.zeros(TRIED_IMAGES, 1, 28, 28, device=device).contiguous(memory_format=layout)
    try:
        with torch.autocast(device, torch.bfloat16):
            module.train()(images).float().sum().backward()
            with torch.inference_mode():
                module.eval()(images)
    except RuntimeError:  # no kernel, in the words of whichever library was asked for it
        return False
    return True


def check_precision(config: RunConfig, device: torch.device) -> None:
    """Raises ConfigError when the config asks for 16-bit numbers and this machine can not compute the network with them."""
    if config.training.precision == "bf16" and not can_use_bf16(config.architecture, config.model, device.type):
        raise ConfigError(
            f"Precision (precision) is 'bf16', but this machine's {device.type} has no 16-bit arithmetic for "
            f"{models.title(config.architecture)}, allowed is one of fp32, auto",
            ("precision",),
        )


def answer_precision(architecture: str, model: Config, precision: str, device: str) -> Precision:
    """With which numbers a network answers: 16-bit only if its config says so, and not where this machine can not.

    A network that learned with 16 bits elsewhere still answers here; "auto" is about learning, and answers with 32.
    """
    return "bf16" if precision == "bf16" and can_use_bf16(architecture, model, device) else "fp32"
