"""Figures in words, without a chart: for sentences below charts, on cards and on the command line."""

from __future__ import annotations


def after_epoch(epoch: float) -> str:
    """When something was measured: "after epoch 3", "within epoch 4" for what lies between two ends, "before epoch 1"."""
    if epoch <= 0:
        return "before epoch 1"
    return f"after epoch {epoch:,.0f}" if epoch == int(epoch) else f"within epoch {int(epoch) + 1:,}"
