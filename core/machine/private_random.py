"""Random numbers of one's own, for a thread that computes while another one trains.

torch's global generators belong to all threads at once, so ``core.engine.seeds.WithOwnRng`` protects runs that one thread
advances in turn, but not against a second thread: between taking its state away and putting it back, the other would draw.
Here nothing touches them. A dispatch mode, which belongs to the calling thread alone, hands every operation that would
draw from a global generator a private one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class PrivateRandom(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """``with private:`` all random numbers of the calling thread come from generators of its own; may be entered again.

    seed: on the CPU, the numbers are those that follow ``torch.manual_seed(seed)``
    """

    def __init__(self, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._seed = seed
        self._generators: dict[torch.device, torch.Generator] = {}

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = dict(kwargs or {})
        if torch.Tag.nondeterministic_seeded not in func.tags or named.get("generator") is not None:
            return func(*args, **named)
        if func is torch.ops.aten.native_dropout.default:  # a GPU's dropout takes no generator
            return self._dropout(*args)
        with_generator = _with_generator(func)
        if with_generator is None:  # such as attention, which draws only for a dropout of its own
            return func(*args, **named)
        device = next((one.device for one in args if isinstance(one, Tensor)), named.get("device") or "cpu")
        return with_generator(*args, **named, generator=self._generator(torch.device(device)))

    def _dropout(self, values: Tensor, share: float, learning: bool | None) -> tuple[Tensor, Tensor]:
        if not learning or not share:
            return values.clone(), torch.ones_like(values, dtype=torch.bool)
        kept = torch.empty_like(values).bernoulli_(1 - share, generator=self._generator(values.device))
        return values * kept / (1 - share) if share < 1 else values * kept, kept.bool()

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self._generators:
            self._generators[device] = torch.Generator(device).manual_seed(self._seed)
        return self._generators[device]


def _with_generator(func: Any) -> Any:
    """The variant of an operation that can be handed a generator: itself, or one that takes the same and a generator."""
    wanted = {argument.name for argument in func._schema.arguments} | {"generator"}
    packet = func.overloadpacket
    variants = [func, *(getattr(packet, name) for name in packet.overloads())]
    return next((one for one in variants if {argument.name for argument in one._schema.arguments} == wanted), None)
