"""What an architecture is, as its file in assets/architectures says it."""

from __future__ import annotations

from pathlib import Path

TEXTS = Path(__file__).parents[2] / "assets" / "architectures"


def architecture_text(name: str) -> str:
    """The text below its title, as Markdown of our own. name: of an architecture or of a baseline"""
    return (TEXTS / f"{name}.md").read_text(encoding="utf-8").split("\n", 1)[1]
