"""The glossary: every word that heads a column or names an axis is explained, once, and can be found."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from pages.shared.glossary import term_in, terms
from tests.pages.conftest import OpenPage, words

ROOT = Path(__file__).parents[2]
PAGE = "pages/learn/words/page.py"
MOST_WORDS = 20  # of a sentence
# Headings that say all by themselves, and columns that only a chart sees.
PLAIN = {
    "name", "rank", "status", "dataset", "tags", "notes", "device", "family", "digit", "images", "image", "sum", "a", "b",
    "first", "second", "better", "verdict", "finished", "in the legend", "read as", "split", "right", "not beaten",
    "colour", "number", "low", "high", "latency_ms", "n_params", "multiply_adds",
    "name in the code", "baseline", "count", "trained on", "look", "id", "what is damaged", "half", "kept at", "nickname",
    "ours", "picture", "tested on", "misread", "nearest digit", "pupil", "goal", "place", "first place", "guesses",
    "a rectangle for each guess", "close", "have seen it", "lesson", "locked in",
}  # fmt: skip


def strings(node: ast.AST) -> list[str]:
    return [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def axis_titles() -> set[str]:
    """The titles in core/charts: values of constants called …TITLE…, and texts handed to ``finish`` and ``empty``."""
    titles: set[str] = set()
    for path in (ROOT / "core" / "charts").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if "title" in " ".join(map(ast.unparse, targets)).lower():
                    values = node.value.values if isinstance(node.value, ast.Dict) else [node.value]
                    titles |= {text for value in values for text in strings(value)}
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "finish":
                titles |= {text for argument in node.args[1:3] for text in strings(argument)}
    return {title for title in titles if re.search(r"[A-Z]", title)}


def column_titles() -> set[str]:
    """The keys of every table of columns, and of every dictionary from which a page makes a table."""
    titles: set[str] = set()
    for path in (ROOT / "pages").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if ".dataframe(" not in text and ".table(" not in text and "column_config" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            is_columns = isinstance(node, (ast.Assign, ast.AnnAssign)) and re.match(
                r"_?(COLUMNS|CONDITIONS|PAIRS)\b", ast.unparse(node)
            )
            is_config = isinstance(node, ast.keyword) and node.arg == "column_config"
            is_frame = isinstance(node, ast.Call) and ast.unparse(node.func) == "pd.DataFrame"
            is_renamed = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "names"
            for part in ast.walk(node) if is_columns or is_config or is_frame or is_renamed else ():
                if isinstance(part, ast.Dict):
                    keys = part.values if is_renamed else [key for key in part.keys if key is not None]
                    titles |= {text for key in keys if isinstance(key, ast.Constant) for text in strings(key)}
    return titles


def test_every_axis_and_every_column_is_explained() -> None:
    axes, columns = axis_titles(), column_titles()
    assert {"Loss (nats per image)", "Epoch (passes over the training images)", "Gradient norm (log)"} <= axes
    assert {"test (%)", "p, all pairs", "Multiply-adds", "computing time (s)"} <= columns
    missing = {
        title for title in axes | columns if term_in(title) is None and title.split(" (")[0].lower() not in PLAIN
    }
    assert not missing


def test_a_word_is_explained_once_and_briefly() -> None:
    forms = [form.casefold() for term in terms().values() for form in (term.name, *term.also)]
    assert len(forms) == len(set(forms))
    for term in terms().values():
        assert 1 <= len(re.findall(r"[.:](?: |$)", term.text)) <= 4, term.name
        assert len(term.text) <= 260, term.name
        assert max(len(part.split()) for part in re.split(r"(?<=[.?:;]) ", term.text)) <= MOST_WORDS, term.name
    for word in (
        "nats",
        "epoch",
        "step",
        "batch",
        "validation",
        "seed",
        "p",
        "interval",
        "parameters",
        "multiply-adds",
    ):
        assert word in terms()


@pytest.mark.parametrize(("title", "word"), [("test (%)", "test"), ("± validation", "validation"), ("n test", "test"),
                                             ("best validation (%)", "validation"), ("p, all pairs", "Holm")])  # fmt: skip
def test_a_heading_is_explained_by_the_longest_word_in_it(title: str, word: str) -> None:
    term = term_in(title)
    assert term is not None
    assert term.name == word


def test_every_word_stands_on_its_page_and_is_found(open_page: OpenPage) -> None:
    at = open_page(PAGE)
    assert at.title[0].value == "Words"
    assert all(term.text in words(at) for term in terms().values())
    at.text_input(key="words_search").set_value("CASE of nothing").run()
    assert "No word here has that in it." in words(at)
    at.text_input(key="words_search").set_value("Nats").run()
    assert terms()["loss"].text not in words(at)
    assert terms()["nats"].text in words(at)
