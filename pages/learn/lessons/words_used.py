"""The words of a lesson's text that the page "Words" knows, explained behind a button."""

from __future__ import annotations

import re
from functools import lru_cache

from pages.shared.glossary import explain, terms

# Words that mean in a lesson what they always mean, and not what they mean above a column.
EVERYDAY = frozenset({"learned", "memory"})
UNREAD = re.compile(r"\]\([^)]*\)|\{[^{}]*\}")  # the address of a link, and the name of what is filled in


def explain_words(*texts: str) -> None:
    """The button; nothing where the texts have no such word. texts: as Markdown"""
    if names := words_in(" ".join(texts)):
        explain(*names)


@lru_cache(maxsize=256)  # looking for sixty words takes as long as drawing all widgets of a lesson
def words_in(text: str) -> tuple[str, ...]:
    """The names of the words that a text uses, in the order of their list; a word within a longer one does not count.

    Their other forms are left out: those stand above columns, and some of them are everyday words. What nobody
    reads, such as the address of a link, is no part of the text.
    """
    rest, used = UNREAD.sub(" ", text).casefold(), set()
    for name in sorted((name for name in terms() if len(name) > 1 and name not in EVERYDAY), key=len, reverse=True):
        pattern = rf"(?<![\w-]){re.escape(name.casefold())}s?(?![\w-])"
        if re.search(pattern, rest):
            used.add(name)
            rest = re.sub(pattern, " ", rest)
    return tuple(name for name in terms() if name in used)
