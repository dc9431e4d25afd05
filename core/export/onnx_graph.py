"""A network as an ONNX graph, and whether onnxruntime computes with it what torch does.

One input ``image`` float32 (batch, 1, 28, 28), the ink of every pixel from 0 (background) to 1; one output ``logits``
(batch, 10). The normalisation of the training is inside. The format: https://onnx.ai
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core import data
from core.data.dataset import Images
from core.engine.evaluate import Predictor, predict_logits
from core.errors import RunError

OPSET = 18  # of ONNX' own operators: the lowest that torch's exporter writes
TRACED_BATCH = 2  # of one image torch would take for granted that there is always one
STEPS = ("Its layers are followed", "They are written as ONNX", "Both programs answer, and are compared")
BATCHES = (1, 2, 7, 1_000)  # images that are read at once when both are compared
MAX_DIFFERENCE = 1e-4  # between logits of both, as a share of the largest one or of 1


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far onnxruntime's answers are from torch's.

    difference: the largest between two logits · n: images that were read at once at most · n_same: of these, those in which
    both read the same digit
    """

    difference: float
    n: int
    n_same: int


class _FromInk(nn.Module):
    """The network behind its normalisation: ink (N, 1, 28, 28) from 0 to 1 -> logits (N, 10)."""

    def __init__(self, predictor: Predictor) -> None:
        super().__init__()
        self.network = predictor.module
        self.mean, self.std = predictor.mean, predictor.std

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.network((image - self.mean) / self.std)
        return logits


def to_onnx(
    predictor: Predictor, metadata: Mapping[str, str], on_step: Callable[[int], None] = lambda _step: None
) -> tuple[bytes, Agreement]:
    """The file, and how well it agrees. metadata: texts that are kept in it · on_step: told which of ``STEPS`` begins, from 0

    Raises RunError when onnxruntime answers otherwise.
    """
    on_step(0)
    batch = torch.export.Dim("batch")
    # Exporting traces the module, so nobody else may use it: the predictor is the caller's own.
    with torch.no_grad():
        program = torch.export.export(
            _FromInk(predictor).eval(), (torch.rand(TRACED_BATCH, 1, 28, 28, generator=torch.Generator()),),
            dynamic_shapes={"image": {0: batch}},
        )  # fmt: skip
        on_step(1)
        exported = torch.onnx.export(
            program, dynamo=True, input_names=["image"], output_names=["logits"], opset_version=OPSET, verbose=False
        )
    assert exported is not None
    model = exported.model_proto
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    on_step(2)
    return content, compare(content, predictor)


def compare(content: bytes, predictor: Predictor) -> Agreement:
    """Let both read the first digits of those that come with the program, in several batches. Raises RunError when they answer
    otherwise."""
    session, images = session_of(content), data.load(data.EMBEDDED).train_images
    difference, n_same = 0.0, 0
    for n in BATCHES:
        expected = _torch_logits(predictor, images[:n])
        actual = session.run(None, {"image": ink(images[:n])})[0]
        scale = max(1.0, float(np.abs(expected).max()))
        difference = max(difference, float(np.abs(actual - expected).max()))
        if actual.shape != expected.shape or not difference <= MAX_DIFFERENCE * scale:
            raise RunError(
                f"onnxruntime answers otherwise than PyTorch (by {difference:.2g} in {n:,} images), so there is no file."
            )
        n_same = int((actual.argmax(1) == expected.argmax(1)).sum())
    return Agreement(difference, BATCHES[-1], n_same)


def session_of(content: bytes) -> Any:
    """Who answers with a file, on one thread of the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def ink(images: Images) -> NDArray[np.float32]:
    """Grey levels (N, 28, 28) -> what a file takes (N, 1, 28, 28)."""
    values: NDArray[np.float32] = images[:, None].astype(np.float32) / np.float32(255)
    return values


def _torch_logits(predictor: Predictor, images: Images) -> NDArray[np.float32]:
    """(N, 10) of one view, with 32-bit numbers."""
    logits: NDArray[np.float32] = predict_logits(
        predictor.module, torch.from_numpy(np.array(images)), predictor.mean, predictor.std
    ).numpy()
    return logits
