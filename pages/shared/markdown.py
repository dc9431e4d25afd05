"""Text that somebody else wrote, fit to stand in a sentence of ours."""

from __future__ import annotations

import re

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-!|~$:&])")
# A browser's Markdown looks for addresses, :names: of pictures and the like once more when the backslashes are gone.
_JOINTS = re.compile(r"(?<=:)(?=[/\w+-])|(?<=www)(?=\.)|(?<=@)", re.IGNORECASE)
_UNSEEN = "\u2060"  # a word joiner: no width, no line break, and no address with one in it is an address


def escape_markdown(text: object) -> str:
    """A name or a file's content as one line that Markdown leaves alone: no picture, link, formula or colour in it."""
    return _MARKS.sub(r"\\\1", _JOINTS.sub(_UNSEEN, " ".join(str(text).split())))


def sentence(error: object) -> str:
    """An error's words as a sentence: escaped, with a capital and a full stop."""
    plain = str(error).strip()
    return escape_markdown(plain[:1].upper() + plain[1:] + ("" if plain.endswith((".", "?", "…")) else "."))
