"""Words of others in a sentence of ours."""

from __future__ import annotations

import re

import pytest

from pages.shared.markdown import escape_markdown

# What the browser's Markdown takes for an address in plain text, backslashes or not (GitHub Flavored Markdown, section 6.9).
ADDRESS = re.compile(r"https?://|www\.|[-.\w+]+@[-\w]+", re.IGNORECASE)
NAMED = re.compile(r":[\w+/-]+:")  # an emoji, a material icon


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/login", "HTTP://evil.example", "see www.evil.example", "WWW.evil.example",
        "write a.b@evil.example", "mailto:a@evil.example", "a:smile:b", ":material/delete:", ":+1:",
    ],
)  # fmt: skip
def test_an_address_or_a_picture_by_name_is_only_text(text: str) -> None:
    shown = escape_markdown(text).replace("\\", "")
    assert not ADDRESS.search(shown)
    assert not NAMED.search(shown)
    assert shown.replace("\u2060", "") == text, "and reads as before"


def test_a_name_is_one_line_without_marks() -> None:
    assert escape_markdown("# a\n*b* [c](d) $e$") == r"\# a \*b\* \[c\]\(d\) \$e\$"
