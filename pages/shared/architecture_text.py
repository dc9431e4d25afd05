"""What an architecture is, as its file in assets/architectures says it."""

from __future__ import annotations

from pathlib import Path

from pages.shared.linked_text import show_linked

TEXTS = Path(__file__).parents[2] / "assets" / "architectures"
TO_TRY = "**What to try.**"  # begins the last part of each: nothing but links


def architecture_text(name: str) -> str:
    """The text below its title, as Markdown of our own. name: of an architecture or of a baseline"""
    return (TEXTS / f"{name}.md").read_text(encoding="utf-8").split("\n", 1)[1]


def show_architecture(name: str) -> None:
    """Draw all of it."""
    show_linked(architecture_text(name))


def show_to_try(name: str) -> None:
    """Draw what to try, alone."""
    _, begins, links = architecture_text(name).partition(TO_TRY)
    show_linked(f"{begins}{links}")
