"""What may stand in a bundle: the values of a run as this program writes them, and nothing else.

A bundle is made by a program that nobody here knows. Its checksums say that it came whole, not that it is true; so every
value is checked for kind, range and agreement with the others before any of it is stored. Raised is ValueError, or ConfigError
for settings that are not allowed here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from core.config import RunConfig, parse, with_present_values
from core.errors import RunError
from core.fields import SplitName
from core.runs import artefacts, writing
from core.runs.bundle_events import MAX_IMAGES, MAX_NUMBER, is_figure, is_number, is_text, need, read_events
from core.runs.rows import Role, check_name, check_notes, check_tags
from core.runs.shipped import SHIPPED_ID_PREFIX

# Short JSON can be large in memory: "[[],[],…]" takes thirty times its bytes.
MAX_HEADER_BYTES = 1_000_000  # of a file of arrays
MAX_LOSS_DIFFERENCE = 1e-3  # of a stored loss from that of the answers: another processor sums in another order
YEARS = (2020, 2100)
_RUN_ID = re.compile(r"[0-9a-f]{32}")
# What others read of an environment, and what each is. Whatever else stands there is only kept.
_ENVIRONMENT: Mapping[str, tuple[type, ...]] = {
    "architecture": (str,), "seed": (int,), "precision": (str,), "dataset": (str,), "split_hash": (str,), "device": (str,),
    "threads": (int,), "cpu": (str, type(None)), "dataset_hashes": (dict,), "versions": (dict,), "changed_on_resume": (list,),
    "class_set": (dict,), "start_from": (dict,),
}  # fmt: skip
_SUMMARY_FIGURES = ("epoch", "step", "seconds", "best_epoch", "n_params", "images_per_s")
_SPLITS: tuple[SplitName, ...] = ("val", "test")


@dataclass(frozen=True, eq=False)
class Bundle:
    """A run as a bundle says it, sound in itself.

    config: as stored · settings: the same, read · environment: what a store calls its manifest
    events: as ``to_json`` writes them, in order · artefacts: role -> the file of the store
    """

    run_id: str
    name: str
    tags: tuple[str, ...]
    notes: str
    created_utc: str
    best_epoch: float
    summary: Mapping[str, Any]
    config: Mapping[str, Any]
    settings: RunConfig
    environment: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]
    artefacts: Mapping[Role, bytes]


def checked(
    *,
    about: Mapping[str, Any],
    config: Mapping[str, Any],
    environment: Mapping[str, Any],
    events: bytes,
    artefacts: Mapping[Role, bytes],
) -> Bundle:
    """The parts of a bundle as one run. Raises ValueError or InputError with what is wrong."""
    need(set(about) == {"run_id", "name", "tags", "notes", "created_utc", "best_epoch", "summary"}, "run.json")
    run_id = about["run_id"]
    need(isinstance(run_id, str) and bool(_RUN_ID.fullmatch(run_id)), "the run's id")
    if run_id.startswith(SHIPPED_ID_PREFIX):
        raise RunError("This run comes with Digit Lab, and is not imported.")
    texts = (about["name"], about["notes"], *(about["tags"] if isinstance(about["tags"], list) else [None]))
    need(all(isinstance(text, str) for text in texts), "its name, tags or notes")
    need(is_number(about["best_epoch"]), "its best epoch")
    settings = _settings(config)
    _check_environment(environment, settings)
    history = read_events(events)
    _check_summary(about["summary"], history, about["best_epoch"])
    _check_weights(settings, config, artefacts["best"], about["best_epoch"])
    for split in _SPLITS:
        role = writing.EVALUATION_ROLES[split]
        if role in artefacts:
            _check_answers(artefacts[role], split, about["summary"])
    return Bundle(
        run_id=run_id, name=check_name(about["name"]), tags=check_tags(about["tags"]), notes=check_notes(about["notes"]),
        created_utc=read_time(about["created_utc"]), best_epoch=about["best_epoch"], summary=about["summary"], config=config,
        settings=settings, environment=environment, events=history, artefacts=artefacts,
    )  # fmt: skip


def read_time(text: object) -> str:
    """ISO 8601 with its zone, of a year in which this program could run."""
    need(isinstance(text, str) and len(text) <= 40 and text.isascii(), "its time of creation")
    moment = datetime.fromisoformat(str(text))
    need(moment.tzinfo is not None and YEARS[0] <= moment.year < YEARS[1], "its time of creation")
    return str(text)


def _settings(config: Mapping[str, Any]) -> RunConfig:
    """The settings as a value; each within its bounds and written as it is stored."""
    present = with_present_values(config)
    settings = parse(present)
    stored = settings.model_dump(mode="json")
    need(set(present) == set(stored), "config.json")
    for section, values in present.items():
        for name, value in values.items() if isinstance(values, dict) else [(section, values)]:
            as_stored = stored[section].get(name) if isinstance(values, dict) else stored[section]
            need(value == as_stored and isinstance(value, bool) == isinstance(as_stored, bool), f"the setting {name}")
            need(isinstance(value, str) == isinstance(as_stored, str), f"the setting {name}")
    return settings


def _check_environment(environment: Mapping[str, Any], settings: RunConfig) -> None:
    training, images = settings.training, settings.data
    expected = {"architecture": settings.architecture, "seed": training.seed, "dataset": images.dataset}
    for name, value in expected.items():
        need(environment.get(name, value) == value, f"environment.json, {name}")
    for name, value in environment.items():
        kinds = _ENVIRONMENT.get(name, (object,))
        need(
            isinstance(value, kinds) and not (kinds == (int,) and isinstance(value, bool)), f"environment.json, {name}"
        )
        need(_plain(value) and is_text(name), f"environment.json, {name[:40]!a}")
    for name in ("dataset_hashes", "versions"):
        need(all(isinstance(text, str) for text in environment.get(name, {}).values()), f"environment.json, {name}")
    need(all(isinstance(name, str) for name in environment.get("changed_on_resume", ())), "environment.json, a name")


def _plain(value: object, depth: int = 2) -> bool:
    """Numbers, texts that can be shown, and lists and objects of such."""
    if isinstance(value, (list, dict)):
        names = list(value) if isinstance(value, dict) else []
        parts = list(value.values()) if isinstance(value, dict) else value
        return depth > 0 and all(map(is_text, names)) and all(_plain(part, depth - 1) for part in parts)
    return value is None or is_text(value) or (isinstance(value, (int, float)) and abs(value) <= MAX_NUMBER)


def _check_summary(summary: Any, history: Sequence[Mapping[str, Any]], best_epoch: float) -> None:
    """That it says what the events say, and figures that can be."""
    need(isinstance(summary, dict), "its summary")
    end = history[-1]
    words = {"status", "reason", "detail"}
    figures = {f"{split}_{figure}" for split in _SPLITS for figure in ("acc", "loss")} | {"n_val", "n_test"}
    need(summary.keys() <= {*_SUMMARY_FIGURES, *words, *figures}, "its summary")
    need(summary.keys() >= {"status", "epoch", "step", "seconds", "best_epoch", "reason"}, "its summary")
    need(
        summary["status"] == end["event"] and all(is_text(summary[word]) for word in words & summary.keys()),
        "its summary",
    )
    for name in ("epoch", "step", "seconds", "best_epoch"):
        need(summary[name] == end.get(name, summary[name]), f"its summary, {name}")
    need(summary["best_epoch"] in (None, best_epoch), "its summary, best_epoch")
    for name in summary.keys() - words:
        need(summary[name] is None or is_figure(name, summary[name]), f"its summary, {name}")
        need(not name.startswith("n_") or type(summary[name]) in (int, type(None)), f"its summary, {name}")
    need(type(summary["step"]) is int and is_number(summary["seconds"]) and is_number(summary["epoch"]), "its summary")
    for split in _SPLITS:
        need(len({f"{split}_acc", f"{split}_loss", f"n_{split}"} & summary.keys()) in (0, 3), "its summary")
        if f"n_{split}" in summary:
            n_images = summary[f"n_{split}"]
            need(
                is_number(summary[f"{split}_acc"]) and is_number(n_images, MAX_IMAGES) and n_images > 0,
                f"its summary, n_{split}",
            )


def _unpacked(content: bytes) -> tuple[Any, dict[str, Any]]:
    need(int.from_bytes(content[:8], "little") <= MAX_HEADER_BYTES, "the head of a file of arrays")
    return artefacts.unpack(content)


def _check_weights(settings: RunConfig, config: Mapping[str, Any], content: bytes, best_epoch: float) -> None:
    """That these are finite weights of this network. Loads torch; draws no random number and computes nothing."""
    from core import models
    from core.models.counting import on_meta

    about, arrays = _unpacked(content)
    need(isinstance(about, dict) and about.get("format") == writing.FORMAT, "weights.safetensors")
    need(about.get("config") == config and about.get("architecture") == settings.architecture, "its weights")
    need(about.get("best_epoch") == best_epoch, "its weights, best_epoch")
    need(
        is_number(about.get("mean"), 1.0) and is_number(about.get("std"), 1.0) and about["std"] > 0, "its weights, mean"
    )
    module = on_meta(models.get(settings.architecture).build, settings.model)
    expected = {
        name: (tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
        for name, tensor in module.state_dict().items()
    }
    actual = {name: (array.shape, str(array.dtype)) for name, array in arrays.items()}
    need(actual == expected, f"weights of another network than {settings.architecture} with these settings")
    need(all(bool(np.isfinite(array).all()) for array in arrays.values()), "weights that are no numbers")


def _check_answers(content: bytes, split: SplitName, summary: Mapping[str, Any]) -> None:
    """That these are answers, and the figures are theirs."""
    about, arrays = _unpacked(content)
    need(
        about == {"format": writing.FORMAT, "on": split} and arrays.keys() == {"logits", "labels"},
        f"its {split} answers",
    )
    logits, labels = arrays["logits"], arrays["labels"]
    n = len(labels) if labels.ndim == 1 else 0
    need(logits.dtype == np.float32 and labels.dtype == np.int64 and 0 < n <= MAX_IMAGES, f"its {split} answers")
    need(logits.shape == (n, 10) and 0 <= labels.min() <= labels.max() <= 9, f"its {split} answers")
    # Minus infinity is the logarithm of a probability that rounds to 0, for a network that looks several times.
    need(not np.isnan(logits).any() and logits.max() < math.inf, f"its {split} answers")
    if f"n_{split}" not in summary:
        return
    accuracy = int((logits.argmax(1) == labels).sum()) / n
    need((summary[f"n_{split}"], summary[f"{split}_acc"]) == (n, accuracy), f"the accuracy of its {split} answers")
    wide = logits.astype(np.float64)
    top = wide.max(1, keepdims=True)
    with np.errstate(invalid="ignore"):  # ten times minus infinity
        losses = np.log(np.exp(wide - top).sum(1)) + top[:, 0] - wide[np.arange(n), labels]
    loss, stored = float(losses.mean()), summary[f"{split}_loss"]
    is_equal = stored is not None and math.isclose(loss, stored, rel_tol=MAX_LOSS_DIFFERENCE, abs_tol=1e-6)
    need(is_equal or (stored is None and not math.isfinite(loss)), f"the loss of its {split} answers")
