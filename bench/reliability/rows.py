"""All rows of the card, in the order in which they are measured."""

from __future__ import annotations

from bench.reliability import bombs, bundles, fuzz, kills, names, processes, server, truth, workers
from bench.reliability.card import Row

ROWS: tuple[Row, ...] = (
    kills.ROWS
    + processes.ROWS
    + workers.ROWS
    + fuzz.ROWS
    + bundles.ROWS
    + bombs.ROWS
    + names.ROWS
    + server.ROWS
    + truth.ROWS
)
