"""The lesson plans on the page for teachers are those of docs/teaching.md, with links to pages that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pages.learn.teachers import plans
from tests.pages.conftest import OpenPage, words

PAGE = "pages/learn/teachers/page.py"


def test_each_plan_has_its_tables_and_links_to_pages(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    introduction, by_title = plans.read_plans(plans.GUIDE)
    assert "45 minutes" in introduction
    assert list(by_title) == ["How networks differ", "How networks learn", "What a figure is worth"]
    for plan in by_title.values():
        assert len(re.findall(r"^\| Minutes \|", plan, re.MULTILINE)) == 2, "45 minutes, and to 90"
        assert "`" not in plan, "every address is a link"
        assert re.search(r"\]\(lessons\?lesson=[a-z-]+\)", plan)
    at = open_page(PAGE, view="plans")
    assert all(plan in words(at) for plan in by_title.values())
    assert "What may be said afterwards" in words(at)
    assert "benchmarks (docs/benchmarks.md)." in words(at), "no link to what is no page"
    monkeypatch.setattr(plans, "GUIDE", Path("not-there.md"))
    assert "did not come with this copy" in words(at.run())
