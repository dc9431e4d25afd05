"""What several networks read in one image, in the few words that fit below its picture."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from string import ascii_uppercase

from core.analysis.suspects import Readings
from pages.shared.answered import RunAnswers
from pages.shared.gallery import numbered
from pages.shared.markdown import escape_markdown

SHORT_NAME = 9  # letters of a name that fits below a picture


def short_names(members: Sequence[RunAnswers]) -> list[str]:
    """What the networks are called below a picture: by their names if all are short, else by letters."""
    names = [member.name.removesuffix(" (shipped)") for member in members]
    fit = all(len(name) <= SHORT_NAME for name in names) and len(set(names)) == len(names)
    return names if fit else list(ascii_uppercase[: len(names)])


def caption(index: int, truth: int, read: Readings, names: Sequence[str], errors: Collection[int]) -> str:
    """The lines below a picture: its label and number, then what each network reads and how sure it is."""
    lines = [f"label {truth} {numbered(index, errors)}"]
    lines += [
        f"{name}: {answer}, {100 * sure:.0f} %"
        for name, answer, sure in zip(names, read.answers[:, index], read.confidence[:, index], strict=True)
    ]
    return "\n".join(lines)


def say_letters(members: Sequence[RunAnswers], names: Sequence[str]) -> str:
    """Whom the letters stand for, as a sentence; "" where they are names."""
    if any(len(name) > 1 for name in names):
        return ""
    pairs = zip(names, members, strict=True)
    return f"{', '.join(f'{letter}: {escape_markdown(member.name)}' for letter, member in pairs)}. "
