"""The lesson about an architecture, as its file in assets/architectures says it."""

from __future__ import annotations

from pathlib import Path

LESSONS = Path(__file__).parents[2] / "assets" / "architectures"


def lesson(name: str) -> str:
    """The text below its title, as Markdown of our own."""
    return (LESSONS / f"{name}.md").read_text(encoding="utf-8").split("\n", 1)[1]
