"""What each run adds to a chart of several, apart from its name and its neighbours: made once, joined as often as asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from core.charts.axis import Extent
from core.charts.figure import Figure, Trace
from core.charts.theme import label, listed


class Part(NamedTuple):
    """One run's lines on one chart.

    traces: without what depends on its name, which ``naming`` says · suffix: what its name in the legend ends with
    begun: whether there is anything that this chart shows · drawn: whether it has a place on this axis
    kinds: of its lines and marks, for the key
    x, y: lowest and highest number that is drawn, None without any · last_epoch: the furthest one drawn
    rank, words: its place in the chart's description (ascending), and what that says of it; "" for nothing
    """

    traces: tuple[Trace, ...] = ()
    suffix: str = ""
    begun: bool = False
    drawn: bool = False
    kinds: frozenset[str] = frozenset()
    x: Extent | None = None
    y: Extent | None = None
    last_epoch: float = 0.0
    rank: float = 0.0
    words: str = ""


def naming(trace: Trace, part: Part, name: str, number: int) -> dict[str, Any]:
    """What a trace of a part lacks: its name, the group that it is switched off with, and the name in its hover text."""
    hover = trace.get("hovertemplate")
    return {
        "name": label(name) + part.suffix, "legendgroup": f"run {number}",
        "hovertemplate": hover and f"{hover}<extra>{label(name, 24)}</extra>",
    }  # fmt: skip


def joined(parts: Sequence[Part], names: Sequence[str], frame: Figure) -> Figure:
    """A whole figure: the parts' traces, and above them all of the frame."""
    if frame.is_empty:
        return frame
    traces = [
        {**trace, **naming(trace, part, name, number)}
        for number, (part, name) in enumerate(zip(parts, names, strict=True))
        for trace in part.traces
    ]
    return frame.above(traces)


def described(parts: Sequence[Part], names: Sequence[str], *, by_rank: bool = True) -> str:
    """What a chart's sentence lists: five runs at most, by rank or in the order given; "" when there is nothing to say."""
    entries = [
        (part.rank, f"{name}{part.suffix} {part.words}") for part, name in zip(parts, names, strict=True) if part.words
    ]
    return listed([text for _, text in (sorted(entries) if by_rank else entries)])


def left_out(parts: Sequence[Part], names: Sequence[str]) -> list[str]:
    """The runs that have something to show, but not on this axis."""
    return [name for part, name in zip(parts, names, strict=True) if part.begun and not part.drawn]


def widest(extents: Iterable[Extent | None]) -> Extent | None:
    """What covers all of them."""
    extents_there = [extent for extent in extents if extent]
    return (min(low for low, _ in extents_there), max(high for _, high in extents_there)) if extents_there else None
