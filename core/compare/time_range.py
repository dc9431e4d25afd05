"""Seconds as a range in words, which promises no more than is known."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

# What a range begins and ends at.
SECONDS_LADDER = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100)
MINUTES_LADDER = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100)
HOURS_LADDER = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 24, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1_000)


def range_words(low: float, high: float) -> str:
    """Seconds as people say them: "20 to 40 seconds", "1 to 2 minutes", "under 5 seconds"."""
    if high <= SECONDS_LADDER[-1]:
        return _between(low, high, 1, SECONDS_LADDER, "second")
    if high <= 60 * MINUTES_LADDER[-1]:
        if 1 <= low < 60:
            first = _rung_below(low, SECONDS_LADDER)
            return f"{_count(first, 'second')} to {_count(_rung_above(high / 60, MINUTES_LADDER), 'minute')}"
        return _between(low, high, 60, MINUTES_LADDER, "minute")
    if 60 <= low < 3600:
        first = _rung_below(low / 60, MINUTES_LADDER)
        return f"{_count(first, 'minute')} to {_count(_rung_above(high / 3600, HOURS_LADDER), 'hour')}"
    return _between(low, high, 3600, HOURS_LADDER, "hour")


def _between(low: float, high: float, unit: int, ladder: Sequence[int], word: str) -> str:
    first, last = _rung_below(low / unit, ladder), _rung_above(high / unit, ladder)
    if first == 0:
        return f"under {_count(max(last, 2), word)}"
    return f"about {_count(first, word)}" if first == last else f"{first:,} to {_count(last, word)}"


def _rung_below(value: float, ladder: Sequence[int]) -> int:
    place = bisect_right(ladder, value)
    return ladder[place - 1] if place else 0


def _rung_above(value: float, ladder: Sequence[int]) -> int:
    place = bisect_left(ladder, value)
    return ladder[place] if place < len(ladder) else math.ceil(value)


def _count(n: int, word: str) -> str:
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"
