"""The numbers of a training in its script, and the optimizer that moves the weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from core.config import RunConfig, TrainingConfig
from core.engine import optimizers
from core.export.repeat.text import Part, Settings, source

NUMBERS: Mapping[str, Callable[[TrainingConfig], Any]] = MappingProxyType(
    {
        "seed": lambda plan: True, "epochs": lambda plan: True, "max_steps": lambda plan: plan.max_steps,
        "batch_size": lambda plan: True,
        "lr": lambda plan: True,
        "momentum": lambda plan: plan.optimizer not in ("sgd", "rmsprop"),
        "weight_decay": lambda plan: plan.weight_decay, "l1": lambda plan: plan.l1,
        "label_smoothing": lambda plan: plan.label_smoothing, "clip_norm": lambda plan: plan.clip_norm,
        "patience": lambda plan: plan.patience,
        "min_delta": lambda plan: plan.min_delta and plan.monitor != "last",
    }
)  # fmt: skip
MUON = '''\
class Muon(torch.optim.AdamW):
    """Momentum whose matrix is made orthogonal before it is applied (Jordan et al. 2024); AdamW for vectors and for matrices
    with 10 rows or columns at most."""

    def __init__(self, weights, lr, momentum, weight_decay):
        super().__init__(weights, lr, betas={betas}, weight_decay=weight_decay, fused=True)
        self.momentum = momentum
        self.past = {{
            weight: torch.zeros_like(weight)
            for weight in weights
            if weight.ndim > 1 and min(weight.flatten(1).shape) > 10
        }}

    @torch.no_grad()
    def step(self):
        gradients = {{weight: weight.grad for weight in self.past}}
        for weight in self.past:
            weight.grad = None
        super().step()  # AdamW moves what still has a gradient
        lr, decay = self.param_groups[0]["lr"], self.param_groups[0]["weight_decay"]
        for weight, past in self.past.items():
            gradient = gradients[weight]
            past.mul_(self.momentum).add_(gradient)
            direction = orthogonal(gradient.add(past, alpha=self.momentum).flatten(1))
            weight.mul_(1 - lr * decay)
            weight.sub_(direction.view_as(weight), alpha=lr * 0.2 * math.sqrt(max(direction.shape)))
'''
SCHEDULES: Mapping[str, str] = MappingProxyType(
    {
        "step": "    return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01",
        "cosine": "    return 0.5 * (1 + math.cos(math.pi * done))",
        "one-cycle": "    if done < 0.25:\n        return 0.1 + 0.9 * done / 0.25\n"
        "    return 0.5 * (1 + math.cos(math.pi * (done - 0.25) / 0.75))",
        "warm-up": "    return min(1.0, 0.1 + 0.9 * done / 0.1)",
    }
)
SCHEDULE = '''\
def factor(done):
    """What the learning rate is multiplied with after this share of all steps."""
{formula}
'''


def numbers(plan: TrainingConfig) -> list[str]:
    """The settings that the script needs as numbers."""
    return [name for name, is_needed in NUMBERS.items() if is_needed(plan)]


def optimizer_part(config: RunConfig, settings: Settings) -> Part:
    plan = config.training
    code = [settings.choice("optimizer")]
    decay = ", weight_decay=WEIGHT_DECAY" if plan.weight_decay else ""
    match plan.optimizer:
        case "adam":
            line = f"torch.optim.Adam(weights, LR, betas=(MOMENTUM, 0.999){decay}, fused=True)"
        case "adamw":
            line = f"torch.optim.AdamW(weights, LR, betas=(MOMENTUM, 0.999), weight_decay={_decay(plan)}, fused=True)"
        case "muon":
            orthogonal = source(optimizers._orthogonal, {"def _orthogonal": "def orthogonal"})
            code += ["", "", orthogonal, "", "", MUON.format(betas=optimizers.Muon.BETAS), ""]
            line = f"Muon(weights, LR, MOMENTUM, weight_decay={_decay(plan)})"
        case "rmsprop":
            line = f"torch.optim.RMSprop(weights, LR{decay}, foreach=True)"
        case "sgd":
            line = f"torch.optim.SGD(weights, LR{decay}, fused=True)"
        case "momentum" | "nesterov" as rule:
            nesterov = ", nesterov=True" if rule == "nesterov" and plan.momentum else ""
            line = f"torch.optim.SGD(weights, LR, momentum=MOMENTUM{decay}{nesterov}, fused=True)"
    code.append(f"optimizer = {line}")
    if plan.schedule != "constant":
        code += ["", "", settings.choice("schedule"), SCHEDULE.format(formula=SCHEDULES[plan.schedule])]
    return Part("How the weights move", "The optimizer, which turns slopes into steps.", "\n".join(code))


def _decay(plan: TrainingConfig) -> str:
    return "WEIGHT_DECAY" if plan.weight_decay else "0.0"
