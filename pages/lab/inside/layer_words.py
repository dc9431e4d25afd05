"""What each kind of layer does, in one sentence for somebody who never saw one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.data.dataset import SIDE

if TYPE_CHECKING:
    from core.inspect.layer_pictures import LayerPictures

SCORES = "Ten scores, one for each digit from 0 to 9: the largest is the answer."
# How a title begins -> what such a layer does. The first that fits counts.
WORDS: Mapping[str, str] = {
    "Convolution 1 ": "Each new number is a mix of the numbers at the same place.",
    "Convolution": "Small windows slide over the picture; each map shows where one of them finds its pattern.",
    "Causal convolution": "Windows look for patterns in this row and in rows before it, never in later ones.",
    "Max pooling": "Of each small square only the largest number stays: a shift of the stroke matters less.",
    "Average pooling": "Of each small square the mean stays: the picture shrinks.",
    "Global average pooling": "The mean of each map: how much of its pattern there was anywhere.",
    "Adaptive max pool": "The largest number of each map: whether its pattern was anywhere.",
    "Batch norm": "Brings each map to a common size, so that the next layer meets numbers of the size it knows.",
    "Layer norm": "Brings the numbers of each patch to a common size.",
    "Addition": "What went around the last layers is added to what they made, so that nothing is lost on the way.",
    "Learned position": "Each patch is told where in the picture it stands.",
    "Attention": "Each patch takes something from the patches that matter to it.",
    "Mean": "The mean of all patches: what the picture as a whole has.",
    "RNN": "A memory that reads the picture line by line; each line here is its state after one of them.",
    "GRU": "A memory that reads the picture line by line, and decides what to keep and what to renew.",
    "LSTM": "A memory that reads the picture line by line, and decides what to keep, to add and to show.",
}
DENSE: Mapping[str, str] = {
    "units": "Each unit adds up all that it gets, every number times a weight of its own.",
    "tokens": "The numbers of each patch are mixed into new ones, with the same weights for every patch.",
    "mixing": "Each unit adds up one number over all patches: this is where the patches hear of each other.",
    "states": "The numbers of each line are mixed into new ones, with the same weights for every line.",
}
ACTIVATIONS: Mapping[str, str] = {
    "ReLU": "What is below zero becomes zero.",
    "GELU": "What is well below zero becomes almost zero.",
}


def layer_sentence(layer: LayerPictures, *, is_last: bool = False) -> str:
    """Such as "The mean of each map: …"; "" for a kind of layer that nobody has described yet. is_last: its numbers are the
    logits"""
    if is_last:
        return SCORES
    kind = layer.title.split(",")[0]
    words = DENSE.get(layer.kind, "") if kind == "Dense" else next(
        (text for start, text in WORDS.items() if f"{kind} ".startswith(start)), ""
    )  # fmt: skip
    if layer.kind == "states" and layer.shape[0] != SIDE:
        words = words.replace("line by line", "pixel by pixel").replace("each line here", "each row here")
    after = next((text for name, text in ACTIVATIONS.items() if layer.title.endswith(name)), "")
    return " ".join(filter(None, (words, after)))


def axis_words(layer: LayerPictures) -> str:
    """What the two directions of a picture of states or of a token mixing stand for; "" for any other."""
    if layer.kind == "states":
        lines = f"{'columns' if layer.by_columns else 'rows'} of the image"
        if layer.shape[0] != SIDE:
            lines = f"pixels, read {'column by column' if layer.by_columns else 'row by row'}"
        return f"Downwards: {lines}, 0 to {layer.shape[0] - 1}. To the right: units, 0 to {layer.shape[1] - 1:,}."
    if layer.kind == "mixing":
        return (
            f"Downwards: numbers of a patch, 0 to {layer.shape[0] - 1}. To the right: units, 0 to {layer.shape[1] - 1}."
        )
    return ""
