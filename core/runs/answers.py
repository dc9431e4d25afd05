"""Answers to the test images that come with a reference run: whoever looks at its mistakes first does not wait for them.

``<name>.answers`` beside the run's two files holds logits (N, 10) float32 as this program made them, the hash of the
weights that gave them, and the hash of the images and labels that they are about. What does not fit is not used: then the
run answers anew.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.data.dataset import Dataset
from core.data.paths import write_atomic
from core.errors import RunError
from core.runs import artefacts

if TYPE_CHECKING:
    from core.engine.evaluate import Evaluation

ANSWERS = ".answers"
MIN_VIEWS = 2  # of each image; a run that looks once answers within a second or two


def write(folder: Path, name: str, weights: str, dataset: Dataset, answers: Evaluation) -> int:
    """Write the file; returns its bytes. weights: SHA-256 of the weights' file. Raises DataError."""
    logits = np.ascontiguousarray(answers.logits, np.float32)
    about = {
        "weights": weights,
        "images": _images_hash(dataset),
        "logits": hashlib.sha256(logits.tobytes()).hexdigest(),
    }
    content = artefacts.pack(about, {"logits": logits})
    write_atomic(folder / f"{name}{ANSWERS}", content)
    return len(content)


def read(folder: Path, name: str, weights: str, dataset: Dataset) -> Evaluation | None:
    """What the file says of these very weights and test images; None where it is not there, damaged, or about others."""
    from core.engine.evaluate import Evaluation

    path = folder / f"{name}{ANSWERS}"
    try:
        about, arrays = artefacts.unpack(path.read_bytes())
        logits = arrays["logits"]
    except FileNotFoundError:
        return None
    except (OSError, RunError, KeyError) as error:
        logging.getLogger(__name__).warning("%s can not be used: %s", path.name, error)
        return None
    content = hashlib.sha256(logits.tobytes()).hexdigest()
    if about != {"weights": weights, "images": _images_hash(dataset), "logits": content}:
        logging.getLogger(__name__).warning("%s is not about these images and weights", path.name)
        return None
    return Evaluation(logits, dataset.test_labels)


def come_with(folder: Path, name: str) -> bool:
    """Whether there is such a file; whether it fits shows when it is read."""
    return (folder / f"{name}{ANSWERS}").is_file()


def _images_hash(dataset: Dataset) -> str:
    labels = np.ascontiguousarray(dataset.test_labels, np.int64)
    return hashlib.sha256(np.ascontiguousarray(dataset.test_images).tobytes() + labels.tobytes()).hexdigest()
