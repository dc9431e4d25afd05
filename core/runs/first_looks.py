"""What the layers of a reference run make of the digits that come with the program: shown before torch has been loaded.

``<name>.layers`` beside the run's two files holds, compressed, the hash of the weights that made it, the images, and for each
of them probabilities, logits, and at most ``MAX_PICTURES`` pictures of each layer in 8 bits. What does not fit is not used:
then the run is asked anew.
"""

from __future__ import annotations

import logging
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.data.dataset import Images
from core.data.paths import write_atomic
from core.errors import RunError
from core.inspect.layer_pictures import FirstLook, LayerPictures, first_look
from core.runs import artefacts

if TYPE_CHECKING:
    from core.engine.evaluate import Predictor

LAYERS = ".layers"
MAX_PICTURES = 16  # of a layer
STEPS = 127  # of 8 bits, from zero to the largest number


def write(folder: Path, name: str, weights: str, predictor: Predictor, images: Images) -> int:
    """Write the file; returns its bytes. weights: SHA-256 of the weights' file · images (N, 28, 28) uint8. Raises DataError."""
    from core.inspect.activations import activations

    looks = [
        first_look(activations(predictor.module, image, predictor.mean, predictor.std), probs, MAX_PICTURES)
        for image, probs in zip(images, predictor.probabilities(images), strict=True)
    ]
    by_layer = list(zip(*(a_look.layers for a_look in looks), strict=True))
    about = {
        "weights": weights,
        "layers": [
            {"title": layer.title, "kind": layer.kind, "by_columns": layer.by_columns, "shape": layer.shape,
             "n_pictures": layer.n_pictures} for layer, *_ in by_layer
        ],
    }  # fmt: skip
    arrays: dict[str, Any] = {
        "images": images,
        "probs": np.stack([a_look.probs for a_look in looks]),
        "logits": np.stack([a_look.logits for a_look in looks]),
        "largest": np.array([[layer.largest for layer in a_look.layers] for a_look in looks], np.float32),
    }
    for i, of_layer in enumerate(by_layer):
        arrays[f"layer {i}"] = np.stack(
            [np.rint(layer.pictures / (layer.largest or 1) * STEPS).astype(np.int8) for layer in of_layer]
        )
    content = zlib.compress(artefacts.pack(about, arrays), 9)
    write_atomic(folder / f"{name}{LAYERS}", content)
    return len(content)


def read(folder: Path, name: str, weights: str) -> dict[bytes, FirstLook]:
    """What the file says of these very weights: pixels of an image -> its look. {} where it is not there, damaged, or about
    other weights."""
    path = folder / f"{name}{LAYERS}"
    try:
        about, arrays = artefacts.unpack(zlib.decompress(path.read_bytes()))
        if about["weights"] == weights:
            return {image.tobytes(): _look(about["layers"], arrays, i) for i, image in enumerate(arrays["images"])}
    except FileNotFoundError:
        return {}
    except (OSError, RunError, zlib.error, KeyError, IndexError, TypeError) as error:
        logging.getLogger(__name__).warning("%s can not be used: %s", path.name, error)
        return {}
    logging.getLogger(__name__).warning("%s is not about these weights", path.name)
    return {}


def _look(layers: list[dict[str, Any]], arrays: dict[str, Any], i: int) -> FirstLook:
    made = []
    for position, about in enumerate(layers):
        largest = float(arrays["largest"][i, position])
        pictures = arrays[f"layer {position}"][i].astype(np.float32) * np.float32((largest or 1) / STEPS)
        made.append(
            LayerPictures(
                about["title"], about["kind"], about["by_columns"], tuple(about["shape"]), largest, about["n_pictures"],
                pictures,
            )
        )  # fmt: skip
    return FirstLook(tuple(made), arrays["logits"][i], arrays["probs"][i])
