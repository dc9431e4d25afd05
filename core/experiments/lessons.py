"""Lessons: guided experiments, each declared in a file ``assets/lessons/<id>.md``: question, guess, experiment, reveal.

A file is TOML between two lines ``+++`` and then Markdown below fixed headings; ``core.experiments.lesson`` says what in it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from core.data.paths import assets_root
from core.errors import ConfigError
from core.experiments.lesson import COURSES, HEADINGS, MAY_BE_ABSENT, PLACEHOLDER, PLACEHOLDERS, Lesson, reason
from core.experiments.lesson_parts import Answer, Contestant, Experiment, GuessForm, GuessValue, Look

__all__ = [
    "COURSES",
    "PLACEHOLDERS",
    "Answer",
    "Contestant",
    "Experiment",
    "GuessForm",
    "GuessValue",
    "Lesson",
    "Look",
    "filled",
    "get",
    "lessons",
    "parse",
]

_FILE = re.compile(r"\+\+\+\n(?P<front>.*?)\n\+\+\+\n(?P<text>.*)", re.DOTALL)


def parse(lesson_id: str, text: str) -> Lesson:
    """A lesson from the text of its file. Raises ConfigError naming the file, the field and what is allowed."""
    parts = _FILE.fullmatch(text.replace("\r\n", "\n"))
    if parts is None:
        raise ConfigError(f"{lesson_id}.md: begins with a line +++, settings, and another line +++")
    try:
        front = tomllib.loads(parts["front"])
        return Lesson.model_validate({**front, "id": lesson_id, "sections": _sections(parts["text"])})
    except ValidationError as error:
        raise ConfigError(f"{lesson_id}.md: {reason(error)}") from None
    except ValueError as error:  # of tomllib, and of the headings
        raise ConfigError(f"{lesson_id}.md: {error}") from None


def _sections(text: str) -> Mapping[str, str]:
    """Heading -> Markdown. Raises ValueError."""
    before, *parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    headings, texts = [heading.strip() for heading in parts[::2]], [part.strip() for part in parts[1::2]]
    required = [heading for heading in HEADINGS if heading != MAY_BE_ABSENT or heading in headings]
    if before.strip() or headings != required or not all(texts):
        wanted = ", ".join(HEADINGS)
        raise ValueError(
            f"the headings are {', '.join(headings)}, allowed is {wanted}, in this order, with text below each"
        )
    return MappingProxyType(dict(zip(headings, texts, strict=True)))


def folder() -> Path:
    """Where the files lie; beside them ``results/``."""
    return assets_root() / "lessons"


@cache
def lessons() -> Mapping[str, Lesson]:
    """Every lesson by its id, by course and place. Raises ConfigError for a file that is none."""
    parsed = [parse(path.stem, path.read_text("utf-8")) for path in sorted(folder().glob("*.md"))]
    in_order = sorted(parsed, key=lambda lesson: (list(COURSES).index(lesson.course), lesson.place, lesson.id))
    return MappingProxyType({lesson.id: lesson for lesson in in_order})


def get(lesson_id: str) -> Lesson:
    """Raises ConfigError for an unknown id."""
    if lesson_id not in lessons():
        raise ConfigError(f"lesson is {lesson_id[:40]!r}, allowed is one of {', '.join(lessons())}", ("lesson",))
    return lessons()[lesson_id]


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with what stands for each placeholder; one without a value stays as it is."""
    return PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)
