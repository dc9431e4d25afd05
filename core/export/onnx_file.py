"""A run as one ONNX file, which onnxruntime, browsers and telephones answer with."""

from __future__ import annotations

import json

import numpy as np

from core.config import RunConfig
from core.data.dataset import N_CLASSES
from core.export.hub import LICENSE
from core.export.onnx_process import onnx_apart
from core.export.source import Exported, File, Source
from core.machine.precision import answer_precision
from core.runs.manifest import versions


def make(source: Source) -> Exported:
    """Raises RunError when the run has no weights, when it was stopped, and when the file answers otherwise than PyTorch."""
    run = source.run
    about, weights = source.store.snapshot(run.run_id)
    request = {
        "config": run.run_config().model_dump(mode="json"), "mean": about["mean"], "std": about["std"],
        "metadata": metadata(source, about["mean"], about["std"]),
    }  # fmt: skip
    content, result = onnx_apart(request, weights, source.on_step, source.should_stop)
    name = f"digitlab-{run.architecture}-{run.run_id}.onnx"
    sentence = (
        "One file with its weights. In goes image, float32 (batch, 1, 28, 28), each pixel from 0 (background) to 1 (ink); out "
        f"come logits, (batch, {N_CLASSES}). onnxruntime reads the same digit as PyTorch in {result['n_same']:,} of "
        f"{result['n']:,} images; the largest difference between two logits is {_plain(result['difference'])}. "
        f"{what_differs(run.run_config())}"
    ).strip()
    figures = {"bytes": len(content), **result}
    return Exported((File(name, content, "application/octet-stream"),), sentence, figures=figures)


def metadata(source: Source, mean: float, std: float) -> dict[str, str]:
    """What stands in the file beside the network: name -> text."""
    run, config = source.run, source.run.run_config()
    return {
        "library": f"digit-lab {versions()['digit-lab']}", "run_id": run.run_id, "architecture": config.architecture,
        "config": config.model_dump_json(), "dataset": config.data.dataset,
        "data_hashes": json.dumps(dict(run.manifest.get("dataset_hashes", {}))),
        "split_hash": str(run.manifest.get("split_hash", "")),
        "classes": json.dumps([str(digit) for digit in range(N_CLASSES)]),
        "input": "grey levels divided by 255, 0 is the background",
        "normalisation": json.dumps({"mean": mean, "std": std, "inside": True}),
        "views": f"1 (the run itself averages {config.training.tta_views})", "license": LICENSE,
    }  # fmt: skip


def _plain(value: float) -> str:
    """Two digits of it, and no power of ten: "0.0000052"."""
    return np.format_float_positional(value, precision=2, fractional=False, trim="-")


def what_differs(config: RunConfig) -> str:
    """In what the file answers otherwise than such a run does, in sentences; "" for nothing."""
    words = []
    if config.training.tta_views > 1:
        words.append(
            f"The run looks at each image {config.training.tta_views} times, slightly moved; the file looks once."
        )
    if answer_precision(config.architecture, config.model, config.training.precision, "cpu") == "bf16":
        words.append("The run answers with 16-bit numbers; the file computes with 32 bits.")
    return " ".join(words)
