"""README and docs/ point at what is there, the README stays short, and the citation names the version."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bench.reliability.rows import ROWS

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))]
README_MAX_LINES = 150

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def prose(document: Path) -> str:
    """A document without its blocks of code, where "#" begins a remark."""
    return BLOCK.sub("", document.read_text("utf-8"))


def anchors(document: Path) -> set[str]:
    """What GitHub calls the headings of a document in an address."""
    headings = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(prose(document)))
    return {heading.replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(document: Path) -> None:
    targets = [target for target in LINK.findall(prose(document)) if not target.startswith("https://")]
    assert targets
    for target in targets:
        name, _, anchor = target.partition("#")
        path = document.parent / name if name else document
        assert path.is_file(), target
        assert not anchor or anchor in anchors(path), target


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= README_MAX_LINES


def test_the_citation_names_the_version_of_the_program() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text("utf-8")


def test_every_environment_variable_is_explained() -> None:
    sources = [*(ROOT / "core").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), ROOT / "streamlit_app.py"]
    variables = {name for path in sources for name in re.findall(r"DIGIT_LAB_[A-Z_]*[A-Z]", path.read_text("utf-8"))}
    rows = re.findall(r"^\| `(DIGIT_LAB_\w+)` \|", (ROOT / "docs" / "operations.md").read_text("utf-8"), re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert "DIGIT_LAB_RUNS" in variables
    assert not variables - set(rows)


def test_the_promises_name_rows_of_the_report_card() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    promises = text[text.index("| Promised |") : text.index("The right column")]
    held_by = [line.rsplit("|", 2)[1] for line in promises.splitlines() if line.startswith("|")]
    rows = {name for cell in held_by for name in re.findall(r"`([\w-]+)`", cell)}
    assert rows
    assert rows <= {row.name for row in ROWS}
