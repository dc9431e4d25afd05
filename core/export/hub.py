"""A run as a model repository of the Hugging Face Hub: ``README.md`` (the model card), ``config.json``, ``model.safetensors``.

The card's metadata is what https://huggingface.co/docs/hub/model-cards asks for, ``model-index`` with every figure that the
store has. Uploading is the user's. Nothing that a person typed stands in the card's text; the run's name stands in its
metadata, quoted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from safetensors.numpy import save

from core import models
from core.config import RunConfig, all_settings
from core.data import DATASETS, DatasetName
from core.errors import InputError
from core.export.source import Exported, File, Source
from core.fields import SPLIT_WORDS, SplitName
from core.runs.manifest import versions
from core.runs.rows import Run

CARD, CONFIG, WEIGHTS = "README.md", "config.json", "model.safetensors"
LICENSE = "mit"  # that of Digit Lab; whoever publishes the weights may choose another
# A dataset by its name on the Hub, and where it is from.
HUB_DATASETS: Mapping[DatasetName, tuple[str, str]] = MappingProxyType(
    {
        "mnist": ("ylecun/mnist", "MNIST (LeCun, Cortes and Burges), 28 x 28 pixels"),
        "digits": ("optical-recognition-of-handwritten-digits", "the 1,797 test digits of the UCI repository's Optical "
                   "Recognition of Handwritten Digits (CC BY 4.0), as scikit-learn ships them, enlarged to 28 x 28 pixels"),
        "kaggle": ("digit-recognizer", "train.csv of Kaggle's competition Digit Recognizer, 28 x 28 pixels"),
    }
)  # fmt: skip
SPLITS: tuple[SplitName, ...] = ("test", "val")
HUB_SPLITS: Mapping[SplitName, str] = MappingProxyType({"test": "test", "val": "validation"})


def make(source: Source) -> Exported:
    """Raises RunError when the run has no weights, InputError when nothing was measured of it."""
    run = source.run
    about, weights = source.store.snapshot(run.run_id)
    config = run.run_config()
    if not _judged(run):
        raise InputError(
            f"{run.name} has no accuracy, neither on test nor on validation images, so its card would say nothing."
        )
    values = {
        "library": "digit-lab", "version": versions()["digit-lab"], "run_id": run.run_id,
        "image": {"height": 28, "width": 28, "channels": 1, "mean": about["mean"], "std": about["std"]},
        "labels": list(range(10)), **config.model_dump(mode="json"),
    }  # fmt: skip
    files = (
        File(CARD, card(run, config, about["mean"], about["std"]).encode(), "text/markdown"),
        File(CONFIG, (json.dumps(values, indent=2, allow_nan=False) + "\n").encode(), "application/json"),
        File(WEIGHTS, bytes(save(dict(weights), {"format": "pt"})), "application/octet-stream"),
    )
    return Exported(
        files, f"A model card with {len(_metrics(run))} figures, the settings and {run.n_params or 0:,} weights."
    )


def card(run: Run, config: RunConfig, mean: float, std: float) -> str:
    """The model card: metadata between lines of ``---``, then what it is, for what, how to use it, and how good it is."""
    title = models.title(config.architecture)
    dataset, origin = HUB_DATASETS[config.data.dataset]
    metadata = {
        "license": LICENSE, "library_name": "pytorch", "pipeline_tag": "image-classification",
        "tags": ["digit-lab", "handwritten-digits", "image-classification", config.architecture],
        "datasets": [dataset], "metrics": ["accuracy"],
        "model-index": [{"name": run.name, "results": _results(run)}],
    }  # fmt: skip
    settings = {
        setting.name: setting.text(config.flat()[setting.name]) for setting in all_settings(config.architecture)
    }
    started, epoch = run.started, run.summary["best_epoch"]
    figures = "\n".join(
        f"| {SPLIT_WORDS[split]} images | {run.summary[f'n_{split}']:,} | {run.summary[f'{split}_acc']:.2%} "
        f"| {'–' if (loss := run.summary[f'{split}_loss']) is None else format(loss, '.4f')} |"
        for split in _judged(run)
    )
    return f"""---
{yaml(metadata)}---

# {title} on {DATASETS[config.data.dataset].title}

A network that reads one handwritten digit, 0 to 9, trained with Digit Lab to be compared with others.
It has {run.n_params or 0:,} weights.

## Uses and limits

For learning and teaching. It reads one digit, bright on dark, centred in 28 x 28 pixels. It answers with one of ten digits
whatever it is shown, also a letter or nothing at all, and it has been measured on no other handwriting than that below.

## How to use it

In a checkout of Digit Lab (`config.json` says its version), beside these files:

```python
import json

import numpy as np
from safetensors.numpy import load_file

from core.config import parse
from core.engine.evaluate import Predictor

values = json.load(open("config.json", encoding="utf-8"))
config = parse({{name: values[name] for name in ("architecture", "model", "data", "training")}})
predictor = Predictor(config, load_file("model.safetensors"), values["image"]["mean"], values["image"]["std"])
images = np.zeros((1, 28, 28), np.uint8)  # grey levels, 0 is the background
digits = predictor.logits(images).argmax(1)
```

Without Digit Lab: `model.safetensors` is the state dict of a PyTorch module. Pixels are divided by 255, then
{mean:.6g} is subtracted and the rest divided by {std:.6g}.

## Training data

From {origin}: {started.get("n_train", 0):,} images to learn from, and {started.get("n_val", 0):,} held out for validation.

## Training

These are the weights after epoch {epoch:g} of {run.summary["epoch"]:g}, \
{_how_chosen(run, config)}. Test images were read once, afterwards.

| Setting | Value |
|---|---|
{chr(10).join(f"| {name} | {text or '–'} |" for name, text in settings.items())}

## Evaluation

One training, with seed {config.training.seed}: another seed gives slightly other figures.
{f"{chr(10)}{run.older_split}{chr(10)}" if run.older_split else ""}
| Measured on | Images | Accuracy | Loss (nats per image) |
|---|---|---|---|
{figures}
"""


def yaml(values: Mapping[str, Any]) -> str:
    """Plain values as YAML: objects and lists indented, every text in double quotes, as JSON writes them. The result ends
    with a line break."""
    return "".join(f"{line}\n" for line in _lines(values))


def _lines(values: Any) -> list[str]:
    lines: list[str] = []
    for name, value in values.items() if isinstance(values, Mapping) else ((None, value) for value in values):
        head = "-" if name is None else f"{name}:"
        if not isinstance(value, (Mapping, list)):
            # JSON's scalars are YAML's. A number without a point before its exponent is a text to YAML 1.1.
            text = json.dumps(value, ensure_ascii=False, allow_nan=False)
            is_short = isinstance(value, float) and "e" in text and "." not in text
            lines.append(f"{head} {text.replace('e', '.0e') if is_short else text}")
        elif name is None:
            first, *rest = _lines(value)
            lines += [f"- {first}", *(f"  {line}" for line in rest)]
        else:
            lines += [head, *(f"  {line}" for line in _lines(value))]
    return lines


def _how_chosen(run: Run, config: RunConfig) -> str:
    if config.training.monitor == "last":
        return "the last one"
    return f"the best one on {'validation' if run.started.get('n_val') else 'its training'} images"


def _judged(run: Run) -> list[SplitName]:
    return [split for split in SPLITS if run.summary.get(f"{split}_acc") is not None]


def _results(run: Run) -> list[dict[str, Any]]:
    """Of the card's ``model-index``: one entry a split."""
    hub_name, _ = HUB_DATASETS[run.config["data"]["dataset"]]
    task = {"type": "image-classification", "name": "Image Classification"}
    return [
        {
            "task": task, "metrics": _metrics(run, (split,)),
            "dataset": {"type": hub_name, "name": run.dataset_title, "split": HUB_SPLITS[split]},
        }
        for split in _judged(run)
    ]  # fmt: skip


def _metrics(run: Run, splits: Sequence[SplitName] = SPLITS) -> list[dict[str, Any]]:
    metrics = []
    for split in splits:
        if (accuracy := run.summary.get(f"{split}_acc")) is not None:
            on = f"on {run.summary[f'n_{split}']:,} {SPLIT_WORDS[split]} images, 1 seed"
            metrics.append({"type": "accuracy", "value": accuracy, "name": f"Accuracy {on}"})
            if (loss := run.summary.get(f"{split}_loss")) is not None:
                metrics.append({"type": "loss", "value": loss, "name": f"Cross-entropy in nats {on}"})
    return metrics
