"""A network's answers image by image, as a table that can be searched and exported. No torch in here."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.analysis.metrics import Labels, Logits, losses, probabilities


def prediction_table(logits: Logits, labels: Labels) -> pd.DataFrame:
    """Every image, the worst answer first. logits (N, K), labels (N,) 0..9.

    Columns index (row in logits) · truth · predicted · probability (of the prediction) · p_truth · loss (nats) ·
    p0 .. p9: whole numbers and fractions only, so that the table is safe in any spreadsheet.
    """
    probs, loss, predicted = probabilities(logits), losses(logits, labels), logits.argmax(axis=1)
    rows = np.arange(len(labels))
    table = pd.DataFrame(
        {
            "index": rows,
            "truth": np.asarray(labels, np.int64),
            "predicted": predicted.astype(np.int64),
            "probability": probs[rows, predicted],
            "p_truth": probs[rows, labels],
            "loss": loss,
        }
        | {f"p{digit}": probs[:, digit] for digit in range(probs.shape[1])}
    )
    return table.sort_values("loss", ascending=False, kind="stable", ignore_index=True)


def rows_of_cell(table: pd.DataFrame, truth: int | None, predicted: int | None) -> pd.DataFrame:
    """The rows of one cell, row or column of the confusion matrix; None: any digit. Order is kept.

    Only mistakes, unless both digits are given and equal: then the images that were read correctly.
    """
    keep = table["truth"] != table["predicted"] if truth is None or truth != predicted else table["truth"] == truth
    if truth is not None:
        keep &= table["truth"] == truth
    if predicted is not None:
        keep &= table["predicted"] == predicted
    return table[keep].reset_index(drop=True)
