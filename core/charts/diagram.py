"""A network as a picture: its layers from top to bottom, with the ways around them, as DOT text that the browser lays out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from core.charts.confusion import INK
from core.charts.distribution import COLOUR
from core.charts.theme import GREY

MIN_SAVED_BOXES = 3  # boxes that a repetition has to save


class Step(Protocol):
    """What is drawn of a layer. ``inputs``: positions of the layers whose output it takes, -1 for the image."""

    @property
    def kind(self) -> str: ...
    @property
    def output_shape(self) -> tuple[int, ...]: ...
    @property
    def n_params(self) -> int: ...
    @property
    def inputs(self) -> tuple[int, ...]: ...


def diagram(steps: Sequence[Step], *, dark: bool = False) -> str:
    """DOT text: one box a layer with its output shape, filled where there are weights to learn.

    What follows itself several times is drawn once, in a frame that says how often. dark: the page is dark
    """
    folds = list(_folds(steps))
    drawn = {i: i for i in range(-1, len(steps))}  # position -> the box that stands for it
    for start, length, times in folds:
        drawn |= {i: start + (i - start) % length for i in range(start, start + length * times)}
    ink = INK[dark]
    lines = [
        'digraph { bgcolor="transparent" rankdir="TB" nodesep=0.3 ranksep=0.22',
        f'node [shape=box style="rounded" color="{GREY}" fontcolor="{ink}" fontname="Helvetica,Arial,sans-serif" fontsize=14]',
        f'edge [color="{GREY}" arrowsize=0.6]',
        f'"-1" [label={_quoted("image", "1 × 28 × 28")} shape=plaintext]',
    ]
    for i, step in enumerate(steps):
        if drawn[i] == i:
            size = shape(step.output_shape) + (f"\n{step.n_params:,} weights" if step.n_params else "")
            filled = f' style="rounded,filled" fillcolor="{COLOUR}55"' if step.n_params else ""
            lines.append(f'"{i}" [label={_quoted(step.kind, size)}{filled}]')
            for source in sorted({drawn[source] for source in step.inputs}):
                straight = " [weight=9]" if source == i - 1 else ""  # the ways around bend, not the main road
                lines.append(f'"{source}" -> "{i}"{straight}')
    for start, length, times in folds:
        inside = " ".join(f'"{i}"' for i in range(start, start + length))
        lines.append(
            f'subgraph "cluster_{start}" {{ label={_quoted(f"{times} times")} labeljust=l style="rounded,dashed" '
            f'color="{GREY}" fontcolor="{ink}" fontname="Helvetica,Arial,sans-serif" fontsize=14 {inside} }}'
        )
    return "\n".join([*lines, "}"])


def describe_diagram(title: str, steps: Sequence[Step]) -> str:
    """The layers in one sentence, for whoever can not see the picture."""
    words = [f"{step.kind} ({shape(step.output_shape)})" for step in steps]
    for start, length, times in reversed(list(_folds(steps))):
        words[start : start + length * times] = [f"{times} times [{', '.join(words[start : start + length])}]"]
    return f"{title}: {', then '.join(words)}."


def shape(sizes: Sequence[int]) -> str:
    """(32, 28, 28) as "32 × 28 × 28"."""
    return " × ".join(f"{size:,}" for size in sizes)


def _folds(steps: Sequence[Step]) -> Iterator[tuple[int, int, int]]:
    """Repetitions as (first position, length, how many times), from top to bottom, the ones that save most."""
    looks = [
        (step.kind, step.output_shape, step.n_params, tuple(i - source for source in step.inputs))
        for i, step in enumerate(steps)
    ]
    i = 0
    while i < len(looks):
        best = (0, 1, 1)
        for length in range(1, (len(looks) - i) // 2 + 1):
            times = 1
            while looks[i : i + length] == looks[i + times * length : i + (times + 1) * length]:
                times += 1
            best = max(best, (length * (times - 1), length, times))
        saved, length, times = best
        if saved >= MIN_SAVED_BOXES:
            yield i, length, times
            i += length * times
        else:
            i += 1


def _quoted(*lines: str) -> str:
    text = "\n".join(lines).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'
