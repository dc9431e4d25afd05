"""A script that repeats a run: one file with the network, the images, the training and the stored figures, without Digit Lab.

It is written from the run's settings, with torch and NumPy alone (torchvision to download MNIST, Keras for a network in Keras),
so that it can be read, changed and run anywhere. With the versions, the processor and the number of threads that the run had,
its losses are the stored ones to the last bit.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import torch

from core import models
from core.config import RECORDS, RunConfig, all_settings
from core.data import DATASETS
from core.engine.seeds import derive, generator
from core.errors import InputError
from core.export.repeat.augmentation import VARIATIONS, augmentation_parts, variations
from core.export.repeat.data import DEFAULT_DATA, DIGITS_FILE, LAYOUT, Images, data_parts
from core.export.repeat.network import network
from core.export.repeat.optimizer import numbers, optimizer_part
from core.export.repeat.result import Course, result_part
from core.export.repeat.starting import starting_part
from core.export.repeat.text import LINE_CHARACTERS, Part, Settings, comment, plain
from core.export.repeat.text import source as source_of
from core.export.repeat.training import training_part
from core.export.source import Exported, File, Source
from core.machine.precision import answer_precision, memory_format
from core.models.counting import on_meta
from core.runs.manifest import own_images
from core.runs.rows import Run

# Settings that the parts of the script write out; one that is not among them, and set to something else than its default, can
# not be repeated, so a new setting is refused until it is written out.
WRITTEN = frozenset(
    {
        "epochs", "max_steps", "batch_size", "optimizer", "lr", "schedule", "momentum", "weight_decay", "l1",
        "label_smoothing", "clip_norm", "init", "shuffle", "monitor", "patience", "min_delta", "seed", "device", "tta_views",
        "precision", "dataset", "classes", "set_aside", "val_fraction", "n_train", "label_noise", "normalisation",
        "pixel_order", "split_seed", *VARIATIONS, *RECORDS,
    }
)  # fmt: skip
REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "start_from": "it began with the weights of another run, and a script has only settings. Take that run along as a "
        "script, and go on from there.",
        "class_set": "it learned from digits that people kept on the Draw page, and those stay here.",
    }
)
# What a line of the script needs, by what it says.
IMPORTS: Mapping[str, str] = MappingProxyType(
    {
        r"\bcopy\.": "import copy", r"\bgzip\.": "import gzip", r"\bhashlib\.": "import hashlib", r"\bmath\.": "import math",
        r"\bsys\.": "import sys", r"\b(Callable|Mapping)\[": "from collections.abc import Callable, Mapping",
        r"\bpairwise\(": "from itertools import pairwise", r"\bPath\(": "from pathlib import Path",
        r"\bMappingProxyType\(": "from types import MappingProxyType",
    }
)  # fmt: skip
SEEDS = (
    "Every purpose and every epoch has random numbers of its own, which follow from the seed. So the order of the images does "
    "not depend on the network, and everything can be repeated."
)
TENSOR, NN = "from torch import Tensor, nn", "from torch import nn"
PACKAGES: Mapping[str, str] = MappingProxyType(
    {
        r"\bkeras\.": "import keras", r"\bnp\.": "import numpy as np", r"": "import torch",
        r"\bF\.": "import torch.nn.functional as F",
        r"\bTensor\b": TENSOR, r"\bnn\.": NN,
        r"\bweight_norm\(": "from torch.nn.utils.parametrizations import weight_norm",
    }
)  # fmt: skip
DEVICES: Mapping[str, str] = MappingProxyType(
    {
        "cpu": '"cpu"', "cuda": '"cuda" if torch.cuda.is_available() else "cpu"',
        "mps": '"mps" if torch.backends.mps.is_available() else "cpu"',
    }
)  # fmt: skip
SAME = (
    "With the same versions, processor and number of threads, every loss is the stored one to the last bit. Elsewhere sums are "
    "added in another order, and what that changes grows: a loss of the first epoch mostly differs by less than a hundredth, "
    "and later ones as those of another seed would."
)


@dataclass(frozen=True, slots=True)
class Script:
    """title, about: what it repeats, and with what the run was made · parts: in order · files: that it reads, beside it
    argument: how the images are named on the command line"""

    title: str
    about: str
    parts: Sequence[Part]
    files: tuple[File, ...]
    argument: str


def make(source: Source) -> Exported:
    """One file of Python, and beside it the embedded digits where it learned from those. Raises InputError for a run that can
    not be repeated from its settings, DataError where the embedded digits are no longer those that it learned from."""
    script = written(source, 'DATA = sys.argv[1] if len(sys.argv) > 1 else "{}"')
    name = f"run-{source.run.run_id[:12]}.py"
    command = f"    python {name} {script.argument}".rstrip()
    doc = "\n".join([script.title, "", *_wrapped(script.about), "", command, "", *_wrapped(SAME)])
    code = "\n\n\n".join(f"{_heading(part)}\n{part.code}" for part in script.parts)
    content = f'"""{doc}\n"""\n\n{code}\n'.encode()
    with_digits = f" The digits lie beside it, in {DIGITS_FILE}." if script.files else ""
    sentence = f"{content.count(b'%c' % 10):,} lines of Python that repeat the training.{with_digits}"
    files = (File(name, content, "text/x-python"), *script.files)
    return Exported(files, sentence, warning(source.run), figures={"bytes": len(content)})


def written(source: Source, argument: str) -> Script:
    """A run as the parts of a script. argument: the line that says where the images lie, with {} for where they are at first"""
    run = source.run
    config = run.run_config()
    check(run, config)
    settings, about, course = Settings(config), _images(run, config), _course(source, config)
    data = config.data.dataset
    named = argument.format(DEFAULT_DATA[data])
    uses_device = about.device != "cpu" or config.architecture.startswith("keras")
    device = f"DEVICE = {DEVICES[about.device]}" if uses_device else ""
    head = Part(
        "The network", f"{models.title(config.architecture)}, with its settings.",
        f"{settings.choices(type(config.model).model_fields)}\n\n\n{network(config)}".lstrip(),
    )  # fmt: skip
    layout = LAYOUT if about.channels_last else ""
    parts = [
        *data_parts(config, about, settings, named), *augmentation_parts(config, layout), head,
        Part("Random numbers", SEEDS, f"{source_of(derive)}\n\n\n{source_of(generator)}"),
        starting_part(config, settings, about), optimizer_part(config, settings),
        training_part(config, course, settings, about), result_part(config, course, settings, about),
    ]  # fmt: skip
    parts = [_beginning(run, config, device, parts), _numbers(config, about, settings), *parts]
    parts = [replace(part, code=re.sub(r"\n{4,}", "\n\n\n", part.code).strip()) for part in parts]
    title = f"{models.title(config.architecture)} on {DATASETS[data].phrase}: one run of Digit Lab, to be repeated without it."
    files = (_digits(source),) if data == "digits" else ()
    folder = {"digits": "", "mnist": "[FOLDER WITH MNIST]", "kaggle": "[train.csv]"}[data]
    return Script(title, _about(run, config), parts, files, folder)


def check(run: Run, config: RunConfig) -> None:
    """Raises InputError for what can not be repeated from settings."""
    if not run.started or run.summary.get("status") == "failed":
        why = "it never began" if not run.started else "it failed"
        raise InputError(f"{run.name} can not be written as a script: {why}.")
    values = config.flat()
    for setting in all_settings(config.architecture):
        is_set = values[setting.name] != setting.default and setting.applies(values)
        if is_set and setting.name in REFUSALS:
            raise InputError(f"{run.name} can not be written as a script: {REFUSALS[setting.name]}")
        if is_set and setting.name not in WRITTEN and setting.name not in type(config.model).model_fields:
            raise InputError(f"{run.name} can not be written as a script: {setting.title} is not written out yet.")


def warning(run: Run) -> str:
    """Why the repetition may end with other digits, "" where nothing speaks for it."""
    if _device(run) != "cpu":
        return "It was trained on a GPU, which adds in an order of its own: the repetition will not match to the last digit."
    if run.manifest.get("changed_on_resume"):
        return (
            "It went on on another machine or with other versions, so the repetition will not match to the last digit."
        )
    return ""


def _images(run: Run, config: RunConfig) -> Images:
    started, device = run.started, _device(run)
    layout = memory_format(on_meta(models.get(config.architecture).build, config.model), device)
    return Images(
        int(started["n_train"]), int(started["n_val"]), float(started["mean"]), float(started["std"]),
        by_forms=config.data.dataset == "digits", device=device,
        channels_last=layout == torch.channels_last,
    )  # fmt: skip


def _device(run: Run) -> str:
    """ "cpu", "cuda" or "mps"; what else stands in a run from elsewhere is taken for a CPU."""
    device = str(run.started.get("device", "cpu")).split(":")[0]
    return device if device in DEVICES else "cpu"


def _course(source: Source, config: RunConfig) -> Course:
    run = source.run
    rows = {
        float(event["epoch"]): {name: event.get(name) for name in ("train_loss", "train_acc", "val_loss", "val_acc")}
        for _, event in source.store.history(run.run_id) if event["event"] == "epoch"
    }  # fmt: skip
    return Course(
        rows=rows,
        n_steps=int(run.summary["step"]) if run.summary["status"] == "stopped" else 0,
        diverged=run.summary["status"] == "diverged",
        test_loss=run.summary.get("test_loss"), test_acc=run.summary.get("test_acc"),
        bits="bf16" if run.started.get("precision") == "bf16" else "fp32",
        answer_bits=answer_precision(config.architecture, config.model, config.training.precision, _device(run)),
    )  # fmt: skip


def _beginning(run: Run, config: RunConfig, device: str, parts: Sequence[Part]) -> Part:
    """Imports, versions and threads."""
    text = "\n".join(part.code for part in parts)
    libraries = [line for pattern, line in IMPORTS.items() if re.search(pattern, text)]
    packages = [line for pattern, line in PACKAGES.items() if re.search(pattern, text)]
    if TENSOR in packages:
        packages.remove(NN)
    versions = run.manifest.get("versions", {})
    names = [name for name in ("python", "torch", "numpy") if name in versions]
    then = ", ".join(f"{name} {plain(versions[name])}" for name in names)
    threads = int(run.started.get("threads") or 1)
    lines = [*sorted({*libraries, "import platform"}, key=lambda line: (line.startswith("from"), line)), ""]
    if config.architecture.startswith("keras"):
        lines = ["import os", *lines, 'os.environ["KERAS_BACKEND"] = "torch"  # before Keras is imported', ""]
    lines += [*packages, "", f"torch.set_num_threads({threads})  # as the run had: sums depend on it"]
    lines += [device] if device else []
    lines += [f'print("The run: {then}, seed {config.training.seed}")']
    lines += ['print(f"Here: python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}")']
    return Part("Beginning", "What it needs, and what it runs on.", "\n".join(lines))


def _numbers(config: RunConfig, about: Images, settings: Settings) -> Part:
    """All that is a number, in one place, for whoever wants to change one."""
    data = config.data
    names = ["split_seed", *(["label_noise"] if data.label_noise else []), *variations(data)]
    lines = [
        settings.constants(numbers(config.training)), comment("Images to learn from, and images held out for validation."),
        f"N_TRAIN, N_VAL = {about.n_train}, {about.n_val}", settings.constants(names),
    ]  # fmt: skip
    return Part("The settings of the run", "Each under its sentence from the form of Digit Lab.", "\n".join(lines))


def _about(run: Run, config: RunConfig) -> str:
    manifest = run.manifest
    cpu, threads = plain(manifest.get("cpu", "")), int(run.started.get("threads") or 1)
    where = f"on {cpu or _device(run)} with {threads} {'thread' if threads == 1 else 'threads'}"
    needs = "torch and NumPy" + {"mnist": ", and torchvision to download MNIST"}.get(config.data.dataset, "")
    needs = f"Keras, {needs}" if config.architecture.startswith("keras") else needs
    return f"Run {plain(run.run_id)} of {plain(run.created_utc)[:10]}, {where}. It needs {needs}."


def _digits(source: Source) -> File:
    """The embedded digits as the run had them."""
    dataset = own_images(source.run.manifest, source.load_dataset("digits"))
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, train_images=dataset.train_images, train_labels=dataset.train_labels, test_images=dataset.test_images,
        test_labels=dataset.test_labels,
    )  # fmt: skip
    return File(DIGITS_FILE, buffer.getvalue(), "application/octet-stream")


def _heading(part: Part) -> str:
    line = f"# ---- {part.title} "
    return f"{line.ljust(LINE_CHARACTERS, '-')}\n{comment(part.words)}\n"


def _wrapped(text: str) -> list[str]:
    return [line.removeprefix("# ") for line in comment(text).splitlines()]
