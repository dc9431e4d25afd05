"""What a description of a chart is held to: its names, its numbers and their units, in their order; not its prose."""

from __future__ import annotations

import re


def figures(sentence: str, *names: str) -> list[str]:
    """Every number with its unit (% or nats) and every one of these names, as they stand in the sentence."""
    whole_names = [rf"(?<!\w){re.escape(name)}(?!\w)" for name in names]
    return re.findall("|".join([*whole_names, r"[+-]?\d+(?:,\d{3})*(?:\.\d+)?(?: %| nats)?"]), sentence)
