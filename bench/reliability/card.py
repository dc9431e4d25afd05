"""What a row of the report card is: something tried so and so often, and the faults that it found."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SHOWN_ELSEWHERE = ("row", "title", "tried", "asked", "faults", "seconds", "met", "examples")
MOST_SHOWN = 5  # faults that are printed of a row; their number is always told


@dataclass
class Tally:
    """What a row has tried so far.

    asked: how many tries · seed: of every random choice · faults: a sentence each, enough to try it again
    figures: what else the row counts or measures, by name, numbers all
    """

    asked: int
    seed: int = 0
    tried: int = 0
    faults: list[str] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)

    def check(self, holds: bool, sentence: str) -> bool:
        """Note a fault unless something holds."""
        if not holds:
            self.faults.append(sentence)
        return holds

    def count(self, name: str, more: int = 1) -> None:
        """Add to a figure."""
        self.figures[name] = self.figures.get(name, 0) + more


@dataclass(frozen=True)
class Row:
    """One line of the card.

    run: told what is asked, notes what it tries and finds; a folder that is its own and empty comes with it
    full, quick: tries that are asked for · needs: why it can not be measured here, "" where it can
    """

    name: str
    title: str
    run: Callable[[Tally, Path], None]
    full: int
    quick: int
    needs: Callable[[], str] = lambda: ""


def measure(row: Row, *, quick: bool, seed: int, folder: Path) -> dict[str, Any]:
    """One row as plain values. "met": as often as asked and without a fault; None when it can not be measured here."""
    asked = row.quick if quick else row.full
    about = {"row": row.name, "title": row.title}
    reason = row.needs() if asked else "only in the full card"
    if reason:
        return about | {"met": None, "reason": reason}
    tally, began = Tally(asked, seed), time.perf_counter()
    try:
        row.run(tally, folder)
    except Exception as error:  # noqa: BLE001 - a row that breaks is a fault, and the others go on
        tally.faults.append(f"the row itself ended early with {type(error).__name__}: {error}")
    return about | {
        "tried": tally.tried, "asked": tally.asked, "faults": len(tally.faults), **tally.figures,
        "seconds": round(time.perf_counter() - began, 1), "met": not tally.faults and tally.tried >= tally.asked,
        "examples": tally.faults[:MOST_SHOWN],
    }  # fmt: skip


def line(values: Mapping[str, Any]) -> str:
    """The same for people: one line, and one more for each fault that is shown."""
    if values["met"] is None:
        return f"{values['title']:<52} not measured: {values['reason']}"
    head = (
        f"{values['title']:<52} {values['tried']:>6,} of {values['asked']:>6,}   faults {values['faults']}   "
        f"{values['seconds']:6.1f} s   {'met' if values['met'] else 'NOT MET'}"
    )
    figures = "".join(
        f"   {name.replace('_', ' ')} {values[name]:,g}" for name in values if name not in SHOWN_ELSEWHERE
    )
    return "\n".join([head + figures, *(f"    {sentence}" for sentence in values["examples"])])
