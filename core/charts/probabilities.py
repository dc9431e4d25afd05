"""How sure a network is about one image.

Ten bars are so little that they need no chart: a page that shows five networks' answers to a stroke would wait half a second
for five of them. They are plain HTML, made of numbers alone.
"""

from __future__ import annotations

import html

import numpy as np
from numpy.typing import NDArray

from core.charts.theme import GREY

GRID = (
    "display:grid;grid-template-columns:max-content 1fr;gap:1px 8px;align-items:center;font-size:12px;line-height:1.25"
)
ROW = "display:flex;align-items:center;gap:6px"


def probability_bars(probs: NDArray[np.floating], colour: str, truth: int | None = None, *, titled: bool = True) -> str:
    """HTML: one bar per digit, the answer in the run's colour and in words above, the truth named at its bar.

    probs (10,) fractions that sum to 1 · colour: the run's · truth: the label, when there is one
    titled: False where those words stand elsewhere
    """
    description = html.escape(describe_probabilities(probs, truth))
    if not np.isfinite(probs).all():
        return f"<div>{description}</div>"
    answer = int(np.argmax(probs))
    rows = []
    for digit, probability in enumerate(map(float, probs)):
        is_answer = digit == answer
        name = f"truth {digit}" if digit == truth else str(digit)
        weight = "font-weight:700;" if is_answer else ""
        bar = f"width:{70 * probability:.2f}%;height:12px;background:{colour if is_answer else GREY};flex:none"
        rows.append(
            f'<div style="{weight}text-align:right">{name}</div>'
            f'<div style="{ROW}" title="digit {digit}: {100 * probability:.4f} %"><div style="{bar}"></div>'
            f'<div style="white-space:nowrap">{percent(probability)}</div></div>'
        )
    title = f'<div style="margin-bottom:6px">{_title(probs, answer, truth)}</div>' if titled else ""
    return f'{title}<div role="img" aria-label="{description}" style="{GRID}">{"".join(rows)}</div>'


def describe_probabilities(probs: NDArray[np.floating], truth: int | None = None) -> str:
    """One sentence: the answer, how sure it is, and the runner-up."""
    if not np.isfinite(probs).all():
        return "No answer: this network's weights are not numbers."
    first, second = (int(digit) for digit in np.argsort(-probs, kind="stable")[:2])
    end = "" if truth is None else f"; the truth is {truth}"
    return (
        f"The network reads {first} with {percent(float(probs[first]), as_html=False)}, then {second} with "
        f"{percent(float(probs[second]), as_html=False)}{end}."
    )


def percent(fraction: float, as_html: bool = True) -> str:
    """A probability with one decimal; what would round to 0 or 100 without being it keeps its sign of doubt."""
    less = "&lt;" if as_html else "<"
    more = "&gt;" if as_html else ">"
    if 0 < fraction < 0.001:
        return f"{less}0.1 %"
    if 0.999 < fraction < 1:
        return f"{more}99.9 %"
    return f"{100 * fraction:.1f} %"


def _title(probs: NDArray[np.floating], answer: int, truth: int | None) -> str:
    verdict = "" if truth is None else (", ✓ right" if truth == answer else f", ✗ wrong: it is {truth}")
    return f"Reads {answer}, {percent(float(probs[answer]))} sure{verdict}"
