"""How many weights a network has, how much work one image is, and what is in between, counted by torch itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from core.fields import Config

Build = Callable[[Any], nn.Module]


def on_meta(build: Build, config: Config) -> nn.Module:
    """The network with shapes and no numbers; to build it takes no memory and draws no random number."""
    with torch.device("meta"):
        return build(config)


@lru_cache(maxsize=256)
def count_params(build: Build, config: Config) -> int:
    """Trainable weights."""
    return sum(weight.numel() for weight in on_meta(build, config).parameters() if weight.requires_grad)


@lru_cache(maxsize=256)
def count_multiply_adds(build: Build, config: Config) -> int:
    """Multiplications with an addition of one image (1, 28, 28) forward, by torch's formula for each operation.

    torch's FlopCounterMode would put hooks on the modules of all threads, also of a run in training; this sees the calling
    thread alone.
    """
    module, counter = on_meta(build, config).eval(), _Counter()
    with torch.no_grad(), counter:
        module(torch.empty(1, 1, 28, 28, device="meta"))
    return counter.flops // 2  # torch says two for each: the multiplication and the addition


@lru_cache(maxsize=256)
def count_activations(build: Build, config: Config) -> int:
    """How many numbers the layers of a network hand to each other for one image.

    One image really goes through a network whose weights were never filled: on torch's device without memory the same takes
    four to forty times as long, and three seconds more the first time.
    """
    # Not as in training: dropout would draw random numbers that somebody else's run counts on.
    shadow = on_meta(build, config).to_empty(device="cpu").eval()
    n_activations = 0

    def note(_module: nn.Module, _inputs: object, output: object) -> None:
        nonlocal n_activations
        tensors = output if isinstance(output, tuple) else (output,)
        n_activations += sum(tensor.numel() for tensor in tensors if isinstance(tensor, torch.Tensor))

    # What only computes weights, such as weight norm, hands on nothing of an image.
    of_weights: set[nn.Module] = set()
    for part in shadow.modules():
        if is_parametrized(part):
            of_weights.update(part.get_submodule("parametrizations").modules())
    for part in shadow.modules():
        is_layer = of_weights.issuperset(part.children()) and not isinstance(part, nn.Sequential)  # one may be empty
        if is_layer and part not in of_weights:
            part.register_forward_hook(note)
    with torch.inference_mode():
        shadow(torch.zeros(1, 1, 28, 28))
    return n_activations


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        formula = flop_registry.get(func.overloadpacket)
        if formula:
            self.flops += int(formula(*args, **kwargs, out_val=output))
        return output
