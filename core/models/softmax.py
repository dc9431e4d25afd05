"""Softmax regression: ten weighted sums of the pixels, one per digit.

Idea     Each digit has one template of 784 weights; the template that fits the image best wins.
Source   Multinomial logistic regression; LeCun et al. 1998 compare with a linear classifier of as many weights.
Differs  Trained by gradient steps on cross-entropy, not by least squares.
Shapes   (N, 1, 28, 28) -> flatten (N, 784) -> logits (N, 10)
Teaches  Look at the ten templates: they are no pictures of digits, but show where ink tells one digit from the others. It
         can not learn that a digit may move by two pixels.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from core.fields import Config
from core.models import Architecture


class SoftmaxConfig(Config):
    """Nothing to choose: the data fixes 784 inputs and 10 outputs."""


class Softmax(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(784, 10)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(x.flatten(1))  # (N, 10)
        return logits


ARCHITECTURES: Mapping[str, Architecture] = {
    "softmax": Architecture(
        "softmax", SoftmaxConfig, lambda _: Softmax(),
        tiny={},
        n_params_formula=lambda _: 7_850, multiply_adds_formula=lambda _: 7_840, activations_formula=lambda _: 10,
    )
}  # fmt: skip
